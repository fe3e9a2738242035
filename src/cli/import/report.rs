//! Telling the server how far an import is, so that it is a job there that is seen and can be canceled.
//!
//! Nothing depends on it: a server that keeps no jobs of imports, or no further ones, gets the events all the same.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::receipt::Totals;
use crate::cli::CliError;
use crate::cli::client::{Call, Client, Policy, Repeat};
use crate::cli::query::params::path_segment;

/// Least time between two reports.
const EVERY: Duration = Duration::from_secs(2);
/// One try: the next report tells more.
const ONCE: Policy = Policy { tries: 1, ..Policy::PROMPT };

/// The job that this import is on the server, if it is one.
pub(super) struct Report {
    client: Client,
    id: Option<String>,
    last: Instant,
}

#[derive(Deserialize)]
struct Job {
    id: String,
    state: String,
}

impl Report {
    /// Makes the import of `name` a job.
    pub(super) async fn begin(client: &Client, name: &str, bytes: u64) -> Self {
        let name = std::path::Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
        let mut report = Self { client: client.with_policy(ONCE), id: None, last: Instant::now() };
        let call = Call::post("/api/v1/imports", Repeat::Untouched).json(&json!({"name": name, "bytes": bytes}));
        report.id = report.ask(&call).await.map(|job| job.id);
        report
    }

    /// Tells how far it is, now and then; whether somebody asked it to end.
    pub(super) async fn at(&mut self, bytes: u64, totals: Totals) -> bool {
        if self.last.elapsed() < EVERY {
            return false;
        }
        self.last = Instant::now();
        self.tell(bytes, totals, json!({"state": "in_progress"})).await
    }

    /// Tells how it ended.
    pub(super) async fn end(mut self, bytes: u64, totals: Totals, failed: Option<&CliError>, done: bool) {
        let how = match (failed, done) {
            (Some(error), _) => json!({"state": "failed", "error": error.to_string()}),
            (None, true) => json!({"state": "done"}),
            (None, false) => json!({"state": "canceled"}),
        };
        self.tell(bytes, totals, how).await;
    }

    async fn tell(&mut self, bytes: u64, totals: Totals, mut report: Value) -> bool {
        let Some(id) = &self.id else { return false };
        let Totals { accepted, duplicates, rejected } = totals;
        for (name, count) in
            [("done", bytes), ("accepted", accepted), ("duplicates", duplicates), ("rejected", rejected)]
        {
            report[name] = count.into();
        }
        let call = Call::post(format!("/api/v1/imports/{}", path_segment(id)), Repeat::Always).json(&report);
        self.ask(&call).await.is_some_and(|job| job.state == "canceled")
    }

    async fn ask(&self, call: &Call) -> Option<Job> {
        // An answer that does not come must not hold up the import.
        let answer = tokio::time::timeout(EVERY, self.client.json(call)).await.ok()?;
        answer.inspect_err(|error| tracing::info!(%error, "the server does not take note of this import")).ok()
    }
}
