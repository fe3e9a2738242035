//! The part of the key store that browsers use: a key or a link becomes a session, a session the caller of its key.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Entry, KeyStore};
use crate::access::sessions::Token;
use crate::access::{AccessError, Caller, Denied, KeyId, Reason};

/// Who a session's request is from.
#[derive(Debug)]
pub struct SignedIn {
    /// The key that the session is of; it ends with the session.
    pub caller: Caller,
    /// When the session ends, in seconds since 1970.
    pub expires_at: i64,
}

impl KeyStore {
    /// Begins a session of a key that is valid: its token, and when it ends.
    ///
    /// # Errors
    /// No such key, one that is not valid, a file that cannot be written.
    pub fn begin_session(&self, id: &KeyId, now_s: i64) -> Result<(Token, i64), AccessError> {
        let expires_at = self.live(id, now_s)?.until(self.rules.session_lifetime, now_s);
        Ok((self.sessions.begin(id, expires_at)?, expires_at))
    }

    /// Whose session it is that the token `text`, sent from `source`, belongs to.
    ///
    /// # Errors
    /// Why it opens nothing; the sender is told that it does not, and nothing else.
    pub fn signed_in(&self, text: &str, source: Option<IpAddr>, now_s: i64) -> Result<SignedIn, Denied> {
        let found = self.sessions.find(text, now_s).ok_or(Denied::new(Reason::SessionUnknown))?;
        let key = self.admitted(&found.key, source, now_s)?;
        // A rotation ends the key's older secret, not its sessions.
        Ok(SignedIn { caller: key.caller(&found.ended), expires_at: found.expires_at })
    }

    /// The caller whose link `text`, sent from `source`, is; the link is over with this.
    ///
    /// # Errors
    /// As [`KeyStore::signed_in`].
    pub fn redeem_link(&self, text: &str, source: Option<IpAddr>, now_s: i64) -> Result<Caller, Denied> {
        let id = self.sessions.redeem(text, now_s).ok_or(Denied::new(Reason::LinkUnknown))?;
        let key = self.admitted(&id, source, now_s)?;
        Ok(key.caller(&key.current))
    }

    /// Makes a link that begins one session of a key that is valid, and until when.
    ///
    /// # Errors
    /// No such key, or one that is not valid.
    pub fn make_link(&self, id: &KeyId, now_s: i64) -> Result<(Token, i64), AccessError> {
        self.live(id, now_s)?;
        self.sessions.link(id, now_s)
    }

    /// Ends the session of a token; whether there was one.
    ///
    /// # Errors
    /// A file that cannot be written: the session is over until the next start only.
    pub fn end_session(&self, text: &str) -> Result<bool, AccessError> {
        self.sessions.end(text)
    }

    /// Ends all sessions and links of a key; how many sessions there were.
    ///
    /// # Errors
    /// As [`KeyStore::end_session`].
    pub fn end_sessions(&self, id: &KeyId) -> Result<usize, AccessError> {
        self.sessions.end_of(id)
    }

    /// The key `id` where it is valid for requests from `source`.
    fn admitted(&self, id: &KeyId, source: Option<IpAddr>, now_s: i64) -> Result<Arc<Entry>, Denied> {
        let denied = |name, reason| Denied { key: Some(id.clone()), name, reason };
        let key = self.entry(id).map_err(|_| denied(None, Reason::Unknown))?;
        if let Some(reason) = key.refusal(source, now_s) {
            return Err(denied(Some(Arc::clone(&key.name)), reason));
        }
        self.note_use(&key, now_s);
        Ok(key)
    }
}
