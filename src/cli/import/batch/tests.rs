use super::*;
use crate::cli::import::lines::Lines;
use crate::cli::import::source::Position;

fn batches(text: &'static str, next: u64, size: usize, record_max: usize) -> Vec<Batch> {
    let lines = Lines::new(text.as_bytes(), Position::default(), record_max);
    let mut batcher = Batcher::new(Box::new(lines), next, size);
    std::iter::from_fn(|| batcher.next().unwrap()).collect()
}

#[test]
fn every_number_has_its_line() {
    let got = batches("aa\nbbbbbbbb\n\ncc\ndd", 1, 6, 4);
    let shape: Vec<_> =
        got.iter().map(|batch| (batch.first, batch.last, String::from_utf8_lossy(&batch.body))).collect();
    assert_eq!(shape, [(1, 4, "aa\n\n\ncc\n".into()), (5, 5, "dd\n".into())]);
    assert_eq!(got[0].faults, [(2, Fault::too_long(4))]);
    for batch in &got {
        let lines = batch.body.iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(lines, batch.last - batch.first + 1);
    }
}

#[test]
fn cuts_depend_on_the_start_only() {
    let whole = batches("aa\nbb\ncc\ndd\nee\n", 1, 6, 9);
    let rest = batches("cc\ndd\nee\n", 3, 6, 9);
    let ends = |batches: &[Batch]| batches.iter().map(|batch| (batch.first, batch.last)).collect::<Vec<_>>();
    assert_eq!(ends(&whole), [(1, 2), (3, 4), (5, 5)]);
    assert_eq!(ends(&rest), ends(&whole[1..]));
}

#[test]
fn bodies_without_records_need_no_request() {
    let got = batches("\n\nbbbbbbbb\n", 1, 100, 4);
    assert_eq!((got.len(), got[0].has_records(), got[0].last), (1, false, 3));
    assert!(batches("a\n", 1, 100, 4)[0].has_records());
    assert!(batches("", 1, 100, 4).is_empty());
}
