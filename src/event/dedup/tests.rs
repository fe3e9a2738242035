use super::*;

fn id(number: u64) -> u128 {
    xxhash_rust::xxh3::xxh3_128(&number.to_le_bytes())
}

#[test]
fn ids_are_known_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = Window::open(dir.path(), 1_000).unwrap();
    assert_eq!(window.judge(id(1), 7), Seen::New);
    for number in 0..300 {
        window.insert(id(number), number).unwrap();
        window.insert(id(number), number + 1).unwrap(); // a known id stays as it is
    }
    window.sync().unwrap();
    for window in [window, Window::open(dir.path(), 1_000).unwrap()] {
        assert_eq!((window.len(), window.damaged()), (300, 0));
        assert_eq!(window.judge(id(5), 5), Seen::Same);
        assert_eq!(window.judge(id(5), 6), Seen::Conflict);
        assert_eq!(window.judge(id(300), 0), Seen::New);
    }
}

#[test]
fn the_last_ids_are_always_known_and_old_ones_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = Window::open(dir.path(), 100).unwrap();
    for number in 0..1_050 {
        window.insert(id(number), number).unwrap();
        for known in (0..=number).rev().take(100) {
            assert_eq!(window.judge(id(known), known), Seen::Same, "{known} of {number}");
        }
        assert!(window.len() < 200 + 1);
        if number % 97 == 0 {
            window.sync().unwrap();
            window = Window::open(dir.path(), 100).unwrap();
        }
    }
    assert_eq!(window.judge(id(3), 3), Seen::New);
    assert!(std::fs::read_dir(dir.path()).unwrap().count() <= 2);
}

#[test]
fn a_torn_tail_is_cut_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = Window::open(dir.path(), 1_000).unwrap();
    (0..10).for_each(|number| window.insert(id(number), number).unwrap());
    window.sync().unwrap();
    let path = window.path();
    drop(window);
    let whole = std::fs::read(&path).unwrap();
    for length in HEADER..whole.len() {
        for garbage in [0_usize, 5, 40] {
            let mut torn = whole[..length].to_vec();
            torn.resize(length + garbage, 0);
            std::fs::write(&path, &torn).unwrap();
            let mut window = Window::open(dir.path(), 1_000).unwrap();
            let kept = (length - HEADER) / RECORD;
            assert_eq!((window.len(), window.damaged()), (kept, 0), "{length}");
            // The next ids follow the last good one.
            window.insert(id(77), 77).unwrap();
            window.sync().unwrap();
            let window = Window::open(dir.path(), 1_000).unwrap();
            assert_eq!((window.len(), window.judge(id(77), 77)), (kept + 1, Seen::Same));
        }
    }
    // A file whose creation was cut off is begun anew.
    for length in 0..HEADER {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(Window::open(dir.path(), 1_000).unwrap().is_empty());
    }
}

#[test]
fn damage_before_good_records_is_counted_and_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = Window::open(dir.path(), 1_000).unwrap();
    (0..10).for_each(|number| window.insert(id(number), number).unwrap());
    window.sync().unwrap();
    let path = window.path();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[HEADER + 4 * RECORD + 3] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let window = Window::open(dir.path(), 1_000).unwrap();
    assert_eq!((window.len(), window.damaged()), (9, 1));
    bytes[0] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(Window::open(dir.path(), 1_000), Err(StateError::Damaged { at: 0, .. })));
}

#[test]
fn memory_is_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = Window::open(dir.path(), 1 << 20).unwrap();
    (0..200_000).for_each(|number| window.insert(id(number), number).unwrap());
    let each = (window.memory() - window.buffer.capacity()) as f64 / 200_000.0;
    assert!((25.0..58.0).contains(&each), "{each}");
    assert_eq!(std::mem::size_of::<Entry>(), 24);
}

#[test]
fn a_failed_sync_is_told_again_and_never_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut window = Window::open(dir.path(), 1_000).unwrap();
    window.insert(id(1), 1).unwrap();
    assert!(window.begin_sync().unwrap().is_some());
    window.insert(id(2), 2).unwrap();
    window.end_sync(Err(std::io::Error::other("the disk refuses"))).unwrap_err();
    for _ in 0..2 {
        assert!(matches!(window.sync(), Err(StateError::Latched { .. })));
    }
    assert_eq!(window.judge(id(2), 2), Seen::Same);
}
