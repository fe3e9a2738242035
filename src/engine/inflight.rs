//! Idempotency keys at work: the same key twice at once waits for the first.
//!
//! A claim travels with its batch through the log and ends when the answer is kept, also where the
//! client has gone away meanwhile: a retry finds either the claim or the answer, never neither.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::frame::Keyed;
use super::{AppendError, Receipt};
use crate::event::names::ProjectName;
use crate::event::receipts::Receipts;

type Key = (ProjectName, u128);
type Waiting = Arc<Mutex<HashMap<Key, watch::Receiver<()>>>>;

/// Batches with an idempotency key that are on their way.
#[derive(Debug, Default)]
pub(super) struct Inflight {
    waiting: Waiting,
}

/// What a key gave.
#[derive(Debug)]
pub(super) enum Claim {
    /// The batch was answered before.
    Answered(Receipt),
    /// The caller is the first.
    Mine(Claimed),
}

/// The right to use a key; ends on drop.
#[derive(Debug)]
pub(super) struct Claimed {
    key: Key,
    content: u128,
    waiting: Waiting,
    /// Closing it wakes those who wait.
    _done: watch::Sender<()>,
}

impl Inflight {
    /// Claims `key`, after waiting for whoever has it now. Answers up to `not_before` (µs since 1970) are of
    /// a deleted project of the name.
    pub(super) async fn claim(
        &self,
        receipts: &Mutex<Receipts>,
        project: &ProjectName,
        key: u128,
        content: u128,
        not_before: Option<i64>,
    ) -> Result<Claim, AppendError> {
        loop {
            let mut first = {
                let mut waiting = self.waiting.lock();
                let known = receipts.lock().get(project.as_str(), key)?;
                if let Some(known) = known.filter(|known| Some(known.received_at) > not_before) {
                    if known.content != content {
                        return Err(AppendError::KeyReused);
                    }
                    let receipt =
                        serde_json::from_slice(&known.answer).map_err(|error| AppendError::Prepare(error.into()))?;
                    return Ok(Claim::Answered(receipt));
                }
                let key = (project.clone(), key);
                match waiting.get(&key) {
                    Some(first) => first.clone(),
                    None => {
                        let (done, first) = watch::channel(());
                        waiting.insert(key.clone(), first);
                        let waiting = Arc::clone(&self.waiting);
                        return Ok(Claim::Mine(Claimed { key, content, waiting, _done: done }));
                    }
                }
            };
            // Nothing is ever sent: this ends when the first one's claim is dropped.
            let _ = first.changed().await;
        }
    }
}

impl Claimed {
    /// What the log keeps of a batch with this key.
    pub(super) fn keyed(&self, receipt: &Receipt) -> std::io::Result<Keyed> {
        let receipt = serde_json::to_vec(receipt)?.into();
        Ok(Keyed { key: self.key(), content: self.content(), receipt })
    }

    pub(super) fn key(&self) -> u128 {
        self.key.1
    }

    pub(super) fn content(&self) -> u128 {
        self.content
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.key);
    }
}
