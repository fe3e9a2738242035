//! Threads of their own for work that takes long: request threads stay free for small requests, and
//! no more of it runs at once than there are cores. Few threads also mean few allocator heaps.

use std::io;
use std::mem::ManuallyDrop;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// How long an idle thread stays.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A few threads, started when they are needed.
#[derive(Debug)]
pub(super) struct Threads(ManuallyDrop<Runtime>);

impl Threads {
    /// As many threads as the machine has cores.
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let mut builder = Builder::new_current_thread();
        builder
            .thread_name(name)
            .max_blocking_threads(count)
            .thread_keep_alive(KEEP_ALIVE)
            .build()
            .map(ManuallyDrop::new)
            .map(Self)
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
