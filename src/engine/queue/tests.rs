use futures::FutureExt;

use super::*;

#[tokio::test]
async fn who_waits_is_seen_and_who_gives_up_is_not() {
    let queue = Queue::default();
    let held = queue.lock().await;
    assert!(!queue.is_wanted(), "whoever has it waits no more");
    let mut second = Box::pin(queue.lock());
    assert!(second.as_mut().now_or_never().is_none() && queue.is_wanted());
    drop(second);
    assert!(!queue.is_wanted());
    let mut third = Box::pin(queue.lock());
    assert!(third.as_mut().now_or_never().is_none());
    drop(held);
    let _held = third.await;
    assert!(!queue.is_wanted());
}
