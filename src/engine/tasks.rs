//! Background work: one harness for everything that runs beside requests.
//!
//! A job is a reconciler: a step without arguments that looks at the stored state and does what is
//! due. The harness calls it at intervals and on a nudge, keeps its last result, catches its panics
//! and, at stop, waits for the step that is running.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Result of a job's last step.
type Outcome = Result<(), String>;

/// All background jobs of an engine.
pub(super) struct Tasks {
    running: Mutex<JoinSet<()>>,
    stop: CancellationToken,
    last: Arc<Mutex<BTreeMap<&'static str, Outcome>>>,
    failed: Failed,
}

/// Told of each step that failed, by the name of its job.
type Failed = Arc<dyn Fn(&'static str) + Send + Sync>;

impl Tasks {
    /// No jobs yet; `failed` is told of each step that fails.
    pub(super) fn new(failed: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        let (running, stop, last) = (Mutex::default(), CancellationToken::new(), Arc::default());
        Self { running, stop, last, failed: Arc::new(failed) }
    }

    /// Runs `step` every `interval` and whenever `nudge` is notified, until the stop; on the threads of the caller.
    pub(super) fn start<F>(&self, name: &'static str, interval: Duration, nudge: Arc<Notify>, step: F)
    where
        F: Fn() -> BoxFuture<'static, Outcome> + Send + 'static,
    {
        self.start_on(&Handle::current(), name, interval, nudge, step);
    }

    /// As [`Tasks::start`], on the threads of `runtime`.
    pub(super) fn start_on<F>(
        &self,
        runtime: &Handle,
        name: &'static str,
        interval: Duration,
        nudge: Arc<Notify>,
        step: F,
    ) where
        F: Fn() -> BoxFuture<'static, Outcome> + Send + 'static,
    {
        let (stop, last, failed) = (self.stop.clone(), Arc::clone(&self.last), Arc::clone(&self.failed));
        let work = async move {
            let mut tick = tokio::time::interval(interval);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    _ = tick.tick() => {}
                    () = nudge.notified() => {}
                }
                // Outside the select!: the stop waits for a step, it never cuts one in two.
                let outcome = AssertUnwindSafe(step()).catch_unwind().await;
                let outcome = outcome.unwrap_or_else(|_| Err("the step panicked".to_string()));
                if let Err(error) = &outcome {
                    (failed)(name);
                    tracing::error!(job = name, %error, "background step failed");
                }
                last.lock().insert(name, outcome);
            }
        };
        self.running.lock().spawn_on(work, runtime);
    }

    /// What failed in the last step of each job, by job.
    pub(super) fn failures(&self) -> Vec<(&'static str, String)> {
        self.last.lock().iter().filter_map(|(name, outcome)| Some((*name, outcome.clone().err()?))).collect()
    }

    /// Stops all jobs and waits for the steps that are running.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        let mut running = std::mem::take(&mut *self.running.lock());
        while running.join_next().await.is_some() {}
    }
}
