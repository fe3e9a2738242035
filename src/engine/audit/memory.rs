//! `audit.json`: what the journal must know of the run before, and the secret under which it hashes.
//!
//! ```json
//! {"secret": "64 hex digits", "stopped": false, "settings": {"flush.interval": "5m", …}}
//! ```
//!
//! Written at a start and at a clean stop, as a whole, readable by its owner only (mode 0600). Values
//! of settings that may be secret stand there as hashes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::statement::HashKey;
use crate::access::hex;
use crate::config::{Config, masked};
use crate::engine::EngineError;
use crate::engine::directory::{read_json, write_json};

/// Settings below this one are of the object store: keys and passwords among them. Others are secret where
/// `kronika config show` masks them.
const SECRETS: &str = "storage.options.";

/// Effective settings by their dotted names.
pub(super) type Settings = BTreeMap<String, Value>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Stored {
    secret: String,
    stopped: bool,
    settings: Settings,
}

/// How the run before ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Previous {
    /// There was none.
    None,
    /// It recorded its stop.
    Stopped,
    /// It did not.
    Crashed,
}

/// What is kept from run to run.
pub(super) struct Memory {
    path: PathBuf,
    pub(super) key: HashKey,
    pub(super) previous: Previous,
    stored: Mutex<Stored>,
}

impl Memory {
    /// Reads `path`, which need not exist; nothing is written yet.
    pub(super) fn open(path: &Path) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Directory { path: path.to_path_buf(), source };
        let found: Option<Stored> = read_json(path)?;
        let previous = match &found {
            None => Previous::None,
            Some(stored) if stored.stopped => Previous::Stopped,
            Some(_) => Previous::Crashed,
        };
        let mut secret = [0; 32];
        let stored = match found {
            Some(stored) => {
                read_hex(&stored.secret, &mut secret).ok_or_else(|| {
                    failed(io::Error::new(io::ErrorKind::InvalidData, "its secret is no 64 hex digits"))
                })?;
                stored
            }
            None => {
                getrandom::fill(&mut secret).map_err(|error| failed(io::Error::other(error.to_string())))?;
                Stored { secret: hex(&secret), ..Stored::default() }
            }
        };
        Ok(Self { path: path.to_path_buf(), key: HashKey::new(secret), previous, stored: stored.into() })
    }

    /// Notes that a run has begun; what its settings were before.
    pub(super) fn begin(&self, config: &Config) -> Result<Settings, EngineError> {
        let mut stored = self.stored.lock();
        let before = std::mem::replace(&mut stored.settings, self.settings_of(config));
        stored.stopped = false;
        write_json(&self.path, &*stored)?;
        Ok(before)
    }

    /// Notes a clean stop.
    pub(super) fn stopped(&self) -> Result<(), EngineError> {
        let mut stored = self.stored.lock();
        stored.stopped = true;
        write_json(&self.path, &*stored)
    }

    /// The settings of this run.
    pub(super) fn settings(&self) -> Settings {
        self.stored.lock().settings.clone()
    }

    fn settings_of(&self, config: &Config) -> Settings {
        let mut flat = Settings::new();
        let whole = serde_json::to_value(config).unwrap_or_default();
        flatten("", whole, &mut flat);
        let is_secret = |name: &str, value: &Value| name.starts_with(SECRETS) || masked(name, value.clone()) != *value;
        for (name, value) in flat.iter_mut().filter(|(name, value)| is_secret(name, value)) {
            *value = format!("hidden:{}", self.key.hash(format!("{name}={value}").as_bytes())).into();
        }
        flat
    }
}

/// Hash of settings: the same for the same ones.
pub(super) fn hash_of(settings: &Settings) -> String {
    let text = serde_json::to_string(settings).unwrap_or_default();
    hex(&Sha256::digest(text)[..16])
}

fn flatten(prefix: &str, value: Value, flat: &mut Settings) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                flatten(&name, value, flat);
            }
        }
        value => {
            flat.insert(prefix.to_owned(), value);
        }
    }
}

fn read_hex(text: &str, out: &mut [u8; 32]) -> Option<()> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(())
}
