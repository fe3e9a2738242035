use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE_US: i64 = 60_000_000;

fn receipt(project: &str, number: u64, received_at: i64) -> Receipt {
    Receipt {
        project: project.to_string(),
        key: xxhash_rust::xxh3::xxh3_128(&number.to_le_bytes()),
        content: u128::from(number),
        received_at,
        answer: format!("{{\"batch\":\"{number}\"}}").into_bytes(),
    }
}

#[test]
fn answers_come_back_after_a_restart_and_only_to_their_project() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Receipts::open(dir.path(), HOUR, 0).unwrap();
    let all: Vec<_> = (0..200).map(|number| receipt(if number % 2 == 0 { "a" } else { "b" }, number, 5)).collect();
    for receipt in &all {
        store.insert(receipt).unwrap();
        store.insert(receipt).unwrap();
    }
    store.sync().unwrap();
    for store in [store, Receipts::open(dir.path(), HOUR, 0).unwrap()] {
        assert_eq!(store.len(), 200);
        for receipt in &all {
            assert_eq!(store.get(&receipt.project, receipt.key).unwrap().as_ref(), Some(receipt));
            let other = if receipt.project == "a" { "b" } else { "a" };
            assert_eq!(store.get(other, receipt.key).unwrap(), None);
        }
    }
}

#[test]
fn a_key_that_is_used_again_gets_its_newest_answer() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Receipts::open(dir.path(), HOUR, 0).unwrap();
    let mut changed = receipt("a", 1, 0);
    store.insert(&changed).unwrap();
    changed.answer = b"{}".to_vec();
    store.insert(&changed).unwrap();
    drop(store);
    let store = Receipts::open(dir.path(), HOUR, 0).unwrap();
    assert_eq!((store.len(), store.get("a", changed.key).unwrap()), (1, Some(changed)));
}

#[test]
fn receipts_are_kept_for_their_time_and_then_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Receipts::open(dir.path(), HOUR, 0).unwrap();
    for number in 0..600 {
        let now = i64::try_from(number).unwrap() * MINUTE_US;
        store.insert(&receipt("a", number, now)).unwrap();
        for back in 0..=60.min(number) {
            let known = receipt("a", number - back, now - i64::try_from(back).unwrap() * MINUTE_US);
            assert_eq!(store.get("a", known.key).unwrap(), Some(known), "{number} - {back}");
        }
        assert!(store.len() < 80, "{}", store.len());
        if number % 50 == 0 {
            store.sync().unwrap();
            store = Receipts::open(dir.path(), HOUR, now).unwrap();
        }
    }
    assert!(std::fs::read_dir(dir.path()).unwrap().count() < 12);
    let store = Receipts::open(dir.path(), HOUR, 10_000 * MINUTE_US).unwrap();
    assert_eq!(store.segments.len(), 1);
}

#[test]
fn a_torn_tail_is_cut_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Receipts::open(dir.path(), HOUR, 0).unwrap();
    let mut ends = vec![HEADER as u64];
    for number in 0..4 {
        store.insert(&receipt("project", number, 0)).unwrap();
        ends.push(store.segments[0].size);
    }
    store.sync().unwrap();
    let path = store.segments[0].path.clone();
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        for garbage in [0_usize, 3, 100] {
            let mut torn = whole[..length].to_vec();
            torn.resize(length + garbage, 0);
            std::fs::write(&path, &torn).unwrap();
            if length < HEADER && garbage > 0 {
                continue;
            }
            let mut store = Receipts::open(dir.path(), HOUR, 0).unwrap();
            let kept = ends.iter().skip(1).filter(|end| **end <= length as u64).count();
            assert_eq!(store.len(), kept, "{length}");
            let late = receipt("project", 99, 1);
            store.insert(&late).unwrap();
            store.sync().unwrap();
            let store = Receipts::open(dir.path(), HOUR, 0).unwrap();
            assert_eq!((store.len(), store.get("project", late.key).unwrap()), (kept + 1, Some(late)));
        }
    }
}

#[test]
fn damage_in_an_older_file_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Receipts::open(dir.path(), HOUR, 0).unwrap();
    store.insert(&receipt("a", 1, 0)).unwrap();
    store.insert(&receipt("a", 2, 30 * MINUTE_US)).unwrap();
    store.sync().unwrap();
    assert_eq!(store.segments.len(), 2);
    let path = store.segments[0].path.clone();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = Receipts::open(dir.path(), HOUR, 0).unwrap_err();
    assert!(matches!(error, StateError::Damaged { at: 32, .. }), "{error}");
}

#[test]
fn what_is_removed_is_found_behind_a_damaged_receipt_and_the_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Receipts::open(dir.path(), HOUR, 0).unwrap();
    let mut starts = Vec::new();
    for number in 0..6 {
        starts.push(store.segments.last().map_or(HEADER as u64, |segment| segment.size));
        store.insert(&receipt("project", number, 0)).unwrap();
    }
    store.sync().unwrap();
    let path = store.segments[0].path.clone();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(starts[2]).unwrap() + PREFIX + 1] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let mut store = Receipts::open(dir.path(), HOUR, 0).unwrap();
    assert_eq!(store.len(), 5);
    assert_eq!(store.remove(0, |receipt| receipt.content == 0 || receipt.content == 4).unwrap(), 2);
    let stays = |store: &Receipts| {
        let there = |number: &u64| store.get("project", receipt("project", *number, 0).key).unwrap().is_some();
        (0..6).filter(there).collect::<Vec<_>>()
    };
    assert_eq!(stays(&store), [1, 3, 5]);
    store.insert(&receipt("project", 7, 0)).unwrap();
    store.sync().unwrap();
    let again = Receipts::open(dir.path(), HOUR, 0).unwrap();
    assert_eq!((stays(&again), again.len()), (vec![1, 3, 5], 4));
}
