//! The books: when a segment is free, and who holds it.

use std::path::PathBuf;

use super::*;
use crate::wal::tests::project;

fn ledger(segments: &[&[(&str, u64)]]) -> Ledger {
    let mut ledger = Ledger::default();
    for (at, noted) in segments.iter().enumerate() {
        ledger.open(Segment { id: at as u64 + 1, path: PathBuf::new(), mark: 0, len: 100 });
        for (name, last) in *noted {
            ledger.note(&project(name), *last);
        }
    }
    ledger
}

fn free(ledger: &mut Ledger) -> Vec<u64> {
    let mut ids = Vec::new();
    while let Some(id) = ledger.retirable().map(|segment| segment.id) {
        ids.push(id);
        ledger.retire();
    }
    ids
}

#[test]
fn a_segment_is_free_when_all_its_projects_are_forgotten_and_all_older_ones_are_free() {
    let mut books = ledger(&[&[("a", 10), ("b", 12)], &[("a", 20)], &[("b", 30)], &[("a", 40)]]);
    assert!(!books.forget(&project("a"), 20));
    assert_eq!(free(&mut books), [0u64; 0], "b holds the first");
    assert!(!books.forget(&project("b"), 11), "not its last row");
    assert!(books.forget(&project("b"), 12));
    assert_eq!(free(&mut books), [1, 2]);
    assert!(books.forget(&project("b"), 99));
    assert_eq!(free(&mut books), [3]);
    assert!(!books.forget(&project("a"), 99));
    assert_eq!(free(&mut books), [0u64; 0], "the newest is written to");
}

#[test]
fn a_project_that_comes_back_holds_its_segment_again() {
    let mut books = ledger(&[&[("a", 10)]]);
    books.forget(&project("a"), 10);
    books.note(&project("a"), 11);
    books.open(Segment { id: 2, path: PathBuf::new(), mark: 0, len: 100 });
    books.note(&project("b"), 12);
    assert!(!books.forget(&project("a"), 10));
    assert!(books.forget(&project("a"), 11));
}

#[test]
fn the_last_segment_with_a_frame_stays_until_there_is_a_later_frame() {
    let mut books = ledger(&[&[("a", 10)], &[]]);
    assert!(!books.forget(&project("a"), 10), "a start would know no number to go on from");
    books.note(&project("a"), 11);
    assert_eq!(free(&mut books), [1]);
}

#[test]
fn holders_are_those_of_the_oldest_segments_that_must_go() {
    let books = ledger(&[&[("b", 1), ("a", 2)], &[("c", 3), ("a", 4)], &[("d", 5)]]);
    let names = |bytes| books.holders(bytes).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(0), [""; 0]);
    assert_eq!(names(1), ["a", "b"]);
    assert_eq!(names(100), ["a", "b"]);
    assert_eq!(names(101), ["a", "b", "c"]);
    assert_eq!(names(900), ["a", "b", "c"], "the newest cannot be freed");
}
