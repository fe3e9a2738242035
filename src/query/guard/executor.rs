//! Where queries are planned and run: threads of their own, which give way to those of ingest.
//!
//! Planning holds a thread from its beginning to its end and cannot be interrupted inside a step; so
//! each plan is made on a thread of its own with a large stack, and only so many at once. Execution
//! runs on one runtime for all queries; when a step there gets stuck, later queries get a new
//! runtime and the old one is left to end by itself.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;
use tracing::Instrument;

use super::pool::{QueryPool, Shared};
use super::task::{InTask, Label, Reason, Stop, Task, follow_spawns};
use super::watchdog;
use crate::config::{ByteCount, Query};
use crate::priority;
use crate::query::error::QueryError;

/// Stack of a planning thread: rules recurse over expressions of up to `operators_max` levels.
const PLAN_STACK: usize = 32 << 20;
/// Runtimes that may be stuck at once; then no query is run until one of them is free again.
const STUCK_MAX: usize = 3;

/// Threads that read local files, at most.
const BLOCKING_MAX: usize = 64;

/// Threads of queries.
#[derive(Debug)]
pub(crate) struct Executor {
    inner: Arc<Inner>,
}

/// What the watchdog shares with the executor.
#[derive(Debug)]
pub(super) struct Inner {
    settings: Query,
    threads: usize,
    planners: Arc<Semaphore>,
    memory: Arc<Shared>,
    runtime: ArcSwap<Threads>,
    /// Runtimes with a stuck step.
    stuck: Mutex<Vec<Arc<Threads>>>,
    running: Mutex<Vec<Weak<Task>>>,
}

/// One runtime; it ends without being waited for, also where waiting is not allowed.
#[derive(Debug)]
struct Threads(Option<tokio::runtime::Runtime>);

impl Threads {
    fn start(threads: usize, niceness: u8) -> std::io::Result<Self> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(BLOCKING_MAX)
            .thread_name("query")
            .on_thread_start(move || priority::give_way(niceness))
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    fn handle(&self) -> Option<&Handle> {
        self.0.as_ref().map(tokio::runtime::Runtime::handle)
    }

    fn is_idle(&self) -> bool {
        self.handle().is_none_or(|handle| handle.metrics().num_alive_tasks() == 0)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Ends the work of a query when it is dropped.
#[derive(Debug)]
pub(crate) struct Work {
    task: Arc<Task>,
    running: AbortHandle,
}

impl Drop for Work {
    fn drop(&mut self) {
        self.task.stop(Reason::Canceled);
        self.running.abort();
    }
}

/// Asks a query to stop when it is dropped, unless it was let go.
pub(crate) struct Wanted(Option<Arc<Task>>);

impl Wanted {
    pub(crate) fn new(task: &Arc<Task>) -> Self {
        Self(Some(Arc::clone(task)))
    }

    /// Somebody else stops the query from now on.
    pub(crate) fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.stop(Reason::Canceled);
        }
    }
}

impl Executor {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system gives no threads.
    pub(crate) fn start(settings: &Query, threads: usize) -> std::io::Result<Self> {
        follow_spawns();
        let guard = &settings.guard;
        let inner = Arc::new(Inner {
            settings: settings.clone(),
            threads,
            planners: Arc::new(Semaphore::new(guard.planners)),
            memory: Shared::new(guard.memory_total_max.as_usize()),
            runtime: ArcSwap::from_pointee(Threads::start(threads, guard.niceness)?),
            stuck: Mutex::default(),
            running: Mutex::default(),
        });
        watchdog::start(&inner)?;
        Ok(Self { inner })
    }

    /// A query that is about to be planned.
    ///
    /// # Errors
    /// Too many queries are stuck.
    pub(crate) fn admit(&self, label: Option<Label>, memory_max: ByteCount) -> Result<Arc<Task>, QueryError> {
        let stuck = self.inner.stuck.lock().len();
        if stuck >= STUCK_MAX {
            return Err(QueryError::Busy(stuck));
        }
        let stop = Arc::new(Stop::default());
        let pool = QueryPool::new(memory_max.as_usize(), Arc::clone(&self.inner.memory), Arc::clone(&stop));
        let task = Arc::new(Task::new(label, stop, Arc::new(pool), memory_max, self.inner.settings.guard.step_max));
        let mut running = self.inner.running.lock();
        running.retain(|task| task.strong_count() > 0);
        running.push(Arc::downgrade(&task));
        Ok(task)
    }

