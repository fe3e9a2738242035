use super::*;

fn pool(limit: usize, shared: &Arc<Shared>) -> (Arc<dyn MemoryPool>, Arc<Stop>) {
    let stop = Arc::new(Stop::default());
    (Arc::new(QueryPool::new(limit, Arc::clone(shared), Arc::clone(&stop))), stop)
}

#[test]
fn a_query_has_its_own_limit_and_its_share_of_all() {
    let shared = Shared::new(150);
    let (one, _) = pool(100, &shared);
    let (two, _) = pool(100, &shared);
    let first = MemoryConsumer::new("a").register(&one);
    let second = MemoryConsumer::new("b").register(&two);
    assert!(first.try_grow(100).is_ok());
    assert!(first.try_grow(1).is_err(), "its own limit");
    assert!(second.try_grow(50).is_ok());
    assert!(second.try_grow(1).is_err(), "what all may have");
    assert_eq!((one.reserved(), two.reserved()), (100, 50));
    drop(first);
    assert!(second.try_grow(50).is_ok());
    drop(second);
    assert_eq!(shared.reserved.load(Ordering::Acquire), 0);
}

#[test]
fn what_only_tells_is_stopped_past_the_limit() {
    let shared = Shared::new(1_000);
    let (pool, stop) = pool(100, &shared);
    let held = MemoryConsumer::new("join").register(&pool);
    held.grow(100);
    assert!(stop.reason().is_none());
    held.grow(1);
    assert_eq!(stop.reason(), Some(Reason::Memory));
}
