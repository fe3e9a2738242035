//! The grammar of API keys: `krn_KIND_ID_SECRET_CHECK`.
//!
//! * KIND: `i` ingest, `q` query and export, `a` admin: tells people what they found, nothing else.
//! * ID: 12 characters of base 62, public.
//! * SECRET: 43 characters of base 62, 256 bits of the system's randomness.
//! * CHECK: 6 characters of base 62: crc32c of all before it, so that a mistyped key is told from
//!   an unknown one without a look-up.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LEN: usize = 12;
/// 256 bits of base 62.
pub(super) const SECRET_LEN: usize = 43;
const CHECK_LEN: usize = 6;

/// Public part of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for KeyId {
    fn from(text: &str) -> Self {
        Self(text.to_string())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A whole key, secret included; shows only its id.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", self.id())
    }
}

impl Secret {
    /// Makes a new key of `kind`.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn generate(kind: char) -> Result<Self, getrandom::Error> {
        Self::again(kind, &KeyId(random(ID_LEN)?))
    }

    /// Makes another secret of the key `id`.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn again(kind: char, id: &KeyId) -> Result<Self, getrandom::Error> {
        let body = format!("krn_{kind}_{id}_{}", random(SECRET_LEN)?);
        let check = check(&body);
        Ok(Self(format!("{body}_{check}")))
    }

    /// Reads a key that a caller sent; `None` where the form or the check is wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (body, sent) = text.rsplit_once('_')?;
        let mut parts = body.split('_');
        let form = (parts.next()?, parts.next()?.len(), parts.next()?.len(), parts.next()?.len());
        let right = form == ("krn", 1, ID_LEN, SECRET_LEN) && parts.next().is_none();
        (right && sent == check(body)).then(|| Self(text.to_string()))
    }

    /// Public part.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(self.0.split('_').nth(2).unwrap_or_default().to_string())
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The key itself, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// `len` characters of base 62, each as likely as any other.
pub(super) fn random(len: usize) -> Result<String, getrandom::Error> {
    let mut text = String::with_capacity(len);
    let mut bytes = [0; 64];
    while text.len() < len {
        getrandom::fill(&mut bytes)?;
        // 248 is the largest multiple of 62 in a byte: above it some characters would be likelier.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        text.extend(fair.take(len - text.len()).map(|byte| char::from(ALPHABET[usize::from(*byte % 62)])));
    }
    Ok(text)
}

fn check(body: &str) -> String {
    let mut rest = crc32c::crc32c(body.as_bytes());
    (0..CHECK_LEN)
        .map(|_| {
            let digit = rest % 62;
            rest /= 62;
            char::from(ALPHABET[digit as usize])
        })
        .collect()
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that pairs of hex digits stand for; `None` where there is anything else.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    text.as_bytes().chunks_exact(2).map(pair).collect()
}