    /// Stops the queries of that label; tells how many there were.
    pub(crate) fn cancel(&self, label: &Label) -> usize {
        let running: Vec<_> = self.inner.running.lock().iter().filter_map(Weak::upgrade).collect();
        let labelled = running.iter().filter(|task| task.label() == Some(label));
        labelled.map(|task| task.stop(Reason::Canceled)).count()
    }

    /// Queries that are being planned or run.
    pub(crate) fn running(&self) -> usize {
        self.inner.running.lock().iter().filter(|task| task.strong_count() > 0).count()
    }

    /// Memory that operators of queries have reserved, in bytes.
    pub(crate) fn reserved(&self) -> usize {
        self.inner.memory.reserved()
    }

    /// Runtimes that were left to a step that does not end.
    pub(crate) fn stuck(&self) -> usize {
        self.inner.stuck.lock().len()
    }

    /// Runs `work` on a planning thread.
    ///
    /// The thread cannot be interrupted: when this is dropped, or fails with the deadline, it goes on
    /// until it looks at its task, and keeps its place among `query.guard.planners` so long.
    ///
    /// # Errors
    /// All planners are at work until `deadline`; no thread; a panic.
    pub(crate) async fn plan<T: Send + 'static>(
        &self,
        task: &Arc<Task>,
        deadline: Instant,
        work: impl FnOnce(&Handle) -> T + Send + 'static,
    ) -> Result<T, QueryError> {
        let planners = Arc::clone(&self.inner.planners);
        let busy = || QueryError::Busy(self.inner.settings.guard.planners);
        let permit = match tokio::time::timeout_at(deadline, planners.acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) | Err(_) => return Err(busy()),
        };
        let (done, planned) = oneshot::channel();
        let (task, niceness) = (Arc::clone(task), self.inner.settings.guard.niceness);
        let runtime = self.inner.runtime.load_full();
        let span = tracing::Span::current();
        let thread = move || {
            let _request = span.entered();
            priority::give_way(niceness);
            let planned = task.enter(|| {
                let handle = runtime.handle()?;
                std::panic::catch_unwind(AssertUnwindSafe(|| work(handle))).ok()
            });
            drop(permit);
            // Nobody waits when the caller went away.
            let _ = done.send(planned);
        };
        let started = std::thread::Builder::new().name("query-plan".into()).stack_size(PLAN_STACK).spawn(thread);
        if let Err(error) = started {
            tracing::error!(%error, "no thread to plan a query");
            return Err(busy());
        }
        match planned.await {
            Ok(Some(planned)) => Ok(planned),
            Ok(None) | Err(_) => Err(QueryError::Internal("the planner panicked".into())),
        }
    }

    /// Runs `work` on the runtime of queries, until it ends or the handle is dropped.
    pub(crate) fn spawn(&self, task: &Arc<Task>, work: impl Future<Output = ()> + Send + 'static) -> Option<Work> {
        let runtime = self.inner.runtime.load();
        let running: JoinHandle<()> = runtime.handle()?.spawn(InTask::new(Arc::clone(task), work.in_current_span()));
        Some(Work { task: Arc::clone(task), running: running.abort_handle() })
    }

    /// Runs what turns answers into bytes; it is not user SQL, but as heavy as the answer is long.
    pub(crate) fn handle(&self) -> Option<Handle> {
        self.inner.runtime.load().handle().cloned()
    }
}

impl Inner {
    pub(super) fn settings(&self) -> &Query {
        &self.settings
    }

    /// The query that has reserved the most.
    pub(super) fn largest(&self) -> Option<Arc<Task>> {
        let running = self.running.lock();
        running.iter().filter_map(Weak::upgrade).max_by_key(|task| task.reserved())
    }

    /// Whether any query is being planned or run.
    pub(super) fn is_busy(&self) -> bool {
        self.running.lock().iter().any(|task| task.strong_count() > 0)
    }

    /// Gives later queries a new runtime.
    pub(super) fn replace_runtime(&self, held_for: Duration) {
        let mut stuck = self.stuck.lock();
        if stuck.len() >= STUCK_MAX {
            return;
        }
        match Threads::start(self.threads, self.settings.guard.niceness) {
            Ok(fresh) => {
                tracing::error!(?held_for, "a step of a query does not end; later queries get other threads");
                stuck.push(self.runtime.swap(Arc::new(fresh)));
            }
            Err(error) => tracing::error!(%error, "no threads to replace those that are stuck"),
        }
    }

    /// Lets go of runtimes whose queries have ended.
    pub(super) fn forget_idle(&self) {
        self.stuck.lock().retain(|threads| !threads.is_idle());
    }
}

#[cfg(test)]
mod tests;
