//! One query while it is planned and run: what stops it, what it may take, and which thread it holds.
//!
//! A [`Task`] is known to every thread that works for its query: [`InTask`] sets it around each step
//! of a future, and the tracer of [`follow_spawns`] hands it on to what the plan's operators spawn. So a
//! function that runs deep inside a plan can ask [`checkpoint`] whether anybody still wants its result,
//! and the watchdog sees how long a step has been going on.

use std::any::Any;
use std::cell::RefCell;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use datafusion::common::DataFusionError;
use datafusion::common::runtime::{JoinSetTracer, set_join_set_tracer};
use datafusion::execution::memory_pool::MemoryPool;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::config::{ByteCount, Span};
use crate::event::names::ProjectName;
use crate::query::error::QueryError;

/// Every query may allocate so much at once, however little its operators may reserve.
const ALLOCATION_MIN: u64 = 512 << 20;

/// Why a query was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reason {
    /// Its caller went away, or asked for it.
    Canceled = 1,
    /// It passed its memory.
    Memory = 2,
    /// One step held a thread too long.
    Step = 3,
    /// The process was near the end of its memory.
    ServerMemory = 4,
}

/// Tells a query to stop, once, with the first reason.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    reason: AtomicU8,
    token: CancellationToken,
}

impl Stop {
    /// Asks the query to stop.
    pub(crate) fn ask(&self, reason: Reason) {
        if self.reason.compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.token.cancel();
        }
    }

    pub(super) fn reason(&self) -> Option<Reason> {
        match self.reason.load(Ordering::Acquire) {
            0 => None,
            2 => Some(Reason::Memory),
            3 => Some(Reason::Step),
            4 => Some(Reason::ServerMemory),
            _ => Some(Reason::Canceled),
        }
    }
}

/// What a caller calls a query of its own, to stop it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    /// Project of the query.
    pub project: ProjectName,
    /// The caller's name for it.
    pub id: String,
}

/// One query while it is planned and run.
#[derive(Debug)]
pub(crate) struct Task {
    label: Option<Label>,
    stop: Arc<Stop>,
    pool: Arc<dyn MemoryPool>,
    /// Most that its operators may reserve.
    memory_max: ByteCount,
    step_max: Span,
    /// Whether a thread was stopped for good inside of one of its steps.
    parked: AtomicBool,
}

impl Task {
    pub(super) fn new(
        label: Option<Label>,
        stop: Arc<Stop>,
        pool: Arc<dyn MemoryPool>,
        memory_max: ByteCount,
        step_max: Span,
    ) -> Self {
        Self { label, stop, pool, memory_max, step_max, parked: AtomicBool::new(false) }
    }

    /// What its caller calls it.
    pub(super) fn label(&self) -> Option<&Label> {
        self.label.as_ref()
    }

    /// Where its operators take memory from.
    pub(crate) fn pool(&self) -> &Arc<dyn MemoryPool> {
        &self.pool
    }

    /// Bytes that its operators have reserved.
    pub(super) fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    /// Asks the query to stop.
    pub(crate) fn stop(&self, reason: Reason) {
        self.stop.ask(reason);
    }

    /// Resolves when the query has been asked to stop.
    pub(crate) async fn stopped(&self) -> QueryError {
        self.stop.token.cancelled().await;
        self.error().unwrap_or(QueryError::Canceled)
    }

    /// Why it was stopped, if it was.
    pub(crate) fn error(&self) -> Option<QueryError> {
        Some(match self.stop.reason()? {
            Reason::Canceled => QueryError::Canceled,
            Reason::Memory => QueryError::MemoryExceeded(self.memory_max),
            Reason::Step => QueryError::StepTooLong(self.step_max),
            Reason::ServerMemory => QueryError::ServerMemory,
        })
    }

    /// Largest single allocation, in bytes.
    pub(super) fn allocation_max(&self) -> u64 {
        self.memory_max.0.saturating_mul(2).max(ALLOCATION_MIN)
    }

    /// Stops the query; the thread that calls this will not come back.
    pub(super) fn give_up_thread(&self) {
        self.parked.store(true, Ordering::Release);
        self.stop(Reason::Memory);
    }

