use super::*;

fn open(dir: &Path) -> Ledger {
    Ledger::open(dir.to_path_buf(), &config::Ledger::default(), 0, 0, 1).unwrap()
}

fn accepted(ledger: &Ledger) -> (u64, u64) {
    let page = ledger.page(|| (0, 0));
    let mut all = Sums::default();
    page.lines.iter().for_each(|(_, sums)| all.add(sums));
    let kept = &page.figures.all;
    assert_eq!((all.accepted, all.rejected()), (kept.accepted, kept.rejected()), "the sums that are kept");
    (all.accepted, all.rejected())
}

fn publish(ledger: &Ledger, seq: u64, rows: u32) {
    ledger.publish((seq, "b", 1), &Tally::untold(rows), || ());
}

#[test]
fn frames_are_counted_once_whenever_the_book_was_saved() {
    let dir = tempfile::tempdir().unwrap();
    for saved_after in 0..=4u64 {
        let dir = dir.path().join(saved_after.to_string());
        let ledger = open(&dir);
        for frame in 1..=4 {
            publish(&ledger, frame * 10, 10);
            ledger.refuse(1, Tally::untold(1));
            if frame == saved_after {
                ledger.save().unwrap();
            }
        }
        drop(ledger);
        // Killed: the log replays all of its frames, those that are counted as well.
        let ledger = open(&dir);
        (1..=4).for_each(|frame| publish(&ledger, frame * 10, 10));
        assert_eq!(accepted(&ledger), (40, 4), "saved after {saved_after}");
        ledger.save().unwrap();
        assert_eq!(accepted(&open(&dir)), (40, 4));
    }
}

#[test]
fn a_removal_counts_once_wherever_it_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    // What was done before the crash; events left of ten; what must be told as retained.
    for (done, left, want) in [("nothing", 10, 0), ("begun", 10, 0), ("committed", 4, 6), ("counted", 4, 6)] {
        let dir = dir.path().join(done);
        let ledger = open(&dir);
        publish(&ledger, 1, 10);
        ledger.save().unwrap();
        if done != "nothing" {
            ledger.removing(Removed::Retained).unwrap();
            // A flush meanwhile saves the book.
            ledger.save().unwrap();
        }
        if done == "counted" {
            ledger.removed(Removed::Retained, || 6).unwrap();
        }
        for _ in 0..2 {
            let ledger = open(&dir);
            ledger.settle(0, left).unwrap();
            let page = ledger.page(|| (0, left));
            assert_eq!((page.figures.retained, page.figures.unaccounted), (want, 0), "{done}");
        }
    }
}

#[test]
fn what_was_never_told_is_cut_off_and_other_damage_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.refuse(1, Tally::untold(2));
    ledger.refuse(1, Tally::untold(3));
    drop(ledger);
    let file = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "log")).unwrap();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 5]).unwrap();
    let ledger = open(dir.path());
    assert_eq!(accepted(&ledger), (0, 2));
    ledger.refuse(1, Tally::untold(4));
    assert_eq!(accepted(&open(dir.path())), (0, 6));
    let mut damaged = whole;
    damaged[3] = b'?';
    std::fs::write(&file, damaged).unwrap();
    let error = Ledger::open(dir.path().to_path_buf(), &config::Ledger::default(), 0, 0, 1).unwrap_err();
    assert!(format!("{error:?}").contains(".log"), "{error:?}");
}

#[test]
fn what_is_missing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path().to_path_buf(), &config::Ledger::default(), 100, 0, 1).unwrap();
    publish(&ledger, 1, 10);
    assert_eq!(ledger.page(|| (10, 100)).figures.unaccounted, 0);
    assert_eq!(ledger.figures(|| (10, 99)).unaccounted, 1);
    assert_eq!(ledger.figures(|| (12, 100)).unaccounted, -2);
}

#[test]
fn refusals_are_synced_by_the_next_call_and_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.sync().unwrap();
    for round in 1..=3 {
        ledger.refuse(1, Tally::untold(1));
        assert!(ledger.entries.lock().unsynced().unwrap().is_some());
        ledger.refuse(1, Tally::untold(1));
        ledger.sync().unwrap();
        assert!(ledger.entries.lock().unsynced().unwrap().is_none(), "round {round}");
        if round == 2 {
            ledger.save().unwrap();
        }
    }
    assert_eq!(accepted(&open(dir.path())), (0, 6));
}

#[test]
fn a_look_at_the_entries_names_what_is_damaged_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    (0..3).for_each(|_| ledger.refuse(1, Tally::untold(2)));
    drop(ledger);
    let file = dir.path().join("00000000000000000001.log");
    let whole = std::fs::read(&file).unwrap();
    let look = |text: &[u8]| {
        std::fs::write(&file, text).unwrap();
        let found = check(dir.path()).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), text);
        assert_eq!(found.0, 1);
        found.1.into_iter().map(|(_, what)| what).collect::<Vec<_>>()
    };
    assert!(look(&whole).is_empty());
    // What was being written when the power went.
    assert!(look(&whole[..whole.len() - 3]).is_empty());
    let mut damaged = whole.clone();
    damaged[2] = 0;
    assert!(look(&damaged)[0].contains("cannot be read at byte 0"));
    assert!(look(&[&whole[..], &whole[..]].concat())[0].contains("entry 1 behind entry 3"));
}
