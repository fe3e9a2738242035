//! The keys of one data directory: made, found, rotated, revoked, expired.
//!
//! Reading is a look-up in memory. Changes are made one at a time: the file first, then memory; a
//! revocation the other way round, since a full disk must not keep a leaked key alive.

mod signed_in;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::{Mutex, RwLock};
use subtle::{Choice, ConstantTimeEq};
use tokio_util::sync::CancellationToken;

use super::file::{self, Previous, Stored};
use super::key::hex;
use super::sessions::Sessions;
use super::{AccessError, Caller, Denied, KeyId, KeyInfo, KeyState, Meter, NewKey, Reason, Scope, Secret, Whose};
use crate::config::{self, Quota, Span};
use crate::event::names::ProjectName;
use crate::query::Restriction;

pub use signed_in::SignedIn;

/// What an unknown key is compared with: as long as a hash, and equal to none.
const NO_HASH: &str = "----------------------------------------------------------------";
/// Grain of the last use, in seconds.
const USE_GRAIN_S: i64 = 60;

/// All keys of one data directory.
#[derive(Debug)]
pub struct KeyStore {
    path: PathBuf,
    rules: config::Access,
    keys: RwLock<BTreeMap<KeyId, Arc<Entry>>>,
    /// Of browsers that came with a key.
    sessions: Sessions,
    /// One change at a time.
    changing: Mutex<()>,
    /// Whether a last use is not in the file.
    used: AtomicBool,
}

/// A key in memory.
#[derive(Debug)]
struct Entry {
    stored: Stored,
    name: Arc<str>,
    restriction: Option<Arc<Restriction>>,
    meter: Arc<Meter>,
    /// Cancelled when the newest secret ends.
    current: CancellationToken,
    /// Cancelled when the one before does.
    previous: CancellationToken,
    /// Seconds since 1970; 0: never.
    last_used: AtomicI64,
}

impl KeyStore {
    /// Opens the keys in `path`, and the sessions in `sessions.json` beside it; neither need exist yet.
    ///
    /// # Errors
    /// A file that is unreadable, damaged, or readable by others.
    pub fn open(path: &Path, rules: &config::Access) -> Result<Self, AccessError> {
        let load = |stored: Stored| Ok((stored.id.clone(), Arc::new(Entry::new(stored, rules)?)));
        let keys = file::load(path)?.into_iter().map(load).collect::<Result<_, AccessError>>()?;
        Ok(Self {
            path: path.to_path_buf(),
            rules: rules.clone(),
            keys: RwLock::new(keys),
            sessions: Sessions::open(&path.with_file_name("sessions.json"), rules)?,
            changing: Mutex::default(),
            used: AtomicBool::new(false),
        })
    }

    /// Whether there is an admin key that is valid.
    #[must_use]
    pub fn has_admin(&self, now_s: i64) -> bool {
        self.keys.read().values().any(|key| key.is_admin() && key.is_live(now_s))
    }

    /// Makes a key; it is durable when this returns.
    ///
    /// # Errors
    /// A key that cannot exist, or a file that cannot be written.
    pub fn create(&self, new: NewKey, now_s: i64) -> Result<(KeyInfo, Secret), AccessError> {
        new.check()?;
        let expires_at = NewKey::expiry(&new.scopes, new.expires_in, &self.rules, now_s)?;
        self.add(new, expires_at, now_s)
    }

