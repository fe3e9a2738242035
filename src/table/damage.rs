//! Damage of data files: what it is, and which files are known to have it.

use std::collections::BTreeMap;

use object_store::path::Path;
use parking_lot::Mutex;
use thiserror::Error;

use super::version::DataFile;
use crate::error::chain;

/// What is wrong with a file that is not there: the only damage that a store may mend by itself, which lists late.
const MISSING: &str = "is missing";

/// A data file that does not hold what was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("data file `{path}` {what}")]
pub struct FileDamage {
    /// Path below the root of its table.
    pub path: String,
    /// What is wrong, as the end of a sentence.
    pub what: String,
}

impl FileDamage {
    /// The damage that `error` comes from, if it comes from one.
    #[must_use]
    pub fn behind<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        // A wrapper in an `Arc` or a `Box` is its content's source.
        chain(error).find_map(|error| error.downcast_ref())
    }

    /// The damage that a read of `file` failed by: it does not hold what was written, is gone, or lies where the disk
    /// cannot be read. `None` where the store failed, which may be better the next time.
    #[must_use]
    pub fn of_read(file: &DataFile, error: &object_store::Error) -> Option<Self> {
        let refused = |error: &std::io::Error| error.raw_os_error() == Some(libc::EIO);
        let what = match (Self::behind(error), error) {
            (Some(found), _) => return Some(found.clone()),
            (None, object_store::Error::NotFound { .. }) => MISSING,
            (None, _) if chain(error).any(|error| error.downcast_ref().is_some_and(refused)) => {
                "cannot be read: the disk has an error there"
            }
            (None, _) => return None,
        };
        Some(Self { path: file.path.clone(), what: what.to_owned() })
    }
}

/// Files that were found damaged since the start, by their place in the store.
#[derive(Debug, Default)]
pub struct DamageLog(Mutex<BTreeMap<Path, FileDamage>>);

impl DamageLog {
    /// Notes damage, and tells the log of the server where it is news.
    pub fn note(&self, location: &Path, damage: &FileDamage) {
        if self.0.lock().insert(location.clone(), damage.clone()).is_none() {
            tracing::error!(file = %location, what = damage.what, "a data file is damaged");
        }
    }

    /// The file was read and is whole, or is gone.
    pub fn clear(&self, location: &Path) {
        self.0.lock().remove(location);
    }

    /// Whether the file is known to be damaged.
    #[must_use]
    pub fn has(&self, location: &Path) -> bool {
        self.0.lock().contains_key(location)
    }

    /// Whether the file is there, and known to hold something else than was written.
    #[must_use]
    pub fn has_wrong_bytes(&self, location: &Path) -> bool {
        self.0.lock().get(location).is_some_and(|damage| damage.what != MISSING)
    }

    /// The damaged files.
    #[must_use]
    pub fn all(&self) -> Vec<(Path, FileDamage)> {
        self.0.lock().iter().map(|(location, damage)| (location.clone(), damage.clone())).collect()
    }
}
