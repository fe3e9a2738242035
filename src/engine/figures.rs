//! Answers of figures that are still true: dashboards ask the same again and again, and most of what they ask about
//! no longer changes.
//!
//! A tag names an answer by everything it depends on, the events included, so that nothing here is ever outdated.

use std::collections::VecDeque;

use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::Mutex;

/// Kept answers, the oldest of which go first.
#[derive(Debug)]
pub(crate) struct Figures {
    kept: Mutex<Kept>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<String, Bytes>,
    order: VecDeque<String>,
    bytes: usize,
}

impl Figures {
    /// Keeps up to `bytes_max` bytes of answers.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { kept: Mutex::default(), bytes_max }
    }

    /// The answer of that tag.
    pub(crate) fn get(&self, tag: &str) -> Option<Bytes> {
        self.kept.lock().answers.get(tag).cloned()
    }

    /// Keeps an answer, where it is not too large, and gives it back.
    pub(crate) fn keep(&self, tag: &str, answer: Vec<u8>) -> Bytes {
        let answer = Bytes::from(answer);
        if answer.len() > self.bytes_max / 8 {
            return answer;
        }
        let mut kept = self.kept.lock();
        if kept.answers.insert(tag.to_owned(), answer.clone()).is_none() {
            kept.order.push_back(tag.to_owned());
            kept.bytes += answer.len();
        }
        while kept.bytes > self.bytes_max {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(gone) = kept.answers.remove(&oldest) {
                kept.bytes -= gone.len();
            }
        }
        answer
    }
}
