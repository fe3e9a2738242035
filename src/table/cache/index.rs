//! Which blocks are here, and which of them goes next.
//!
//! Entries wait in the order in which they came. One whose turn it is to go, but that was read since, is
//! given another turn for each read, up to [`USES_MAX`]: a long scan passes through without driving out
//! what is read all day.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::Key;

/// Turns that reads can earn.
const USES_MAX: u8 = 3;

#[derive(Debug)]
struct Entry {
    bytes: u64,
    uses: u8,
    /// Tells the entry's place in the queue from those of an earlier life.
    born: u64,
}

/// The entries of a cache.
#[derive(Debug)]
pub(super) struct Index {
    entries: HashMap<Key, Entry>,
    files: HashMap<u128, BTreeSet<u32>>,
    queue: VecDeque<(Key, u64)>,
    bytes: u64,
    bytes_max: u64,
    births: u64,
}

impl Index {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { entries: HashMap::new(), files: HashMap::new(), queue: VecDeque::new(), bytes: 0, bytes_max, births: 0 }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.entries.contains_key(&key)
    }

    /// Whether any block of a file is here.
    pub(super) fn knows(&self, file: u128) -> bool {
        self.files.contains_key(&file)
    }

    /// Notes a read; false where there is no such entry.
    pub(super) fn touch(&mut self, key: Key) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        entry.uses = (entry.uses + 1).min(USES_MAX);
        true
    }

    /// Adds an entry and returns those that must go: the new one itself where it is larger than all may be.
    pub(super) fn insert(&mut self, key: Key, bytes: u64) -> Vec<Key> {
        self.births += 1;
        let entry = Entry { bytes, uses: 0, born: self.births };
        if let Some(before) = self.entries.insert(key, entry) {
            self.bytes -= before.bytes;
        }
        self.files.entry(key.file).or_default().insert(key.block);
        self.queue.push_back((key, self.births));
        self.bytes += bytes;
        let mut gone = Vec::new();
        while self.bytes > self.bytes_max {
            let Some((key, born)) = self.queue.pop_front() else { break };
            match self.entries.get_mut(&key).filter(|entry| entry.born == born) {
                None => {}
                Some(entry) if entry.uses > 0 => {
                    entry.uses -= 1;
                    self.queue.push_back((key, born));
                }
                Some(_) => {
                    self.remove(key);
                    gone.push(key);
                }
            }
        }
        gone
    }

    /// Removes an entry; false where there is none.
    pub(super) fn remove(&mut self, key: Key) -> bool {
        let Some(entry) = self.entries.remove(&key) else { return false };
        self.bytes -= entry.bytes;
        if let Some(blocks) = self.files.get_mut(&key.file) {
            blocks.remove(&key.block);
            if blocks.is_empty() {
                self.files.remove(&key.file);
            }
        }
        // Places of the dead must not outgrow the living.
        if self.queue.len() > 2 * self.entries.len() + 1_024 {
            let entries = &self.entries;
            self.queue.retain(|(key, born)| entries.get(key).is_some_and(|entry| entry.born == *born));
        }
        true
    }

    /// Removes all entries of a file.
    pub(super) fn remove_file(&mut self, file: u128) -> Vec<Key> {
        let blocks = self.files.get(&file).cloned().unwrap_or_default();
        let keys: Vec<Key> = blocks.into_iter().map(|block| Key { file, block }).collect();
        for key in &keys {
            self.remove(*key);
        }
        keys
    }
}