    /// Makes an admin key that never expires, for the owner of a directory that has none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create_first(&self, name: &str, now_s: i64) -> Result<Secret, AccessError> {
        Ok(self.add(NewKey::plain(name, &[Scope::Admin], None), None, now_s)?.1)
    }

    fn add(&self, new: NewKey, expires_at: Option<i64>, now_s: i64) -> Result<(KeyInfo, Secret), AccessError> {
        let secret = self.random(Secret::generate(kind(&new.scopes)))?;
        let stored = Stored {
            id: secret.id(),
            name: new.name,
            scopes: new.scopes,
            project: new.project,
            mapping: new.mapping,
            source: new.source,
            created_at: now_s,
            sha256: hex(&secret.hash()),
            expires_at,
            restrictions: new.restrictions,
            quota: new.quota,
            previous: None,
            revoked_at: None,
            last_used_at: None,
        };
        let _changing = self.changing.lock();
        let entry = Arc::new(Entry::new(stored, &self.rules)?);
        self.save_then_put(Arc::clone(&entry))?;
        Ok((entry.info(now_s), secret))
    }

    /// Gives a key another secret; the one it had stays valid for `overlap`, one before that ends now.
    /// The key's life begins anew, as if it were made now.
    ///
    /// # Errors
    /// No such key, one that is not valid, a lifetime beyond the limit, a file that cannot be written.
    pub fn rotate(
        &self,
        id: &KeyId,
        overlap: Option<Span>,
        expires_in: Option<Span>,
        now_s: i64,
    ) -> Result<(KeyInfo, Secret), AccessError> {
        let _changing = self.changing.lock();
        let old = self.live(id, now_s)?;
        let mut stored = old.on_disk();
        let secret = self.random(Secret::again(kind(&stored.scopes), id))?;
        let valid_until = old.until(overlap.unwrap_or(self.rules.rotation_overlap), now_s);
        // An owner's first key stays without an end unless one is asked for.
        if stored.expires_at.is_some() || expires_in.is_some() {
            stored.expires_at = NewKey::expiry(&stored.scopes, expires_in, &self.rules, now_s)?;
        }
        let sha256 = std::mem::replace(&mut stored.sha256, hex(&secret.hash()));
        stored.previous = Some(Previous { sha256, valid_until });
        let mut entry = Entry { meter: Arc::clone(&old.meter), ..Entry::new(stored, &self.rules)? };
        entry.previous = old.current.clone();
        let entry = Arc::new(entry);
        self.save_then_put(Arc::clone(&entry))?;
        old.previous.cancel();
        entry.end_what_is_over(now_s);
        Ok((entry.info(now_s), secret))
    }

    /// Revokes a key: the next request with it is refused, its running queries stop.
    ///
    /// # Errors
    /// No such key; the last admin key that is valid; a file that cannot be written, in which case the
    /// revocation is in force until the next start only.
    pub fn revoke(&self, id: &KeyId, now_s: i64) -> Result<(), AccessError> {
        let _changing = self.changing.lock();
        let entry = self.entry(id)?;
        let others =
            || self.keys.read().values().any(|key| key.stored.id != *id && key.is_admin() && key.is_live(now_s));
        if entry.is_admin() && entry.is_live(now_s) && !others() {
            return Err(AccessError::LastAdmin(id.clone()));
        }
        self.revoke_now(&entry, now_s)?;
        self.save()
    }

    /// Gives a key another quota; what it took so far is forgotten.
    ///
    /// # Errors
    /// No such key, one that is not valid, a file that cannot be written.
    pub fn set_quota(&self, id: &KeyId, quota: Quota, now_s: i64) -> Result<KeyInfo, AccessError> {
        let _changing = self.changing.lock();
        let old = self.live(id, now_s)?;
        let entry = Entry::new(Stored { quota, ..old.on_disk() }, &self.rules)?;
        // Its queries run on: they end with the same tokens.
        let entry = Arc::new(Entry { current: old.current.clone(), previous: old.previous.clone(), ..entry });
        self.save_then_put(Arc::clone(&entry))?;
        Ok(entry.info(now_s))
    }

    /// Revokes all keys of a project that is deleted.
    ///
    /// # Errors
    /// As [`KeyStore::revoke`].
    pub fn revoke_project(&self, project: &ProjectName, now_s: i64) -> Result<(), AccessError> {
        let _changing = self.changing.lock();
        let all: Vec<_> = self.keys.read().values().cloned().collect();
        for entry in all.iter().filter(|key| key.stored.project.as_ref() == Some(project)) {
            self.revoke_now(entry, now_s)?;
        }
        self.save()
    }

    fn revoke_now(&self, entry: &Arc<Entry>, now_s: i64) -> Result<(), AccessError> {
        if entry.stored.revoked_at.is_none() {
            let stored = Stored { revoked_at: Some(now_s), previous: None, ..entry.on_disk() };
            self.put(Arc::new(Entry::new(stored, &self.rules)?));
        }
        entry.current.cancel();
        entry.previous.cancel();
        self.sessions.drop_those(|key, _| *key == entry.stored.id);
        Ok(())
    }

    /// All keys, without their secrets.
    #[must_use]
    pub fn list(&self, now_s: i64) -> Vec<KeyInfo> {
        self.keys.read().values().map(|key| key.info(now_s)).collect()
    }

    /// One key.
    ///
    /// # Errors
    /// No such key.
    pub fn get(&self, id: &KeyId, now_s: i64) -> Result<KeyInfo, AccessError> {
        Ok(self.entry(id)?.info(now_s))
    }

    /// The caller that the key `text`, sent from `source`, belongs to.
    ///
    /// # Errors
    /// Why not; the sender is told that it was not, and nothing else.
    pub fn authenticate(&self, text: &str, source: Option<IpAddr>, now_s: i64) -> Result<Caller, Denied> {
        let secret = Secret::parse(text).ok_or(Denied::new(Reason::Malformed))?;
        let known = self.keys.read().get(&secret.id()).cloned();
        let hash = hex(&secret.hash());
        // An unknown id is compared as well, so that time does not tell it from a wrong secret.
        let (current, previous) = match &known {
            Some(key) => (key.stored.sha256.as_str(), key.stored.previous.as_ref().map_or(NO_HASH, |old| &old.sha256)),
            None => (NO_HASH, NO_HASH),
        };
        let same = |stored: &str| -> Choice { stored.as_bytes().ct_eq(hash.as_bytes()) };
        let (current, previous): (bool, bool) = (same(current).into(), same(previous).into());
        let denied = |name, reason| Denied { key: Some(secret.id()), name, reason };
        let key = known.ok_or_else(|| denied(None, Reason::Unknown))?;
        let previous = previous && key.stored.previous.as_ref().is_some_and(|old| now_s < old.valid_until);
        let wrong = if current || previous { key.refusal(source, now_s) } else { Some(Reason::WrongSecret) };
        if let Some(reason) = wrong {
            return Err(denied(Some(Arc::clone(&key.name)), reason));
        }
        self.note_use(&key, now_s);
        Ok(key.caller(if current { &key.current } else { &key.previous }))
    }

    /// The caller that the key `id` is, for work that goes on in its name after its request.
    ///
    /// # Errors
    /// No such key, or one that is not valid any more.
    pub fn caller(&self, id: &KeyId, now_s: i64) -> Result<Caller, AccessError> {
        let key = self.live(id, now_s)?;
        Ok(key.caller(&key.current))
    }

    fn note_use(&self, key: &Entry, now_s: i64) {
        let minute = now_s - now_s.rem_euclid(USE_GRAIN_S);
        if key.last_used.swap(minute, Ordering::Relaxed) != minute {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Ends the queries of keys, secrets and sessions whose time is over. To be called several times a second.
    pub fn end_expired(&self, now_s: i64) {
        for key in self.keys.read().values() {
            key.end_what_is_over(now_s);
        }
        let is_live = |id: &KeyId| self.keys.read().get(id).is_some_and(|key| key.is_live(now_s));
        self.sessions.drop_those(|key, expires_at| expires_at <= now_s || !is_live(key));
    }

    /// Writes the times of last use where they changed. To be called once a minute.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save_uses(&self) -> Result<(), AccessError> {
        if !self.used.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let _changing = self.changing.lock();
        self.save().inspect_err(|_| self.used.store(true, Ordering::Relaxed))
    }

    fn entry(&self, id: &KeyId) -> Result<Arc<Entry>, AccessError> {
        self.keys.read().get(id).cloned().ok_or_else(|| AccessError::UnknownKey(id.clone()))
    }

    /// A key that is valid.
    fn live(&self, id: &KeyId, now_s: i64) -> Result<Arc<Entry>, AccessError> {
        let key = self.entry(id)?;
        if key.is_live(now_s) { Ok(key) } else { Err(AccessError::NotActive(id.clone())) }
    }

    fn put(&self, entry: Arc<Entry>) {
        self.keys.write().insert(entry.stored.id.clone(), entry);
    }

    fn save_then_put(&self, entry: Arc<Entry>) -> Result<(), AccessError> {
        let mut next = self.keys.read().clone();
        next.insert(entry.stored.id.clone(), Arc::clone(&entry));
        self.write(&next)?;
        self.put(entry);
        Ok(())
    }

    fn save(&self) -> Result<(), AccessError> {
        let now = self.keys.read().clone();
        self.write(&now)
    }

    fn write(&self, keys: &BTreeMap<KeyId, Arc<Entry>>) -> Result<(), AccessError> {
        let stored: Vec<Stored> = keys.values().map(|key| key.on_disk()).collect();
        file::save(&self.path, &stored)
    }

    fn random(&self, made: Result<Secret, getrandom::Error>) -> Result<Secret, AccessError> {
        made.map_err(|error| file::no_randomness(&self.path, &error))
    }
}

