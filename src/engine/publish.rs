//! From durable to visible: called by the log, in its order, on its publisher thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use metrics::Histogram;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::dead_letters::Dead;
use super::inflight::Claimed;
use super::ledger::Tally;
use super::meters::{APPEND_SECONDS, SYNC_SECONDS};
use super::project::Project;
use super::{Receipt, Shared};
use crate::event::interpretation::Interpretation;
use crate::event::parse::{MintSeed, Parsed};
use crate::failpoint;
use crate::wal::{Sink, WalError};

/// What waits for a frame to become durable.
pub(super) struct Ticket {
    pub(super) project: Arc<Project>,
    pub(super) interpretation: Arc<Interpretation>,
    pub(super) parsed: Parsed,
    pub(super) receipt: Receipt,
    pub(super) tally: Tally,
    pub(super) received_at: i64,
    pub(super) claim: Option<Claimed>,
    pub(super) dead: Vec<Dead>,
    /// When it came into the log's queue.
    pub(super) queued: Instant,
    pub(super) reply: oneshot::Sender<Result<Receipt, Arc<WalError>>>,
    /// Tells a deletion of the project that this batch is on its way; dropped last.
    pub(super) _in_log: Arc<()>,
}

/// Makes durable batches visible and answers their senders.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    append_seconds: Histogram,
    sync_seconds: Histogram,
}

impl Sink<Box<Ticket>> for Publisher {
    fn synced(&mut self, took: Duration) {
        self.sync_seconds.record(took.as_secs_f64());
    }

    fn durable(&mut self, batch: Vec<(u64, Box<Ticket>)>) {
        for (seq, ticket) in batch {
            self.publish(seq, *ticket);
        }
    }

    fn failed(&mut self, error: Arc<WalError>, lost: Vec<Box<Ticket>>) {
        for ticket in lost {
            // Sent again, they must not be taken for duplicates.
            ticket.project.intake.lock().take_back(ticket.parsed.sent.iter().map(|id| id.key));
            // A receiver that is gone belongs to a client that is gone.
            let _ = ticket.reply.send(Err(Arc::clone(&error)));
        }
    }
}

impl Publisher {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let append_seconds = shared.counters.histogram(APPEND_SECONDS);
        let sync_seconds = shared.counters.histogram(SYNC_SECONDS);
        Self { shared, append_seconds, sync_seconds }
    }

    fn publish(&self, seq: u64, mut ticket: Ticket) {
        let shared = &self.shared;
        let mut receipt = ticket.receipt;
        receipt.batch = batch_id(shared.writer, seq);
        number(&mut ticket.parsed, shared.writer, seq);
        let (rows, sent) = (std::mem::take(&mut ticket.parsed.rows), &ticket.parsed.sent);
        shared.counters.appended(&ticket.project.name, &receipt);
        let (project, last) = (&ticket.project, last_seq(seq, receipt.accepted));
        let frame = (seq, receipt.batch.as_str(), ticket.received_at);
        let (added, spent) = project.ledger.publish(frame, &ticket.tally, || project.publish(rows, last));
        shared.hot_bytes.fetch_add(added, Ordering::Relaxed);
        failpoint::at("publish.visible");
        if let Err(error) = ticket.project.intake.lock().remember(sent) {
            tracing::error!(%error, project = %ticket.project.name, "cannot note event ids; they are noted again at the next start");
        }
        if let Some(claim) = &ticket.claim {
            shared.keep_receipt(&ticket.project.name, claim.key(), claim.content(), &receipt);
        }
        shared.dead_letters.write(&ticket.project.name, &receipt.batch, &ticket.dead);
        shared.nudge_tails();
        if shared.over_flush_size(&ticket.project) {
            shared.flush_now.notify_one();
        }
        drop(ticket.claim);
        self.append_seconds.record(ticket.queued.elapsed().as_secs_f64());
        let _ = ticket.reply.send(Ok(receipt));
        if let Some(rows) = spent {
            ticket.interpretation.return_rows(rows);
        }
    }
}

/// Numbers the rows of the frame `seq` and gives ids to those that came without.
pub(super) fn number(parsed: &mut Parsed, writer: Uuid, seq: u64) {
    parsed.mint(&MintSeed::Log { writer: writer.as_u128(), seq });
    parsed.rows.number(signed(seq));
}

/// Last number that the frame `seq` with `rows` rows takes.
pub(super) fn last_seq(seq: u64, rows: u64) -> i64 {
    signed(seq + rows.max(1) - 1)
}

fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// Id of the batch in frame `seq` of `writer`: the same whenever it is asked for.
pub(super) fn batch_id(writer: Uuid, seq: u64) -> String {
    let mut bytes = *writer.as_bytes();
    for (byte, part) in bytes[8..].iter_mut().zip(seq.to_be_bytes()) {
        *byte ^= part;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}
