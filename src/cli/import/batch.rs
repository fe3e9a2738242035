//! Cuts records into bodies of requests.
//!
//! A body holds one line for every record number from `first` to `last`; a record that cannot be sent
//! leaves its line empty. So line *k* of the body is record `first + k - 1`, for ids and in errors.

use super::InputError;
use super::input::{Fault, Records, Taken};

/// Most records of a body.
const RECORDS_MAX: u64 = 50_000;

/// One body, not yet sent.
#[derive(Debug)]
pub(in crate::cli) struct Batch {
    /// Number of the first record; 1 is the first of the file.
    pub(in crate::cli) first: u64,
    /// Number of the last record.
    pub(in crate::cli) last: u64,
    /// NDJSON.
    pub(in crate::cli) body: Vec<u8>,
    /// Records that are not in the body, with their numbers.
    pub(in crate::cli) faults: Vec<(u64, Fault)>,
    /// Bytes of the file read so far.
    pub(in crate::cli) position: u64,
}

impl Batch {
    /// Whether the server needs to see it.
    pub(in crate::cli) fn has_records(&self) -> bool {
        self.body.iter().any(|byte| *byte != b'\n')
    }
}

/// Records of a file in bodies.
pub(in crate::cli) struct Batcher {
    records: Box<dyn Records>,
    next: u64,
    size: usize,
}

impl Batcher {
    /// Bodies of at least `size` bytes; `next` is the number of the first record that comes.
    pub(in crate::cli) fn new(records: Box<dyn Records>, next: u64, size: usize) -> Self {
        Self { records, next, size }
    }

    /// The next body; `None` at the end of the file.
    pub(in crate::cli) fn next(&mut self) -> Result<Option<Batch>, InputError> {
        let first = self.next;
        let mut body = Vec::with_capacity(self.size + self.size / 8);
        let mut faults = vec![];
        while body.len() < self.size && self.next - first < RECORDS_MAX {
            match self.records.next(&mut body)? {
                None => break,
                Some(Taken::Record) => {}
                Some(Taken::Fault(fault)) => faults.push((self.next, fault)),
            }
            body.push(b'\n');
            self.next += 1;
        }
        if self.next == first {
            return Ok(None);
        }
        let position = self.records.position();
        Ok(Some(Batch { first, last: self.next - 1, body, faults, position }))
    }
}

#[cfg(test)]
mod tests;
