//! How many listen at once: of all keys together, and of each.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use thiserror::Error;

use crate::access::KeyId;
use crate::error::{Kind, Report};

/// Places for listeners.
#[derive(Debug, Default)]
pub struct Slots(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_key: HashMap<KeyId, usize>,
}

/// A place of a listener; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    taken: Arc<Mutex<Taken>>,
    key: KeyId,
}

/// No place is free.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{limit} listeners are at the tail already ({setting})")]
pub struct SlotsTaken {
    limit: usize,
    setting: &'static str,
}

impl Report for SlotsTaken {
    fn kind(&self) -> Kind {
        Kind::Overloaded
    }

    fn code(&self) -> &'static str {
        "tail_full"
    }

    fn hint(&self) -> Option<String> {
        Some("close a stream that is not needed, or try again later".into())
    }
}

impl Slots {
    /// Takes a place for a listener with `key`.
    ///
    /// # Errors
    /// There are `all_max` listeners, or `key_max` with this key.
    pub fn take(&self, key: &KeyId, all_max: usize, key_max: usize) -> Result<Slot, SlotsTaken> {
        let mut taken = self.0.lock();
        if taken.all >= all_max {
            return Err(SlotsTaken { limit: all_max, setting: "tail.listeners_max" });
        }
        let own = taken.by_key.get(key).copied().unwrap_or(0);
        if own >= key_max {
            return Err(SlotsTaken { limit: key_max, setting: "tail.key_listeners_max" });
        }
        taken.all += 1;
        taken.by_key.insert(key.clone(), own + 1);
        Ok(Slot { taken: Arc::clone(&self.0), key: key.clone() })
    }

    /// How many there are.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.lock().all
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.all -= 1;
        if let Some(own) = taken.by_key.get_mut(&self.key) {
            *own -= 1;
            if *own == 0 {
                taken.by_key.remove(&self.key);
            }
        }
    }
}