    /// Runs `work` on this thread as part of the query.
    pub(super) fn enter<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let _inside = Inside::new(self);
        work()
    }
}

/// What a thread is at, and since when.
type Step = Mutex<Option<(Arc<Task>, Instant)>>;
/// One for each thread that ran a step of a query.
static STEPS: Mutex<Vec<Weak<Step>>> = Mutex::new(Vec::new());

thread_local! {
    static CURRENT: RefCell<Option<Arc<Task>>> = const { RefCell::new(None) };
    static STEP: Arc<Step> = {
        let step = Arc::default();
        STEPS.lock().push(Arc::downgrade(&step));
        step
    };
}

/// The query that this thread works for.
pub(super) fn current() -> Option<Arc<Task>> {
    CURRENT.with_borrow(Clone::clone)
}

/// As [`current`], for the allocator: `None` also where the thread is ending or at this very place.
pub(super) fn try_current() -> Option<Arc<Task>> {
    CURRENT.try_with(|current| current.try_borrow().ok().and_then(|current| current.clone())).ok().flatten()
}

/// An error once the query of this thread was asked to stop.
pub(super) fn checkpoint() -> Result<(), DataFusionError> {
    match current().and_then(|task| task.error()) {
        Some(error) => Err(DataFusionError::External(Box::new(error))),
        None => Ok(()),
    }
}

/// Sets the query of this thread, and puts the one before back.
struct Inside(Option<Arc<Task>>);

impl Inside {
    fn new(task: &Arc<Task>) -> Self {
        Self(CURRENT.replace(Some(Arc::clone(task))))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// A future every step of which is part of a query.
pub(super) struct InTask<F> {
    task: Arc<Task>,
    inner: Pin<Box<F>>,
}

impl<F: Future> InTask<F> {
    pub(super) fn new(task: Arc<Task>, inner: F) -> Self {
        Self { task, inner: Box::pin(inner) }
    }
}

impl<F: Future> Future for InTask<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let _inside = Inside::new(&self.task);
        let _step = OnThread::new(&self.task);
        self.inner.as_mut().poll(context)
    }
}

/// Notes that this thread is inside a step, for the watchdog.
struct OnThread;

impl OnThread {
    fn new(task: &Arc<Task>) -> Self {
        STEP.with(|step| *step.lock() = Some((Arc::clone(task), Instant::now())));
        Self
    }
}

impl Drop for OnThread {
    fn drop(&mut self) {
        STEP.with(|step| *step.lock() = None);
    }
}

/// Steps that are going on for longer than their query allows.
pub(super) fn stuck() -> Vec<(Arc<Task>, Duration)> {
    let mut found = Vec::new();
    STEPS.lock().retain(|step| {
        let Some(step) = step.upgrade() else { return false };
        if let Some((task, since)) = &*step.lock()
            && (since.elapsed() > task.step_max.0 || task.parked.load(Ordering::Acquire))
        {
            found.push((Arc::clone(task), since.elapsed()));
        }
        true
    });
    found
}

/// Hands the query of a thread on to what is spawned by the plan's operators; once for the process.
pub(super) fn follow_spawns() {
    static ONCE: OnceLock<bool> = OnceLock::new();
    ONCE.get_or_init(|| {
        let set = set_join_set_tracer(&Follow).is_ok();
        if !set {
            tracing::warn!("another tracer is set: steps of queries are not watched");
        }
        set
    });
}

struct Follow;

type Output = Box<dyn Any + Send>;

impl JoinSetTracer for Follow {
    fn trace_future(&self, future: BoxFuture<'static, Output>) -> BoxFuture<'static, Output> {
        match current() {
            Some(task) => InTask::new(task, future).boxed(),
            None => future,
        }
    }

    fn trace_block(&self, work: Box<dyn FnOnce() -> Output + Send>) -> Box<dyn FnOnce() -> Output + Send> {
        match current() {
            Some(task) => Box::new(move || task.enter(work)),
            None => work,
        }
    }
}