impl Entry {
    fn new(stored: Stored, rules: &config::Access) -> Result<Self, AccessError> {
        Ok(Self {
            meter: Arc::new(Meter::new(Whose::Key, stored.quota.or(&rules.key_quota))),
            name: stored.name.as_str().into(),
            restriction: stored.restrictions.compile()?.map(Arc::new),
            current: CancellationToken::new(),
            previous: CancellationToken::new(),
            last_used: AtomicI64::new(stored.last_used_at.unwrap_or(0)),
            stored,
        })
    }

    fn is_admin(&self) -> bool {
        self.stored.scopes.contains(&Scope::Admin)
    }

    /// So long from now on, but not longer than the key is valid.
    fn until(&self, span: Span, now_s: i64) -> i64 {
        let until = now_s.saturating_add(i64::try_from(span.0.as_secs()).unwrap_or(i64::MAX));
        self.stored.expires_at.map_or(until, |expires_at| until.min(expires_at))
    }

    /// Whether its newest secret is valid.
    fn is_live(&self, now_s: i64) -> bool {
        self.stored.revoked_at.is_none() && self.stored.expires_at.is_none_or(|expires_at| now_s < expires_at)
    }

    /// Why requests from `source` are refused.
    fn refusal(&self, source: Option<IpAddr>, now_s: i64) -> Option<Reason> {
        if self.stored.revoked_at.is_some() {
            Some(Reason::Revoked)
        } else if !self.is_live(now_s) {
            Some(Reason::Expired)
        } else {
            (!self.admits(source)).then_some(Reason::WrongSource)
        }
    }

