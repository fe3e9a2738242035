//! Sessions of the page: what a browser has instead of a key, and the links that begin one.
//!
//! ```text
//! key or link ─▶ begin ─▶ token (a cookie) ─▶ find, at each request ─▶ the key it stands for
//! ```
//!
//! # Invariants
//! * A token is never stored, only its SHA-256; it opens what its key opens, and no more.
//! * A session that was ended is over at once, also where the file cannot be written; one that was begun is on
//!   disk before its token is shown. Links are in memory only: a restart ends them.
//! * A key has `access.sessions_max` sessions and as many links at most: the oldest ends for a new one.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::key::{SECRET_LEN, hex, random};
use super::{AccessError, KeyId, file};
use crate::config;

/// What tokens of sessions begin with: not taken for keys, and hidden like them where they do not belong.
const SESSION: &str = "krn_session_";
/// What links begin with.
const LINK: &str = "krn_link_";

/// The secret of a session or of a link; shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    fn generate(kind: &str) -> Result<Self, getrandom::Error> {
        Ok(Self(format!("{kind}{}", random(SECRET_LEN)?)))
    }

    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What is stored of a token.
fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// All sessions of one data directory.
#[derive(Debug)]
pub(super) struct Sessions {
    path: PathBuf,
    most: usize,
    link_lifetime_s: i64,
    open: RwLock<HashMap<String, Session>>,
    links: Mutex<HashMap<String, Link>>,
    /// One change at a time.
    changing: Mutex<()>,
}

/// A session in memory.
#[derive(Debug, Clone)]
struct Session {
    stored: Stored,
    /// Cancelled when it ends: what runs in its name stops.
    ended: CancellationToken,
}

/// A session as the file holds it; times are seconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    sha256: String,
    key: KeyId,
    /// Grows from session to session: the least is the oldest.
    number: u64,
    expires_at: i64,
}

#[derive(Debug)]
struct Link {
    key: KeyId,
    number: u64,
    expires_at: i64,
}

/// A session that a token opened.
pub(super) struct Found {
    pub(super) key: KeyId,
    pub(super) expires_at: i64,
    pub(super) ended: CancellationToken,
}

impl Sessions {
    /// Opens the sessions in `path`, which need not exist yet.
    pub(super) fn open(path: &Path, rules: &config::Access) -> Result<Self, AccessError> {
        let stored: Vec<Stored> = file::load(path)?;
        let session = |stored: Stored| (stored.sha256.clone(), Session { stored, ended: CancellationToken::new() });
        Ok(Self {
            path: path.to_path_buf(),
            most: rules.sessions_max,
            link_lifetime_s: i64::try_from(rules.link_lifetime.0.as_secs()).unwrap_or(i64::MAX),
            open: RwLock::new(stored.into_iter().map(session).collect()),
            links: Mutex::default(),
            changing: Mutex::default(),
        })
    }

    /// Begins a session of `key`; it is durable when this returns.
    pub(super) fn begin(&self, key: &KeyId, expires_at: i64) -> Result<Token, AccessError> {
        let token = self.token(SESSION)?;
        let _changing = self.changing.lock();
        let mut next = self.open.read().clone();
        let number = 1 + next.values().map(|session| session.stored.number).max().unwrap_or(0);
        let oldest = oldest_of(key, &next, self.most);
        next.retain(|hash, _| !oldest.contains(hash));
        let stored = Stored { sha256: hash(token.reveal()), key: key.clone(), number, expires_at };
        let session = Session { stored, ended: CancellationToken::new() };
        next.insert(session.stored.sha256.clone(), session.clone());
        self.write(&next)?;
        self.forget(|stored| oldest.contains(&stored.sha256));
        self.open.write().insert(session.stored.sha256.clone(), session);
        Ok(token)
    }

    /// The session of a token, while it lasts.
    pub(super) fn find(&self, token: &str, now_s: i64) -> Option<Found> {
        let open = self.open.read();
        let session = open.get(&hash(token)).filter(|session| now_s < session.stored.expires_at)?;
        let Stored { key, expires_at, .. } = &session.stored;
        Some(Found { key: key.clone(), expires_at: *expires_at, ended: session.ended.clone() })
    }

