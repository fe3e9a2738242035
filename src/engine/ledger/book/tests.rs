use super::*;

const DAY: i64 = DAY_US;

fn tally(key: &str, source: &str, accepted: u64, rejected: u64) -> Tally {
    let rejected = (rejected > 0).then(|| ("invalid_json".to_owned(), rejected)).into_iter().collect();
    let part = Part { source: source.into(), accepted, rejected, ..Part::default() };
    Tally { key: Some(key.into()), parts: vec![part] }
}

fn sum(book: &Book) -> (u64, u64) {
    let mut all = Sums::default();
    book.lines.values().for_each(|sums| all.add(sums));
    let mut counted = book.clone();
    counted.recount();
    assert_eq!(&counted, book, "what is kept is what the lines say");
    (all.accepted, all.rejected())
}

#[test]
fn days_are_told_one_by_one_as_long_as_is_said() {
    let rules = config::Ledger { keep_days: 2, ..config::Ledger::default() };
    let mut book = Book::default();
    for day in 0..5 {
        book.add(None, day * DAY + 1, &tally("k", "shop", 10, 1), &rules);
    }
    let days: Vec<Option<i32>> = book.lines.keys().map(|line| line.day).collect();
    assert_eq!(days, [None, Some(3), Some(4)]);
    let earlier = &book.lines[&Line { day: None, key: Some("k".into()), source: "shop".into() }];
    assert_eq!((earlier.accepted, earlier.rejected(), earlier.batches), (30, 3, 3));
    assert_eq!((earlier.first_received, earlier.last_received), (Some(1), Some(2 * DAY + 1)));
    assert_eq!(sum(&book), (50, 5));
}

#[test]
fn lines_sources_and_batches_are_bounded_and_nothing_is_lost() {
    let rules = config::Ledger { rows_max: 8, sources_max: 3, batches_max: 4, ..config::Ledger::default() };
    let mut book = Book::default();
    for n in 0..100i64 {
        book.add(Some(n.to_string()), n / 10 * DAY, &tally("k", &format!("s{}", n % 10), 1, 0), &rules);
        // Three told apart, one for all others, of today and of all days before.
        assert!(book.lines.len() <= 8, "{}", book.lines.len());
    }
    assert_eq!(sum(&book), (100, 0));
    let sources: BTreeSet<&str> = book.lines.keys().map(|line| line.source.as_str()).collect();
    assert_eq!(sources, BTreeSet::from(["s0", "s1", "s2", OTHER]));
    let batches: Vec<&str> = book.batches.iter().filter_map(|line| line.batch.as_deref()).collect();
    assert_eq!(batches, ["96", "97", "98", "99"]);
}

#[test]
fn a_book_comes_back_as_it_was_saved() {
    let rules = config::Ledger::default();
    let mut book = Book { opening: 7, began: 5, ..Book::default() };
    let mut numbered = tally("k", "shop", 2, 1);
    numbered.parts[0].numbers =
        vec![super::super::tally::Numbers { tenant: "t".into(), dataset: "d".into(), runs: vec![(1, 3), (9, 9)] }];
    book.add(Some("b".into()), DAY, &numbered, &rules);
    book.remove(Removed::Erased, 3);
    let text = serde_json::to_string(&book).unwrap();
    let mut read: Book = serde_json::from_str(&text).unwrap();
    read.recount();
    assert_eq!(read, book);
    assert_eq!(book.expected(), 7 + 2 - 3);
    assert_eq!(book.series.values().next().unwrap().gaps, [(4, 8)]);
}
