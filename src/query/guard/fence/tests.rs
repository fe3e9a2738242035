use std::sync::Arc;
use std::time::Instant;

use datafusion::execution::memory_pool::UnboundedMemoryPool;

use super::*;
use crate::config::{ByteCount, Span};
use crate::query::error::QueryError;
use crate::query::guard::task::{Stop, Task};

fn task() -> Arc<Task> {
    let pool = Arc::new(UnboundedMemoryPool::default());
    Arc::new(Task::new(None, Arc::new(Stop::default()), pool, ByteCount::mib(1), Span::secs(5)))
}

/// The threads of this test stay for good, which is what is tested.
#[test]
fn a_query_that_asks_for_too_much_loses_its_thread_and_others_do_not() {
    let task = task();
    let most = usize::try_from(task.allocation_max()).unwrap();
    // What is allowed is given, and anybody else may have more.
    assert_eq!(task.enter(|| Vec::<u8>::with_capacity(LARGE).capacity()), LARGE);
    assert!(Vec::<u8>::with_capacity(most + 1).capacity() > most);
    assert!(task.error().is_none());
    let (own, ended) = (Arc::clone(&task), Arc::new(AtomicBool::new(false)));
    let mark = Arc::clone(&ended);
    std::thread::spawn(move || {
        own.enter(|| Vec::<u8>::with_capacity(most + 1));
        mark.store(true, Ordering::Relaxed);
    });
    let since = Instant::now();
    while task.error().is_none() {
        assert!(since.elapsed() < Duration::from_secs(5), "nothing was stopped");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(matches!(task.error(), Some(QueryError::MemoryExceeded(_))));
    assert!(!ended.load(Ordering::Relaxed));
}