    fn admits(&self, source: Option<IpAddr>) -> bool {
        let networks = self.stored.restrictions.sources.as_ref();
        networks.is_none_or(|all| source.is_some_and(|address| all.iter().any(|network| network.contains(address))))
    }

    fn end_what_is_over(&self, now_s: i64) {
        if !self.is_live(now_s) {
            self.current.cancel();
            self.previous.cancel();
        } else if self.stored.previous.as_ref().is_some_and(|old| old.valid_until <= now_s) {
            self.previous.cancel();
        }
    }

    fn last_used(&self) -> Option<i64> {
        Some(self.last_used.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    fn on_disk(&self) -> Stored {
        Stored { last_used_at: self.last_used(), ..self.stored.clone() }
    }

    fn info(&self, now_s: i64) -> KeyInfo {
        let stored = self.stored.clone();
        let previous_secret_until = stored.previous.map(|old| old.valid_until).filter(|until| now_s < *until);
        let state = match (stored.revoked_at, self.is_live(now_s), previous_secret_until) {
            (Some(_), _, _) => KeyState::Revoked,
            (None, false, _) => KeyState::Expired,
            (None, true, Some(_)) => KeyState::Rotating,
            (None, true, None) => KeyState::Active,
        };
        KeyInfo {
            id: stored.id,
            name: stored.name,
            state,
            scopes: stored.scopes,
            project: stored.project,
            mapping: stored.mapping,
            source: stored.source,
            restrictions: stored.restrictions,
            quota: stored.quota,
            created_at: stored.created_at,
            expires_at: stored.expires_at,
            previous_secret_until,
            revoked_at: stored.revoked_at,
            last_used_at: self.last_used(),
        }
    }

    fn caller(&self, ended: &CancellationToken) -> Caller {
        Caller {
            key: self.stored.id.clone(),
            name: Arc::clone(&self.name),
            project: self.stored.project.clone(),
            scopes: self.stored.scopes.clone(),
            mapping: self.stored.mapping.clone(),
            source: self.stored.source.clone(),
            restriction: self.restriction.clone(),
            meter: Arc::clone(&self.meter),
            ended: ended.clone(),
        }
    }
}

/// The letter that tells people what they found.
fn kind(scopes: &[Scope]) -> char {
    if scopes.contains(&Scope::Admin) {
        'a'
    } else if scopes == [Scope::Ingest] {
        'i'
    } else {
        'q'
    }
}

#[cfg(test)]
mod tests;
