//! Bodies to the server: several under way, answers taken in the order of the file.
//!
//! The reading thread stays at most `in_flight` bodies ahead. A stop asked for ends the taking of new
//! bodies; those under way are waited for, and the state says exactly what was acknowledged.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_128;

use super::batch::{Batch, Batcher};
use super::input::InputError;
use super::progress::Progress;
use super::receipt::{Receipt, Refusals, Totals};
use super::report::Report;
use super::state::{Identity, State, StateFile};
use crate::cli::client::{Call, Client, Repeat};
use crate::cli::{CliError, output};

/// zstd level of bodies: the fastest, as the reading thread must keep up with the server.
const LEVEL: i32 = 1;
/// Set by the server when it had answered the same idempotency key before.
const REPLAYED: &str = "idempotency-replayed";

/// Where the records of one file go, and under which names.
pub(super) struct Job<'a> {
    /// The file as named on the command line.
    pub(super) name: &'a str,
    pub(super) client: &'a Client,
    /// What the import is; it goes into every idempotency key.
    pub(super) identity: Identity,
    pub(super) in_flight: usize,
}

/// Who is told how far a run is.
pub(super) struct Told<'a> {
    pub(super) progress: &'a mut Progress,
    pub(super) report: &'a mut Report,
    /// Bytes of the file that are acknowledged.
    pub(super) position: u64,
    pub(super) totals: Totals,
}

impl Told<'_> {
    /// Whether the run is asked to end.
    async fn at(&mut self, position: u64, totals: Totals) -> bool {
        (self.position, self.totals) = (position, totals);
        self.progress.at(position, totals.events());
        self.report.at(position, totals).await
    }
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) state: State,
    pub(super) refusals: Refusals,
    pub(super) took: Duration,
}

/// A body ready to be sent.
struct Packed {
    batch: Batch,
    /// The body; nothing when no record of the batch can be sent.
    zstd: Option<Bytes>,
}

impl Job<'_> {
    /// Sends what the batcher that `make` opens gives, from `state` on; each acknowledged batch is saved in `file`.
    pub(super) async fn run(
        &self,
        make: impl FnOnce() -> Result<Batcher, InputError> + Send + 'static,
        mut state: State,
        file: &mut StateFile,
        told: &mut Told<'_>,
        stop: &CancellationToken,
    ) -> Result<End, CliError> {
        let started = Instant::now();
        let mut refusals = Refusals::default();
        let (sender, receiver) = mpsc::channel(self.in_flight);
        let reading = tokio::task::spawn_blocking(move || read(make, &sender));
        let mut answers = Box::pin(
            ReceiverStream::new(receiver)
                .take_until(stop.cancelled())
                .map(|packed| async move { self.send(&packed).await.map(|receipt| (packed.batch, receipt)) })
                .buffered(self.in_flight),
        );
        while let Some(answer) = answers.next().await {
            let (batch, receipt) = answer?;
            state.next = batch.last + 1;
            state.totals.add(&batch, &receipt);
            refusals.add(&batch, &receipt);
            file.save(&state)?;
            if told.at(batch.position, state.totals).await {
                output::note(&format!("{}: canceled on the server", self.name));
                stop.cancel();
            }
        }
        drop(answers);
        let whole = reading.await?.map_err(|source| CliError::Input { file: self.name.to_owned(), source })?;
        state.done = whole && !stop.is_cancelled();
        file.save(&state)?;
        Ok(End { state, refusals, took: started.elapsed() })
    }

    async fn send(&self, packed: &Packed) -> Result<Receipt, CliError> {
        let Some(body) = &packed.zstd else { return Ok(Receipt::default()) };
        let batch = &packed.batch;
        let call = Call::post("/api/v1/events", Repeat::Always)
            .query("file", self.identity.hash.as_str())
            .query("line", batch.first.to_string())
            .query_some("mapping", self.identity.mapping.as_deref())
            .header("idempotency-key", &self.idempotency_key(batch))
            .header("content-encoding", "zstd")
            .body("application/x-ndjson", body.clone());
        let response = self.client.send(&call).await?;
        let replayed = response.headers().get(REPLAYED).is_some_and(|value| value == "true");
        let bytes = response.bytes().await.map_err(|error| CliError::Incomplete(error.into()))?;
        let receipt: Receipt = serde_json::from_slice(&bytes).map_err(|error| CliError::Answer(error.into()))?;
        Ok(Receipt { replayed, ..receipt })
    }

    /// The same for the same records of the same content, whoever sends them and whenever.
    fn idempotency_key(&self, batch: &Batch) -> String {
        let Identity { hash, mapping, recipe, .. } = &self.identity;
        let text = format!("{hash}\n{mapping:?}\n{recipe}\n{}\n{}", batch.first, batch.last);
        format!("import-{:032x}", xxh3_128(text.as_bytes()))
    }
}

/// Reads, cuts and packs until the end of the file (`true`) or until nobody takes more.
fn read(make: impl FnOnce() -> Result<Batcher, InputError>, sender: &mpsc::Sender<Packed>) -> Result<bool, InputError> {
    let mut batcher = make()?;
    while let Some(mut batch) = batcher.next()? {
        let packed = batch.has_records().then(|| zstd::encode_all(batch.body.as_slice(), LEVEL)).transpose();
        let zstd = packed.map_err(InputError::read("compress it"))?.map(Bytes::from);
        batch.body = Vec::new();
        if sender.blocking_send(Packed { batch, zstd }).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}