    /// Ends the session of a token; whether there was one.
    pub(super) fn end(&self, token: &str) -> Result<bool, AccessError> {
        let hash = hash(token);
        Ok(self.end_those(|stored| stored.sha256 == hash)? > 0)
    }

    /// Ends all sessions and links of a key; how many sessions there were.
    pub(super) fn end_of(&self, key: &KeyId) -> Result<usize, AccessError> {
        self.links.lock().retain(|_, link| link.key != *key);
        self.end_those(|stored| stored.key == *key)
    }

    fn end_those(&self, over: impl Fn(&Stored) -> bool) -> Result<usize, AccessError> {
        let _changing = self.changing.lock();
        let count = self.forget(over);
        if count > 0 {
            self.write(&self.open.read())?;
        }
        Ok(count)
    }

    /// Ends in memory the sessions of keys, and of the time of their end, for which `over` holds. The file follows with
    /// the next change: what is behind its time, or of a key that opens nothing, opens nothing after a restart either.
    pub(super) fn drop_those(&self, over: impl Fn(&KeyId, i64) -> bool) {
        self.forget(|stored| over(&stored.key, stored.expires_at));
    }

    fn forget(&self, over: impl Fn(&Stored) -> bool) -> usize {
        // Asked several times a second, and seldom for anything: requests find their sessions meanwhile.
        if !self.open.read().values().any(|session| over(&session.stored)) {
            return 0;
        }
        let mut open = self.open.write();
        let before = open.len();
        open.retain(|_, session| {
            let over = over(&session.stored);
            if over {
                session.ended.cancel();
            }
            !over
        });
        before - open.len()
    }

    /// Makes a link that begins one session of `key`, and until when.
    pub(super) fn link(&self, key: &KeyId, now_s: i64) -> Result<(Token, i64), AccessError> {
        let token = self.token(LINK)?;
        let expires_at = now_s.saturating_add(self.link_lifetime_s);
        let mut links = self.links.lock();
        links.retain(|_, link| now_s < link.expires_at);
        let number = 1 + links.values().map(|link| link.number).max().unwrap_or(0);
        if links.values().filter(|link| link.key == *key).count() >= self.most {
            let own = links.iter().filter(|(_, link)| link.key == *key);
            let oldest = own.min_by_key(|(_, link)| link.number).map(|(hash, _)| hash.clone());
            oldest.map(|hash| links.remove(&hash));
        }
        links.insert(hash(token.reveal()), Link { key: key.clone(), number, expires_at });
        Ok((token, expires_at))
    }

    /// The key of a link, which is over with this.
    pub(super) fn redeem(&self, link: &str, now_s: i64) -> Option<KeyId> {
        let link = self.links.lock().remove(&hash(link))?;
        (now_s < link.expires_at).then_some(link.key)
    }

    fn write(&self, open: &HashMap<String, Session>) -> Result<(), AccessError> {
        let mut stored: Vec<&Stored> = open.values().map(|session| &session.stored).collect();
        stored.sort_unstable_by_key(|stored| stored.number);
        file::save(&self.path, &stored)
    }

    fn token(&self, kind: &str) -> Result<Token, AccessError> {
        Token::generate(kind).map_err(|error| file::no_randomness(&self.path, &error))
    }
}

/// Which sessions of a key must end so that one more is not above `most`.
fn oldest_of(key: &KeyId, open: &HashMap<String, Session>, most: usize) -> Vec<String> {
    let own = open.values().map(|session| &session.stored).filter(|stored| stored.key == *key);
    let mut own: Vec<&Stored> = own.collect();
    own.sort_unstable_by_key(|stored| stored.number);
    let surplus = (own.len() + 1).saturating_sub(most);
    own.iter().take(surplus).map(|stored| stored.sha256.clone()).collect()
}

#[cfg(test)]
mod tests;
