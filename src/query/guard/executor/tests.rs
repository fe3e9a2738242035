use std::time::Instant as Clock;

use super::*;
use crate::config::Span;
use crate::event::names::ProjectName;

fn executor(change: impl FnOnce(&mut Query)) -> Executor {
    let mut settings = Query::default();
    change(&mut settings);
    Executor::start(&settings, 1).unwrap()
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let since = Clock::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(5), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_step_that_does_not_end_stops_its_query_and_nobody_elses() {
    let executor = executor(|settings| settings.guard.step_max = Span(Duration::from_millis(100)));
    let stuck = executor.admit(None, ByteCount::mib(64)).unwrap();
    let _work = executor.spawn(&stuck, async { std::thread::sleep(Duration::from_millis(900)) });
    let since = Clock::now();
    assert!(matches!(stuck.stopped().await, QueryError::StepTooLong(_)));
    assert!(since.elapsed() < Duration::from_millis(600), "{:?}", since.elapsed());
    // The one thread is still held; later queries have another.
    eventually("other threads", || executor.stuck() == 1).await;
    let (done, answered) = oneshot::channel();
    let other = executor.admit(None, ByteCount::mib(64)).unwrap();
    let _other = executor.spawn(&other, async move { done.send(()).unwrap() });
    answered.await.unwrap();
    assert!(since.elapsed() < Duration::from_millis(850), "{:?}", since.elapsed());
    eventually("the held thread is let go", || executor.stuck() == 0).await;
}

#[tokio::test]
async fn planners_are_so_many_and_a_panic_is_an_error() {
    let executor = executor(|settings| settings.guard.planners = 1);
    let task = executor.admit(None, ByteCount::mib(64)).unwrap();
    let soon = || Instant::now() + Duration::from_millis(100);
    let long = executor.plan(&task, soon(), |_| std::thread::sleep(Duration::from_millis(300)));
    let refused = executor.plan(&task, soon(), |_| ());
    let (long, refused) = tokio::join!(long, refused);
    assert!(long.is_ok());
    assert!(matches!(refused, Err(QueryError::Busy(1))), "{refused:?}");
    let panicked = executor.plan(&task, soon(), |_| panic!("in a rule")).await;
    assert!(matches!(panicked, Err(QueryError::Internal(_))), "{panicked:?}");
    assert_eq!(executor.plan(&task, soon(), |_| 7).await.unwrap(), 7);
}

#[tokio::test]
async fn queries_are_stopped_by_their_label_and_by_being_dropped() {
    let executor = executor(|_| ());
    let label = |project: &str, id: &str| Label { project: ProjectName::try_from(project).unwrap(), id: id.into() };
    let named = executor.admit(Some(label("a", "x")), ByteCount::mib(64)).unwrap();
    let other = executor.admit(Some(label("b", "x")), ByteCount::mib(64)).unwrap();
    assert_eq!(executor.running(), 2);
    assert_eq!(executor.cancel(&label("a", "x")), 1);
    assert!(matches!(named.error(), Some(QueryError::Canceled)));
    assert!(other.error().is_none());
    let work = executor.spawn(&other, std::future::pending());
    drop(work);
    assert!(matches!(other.error(), Some(QueryError::Canceled)));
    drop((named, other));
    eventually("nothing runs", || executor.running() == 0).await;
}
