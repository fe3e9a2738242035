//! Threads of their own for work that takes long: request threads stay free for small requests, and
//! no more of it runs at once than there are cores. Few threads also mean few allocator heaps.
//!
//! Parsing, flushes and compaction have one such runtime each; compaction's gives way to the others
//! (`compaction.niceness`), and has a second one, as urgent as queries, for when it is late. Queries have theirs in `query`.

use std::io;
use std::mem::ManuallyDrop;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use super::EngineError;
use crate::priority::give_way;
use crate::table::TableError;

/// How long an idle thread stays.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Most threads of a runtime for jobs.
const JOB_THREADS_MAX: usize = 64;

/// A few threads; those that work are started when they are needed.
#[derive(Debug)]
pub(super) struct Threads(ManuallyDrop<Runtime>);

impl Threads {
    /// As many working threads as the machine has cores, for work that starts no further work.
    pub(super) fn one_per_core(name: &str) -> io::Result<Self> {
        Self::start(name, std::thread::available_parallelism().map_or(1, usize::from), 0)
    }

    /// Threads for jobs. What they run blocks on files and stores that want further threads: so there is
    /// no tight limit, and the jobs themselves run no more at once than there are cores.
    pub(super) fn for_jobs(name: &str, niceness: u8) -> io::Result<Self> {
        Self::start(name, JOB_THREADS_MAX, niceness)
    }

    fn start(name: &str, count: usize, niceness: u8) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder
            .worker_threads(1)
            .thread_name(name)
            .max_blocking_threads(count)
            .thread_keep_alive(KEEP_ALIVE)
            .enable_all();
        builder.on_thread_start(move || give_way(niceness));
        builder.build().map(ManuallyDrop::new).map(Self)
    }

    /// Where futures are run by these threads.
    pub(super) fn handle(&self) -> &Handle {
        self.0.handle()
    }

    /// Runs `work` on these threads to its end, also when the caller goes away meanwhile.
    pub(super) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.handle().spawn(work).await.map_err(TableError::from)?
    }

    /// Runs `work` when one of the threads is free.
    pub(super) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        // What it logs belongs to the request that asks for it.
        let span = tracing::Span::current();
        self.0.spawn_blocking(move || span.in_scope(work))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // SAFETY: taken once, here. A runtime that is dropped within another one panics unless it is
        // let go like this.
        unsafe { ManuallyDrop::take(&mut self.0) }.shutdown_background();
    }
}
