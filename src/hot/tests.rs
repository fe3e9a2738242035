use super::*;
use crate::event::model::index_of;

const MESSAGE: usize = index_of("message");

/// `count` rows from `first` on, each with a message of `bytes` bytes.
fn rows(first: i64, count: i64, bytes: usize) -> Rows {
    let mut rows = Rows::default();
    for _ in 0..count {
        for name in ["event_time", "observed_time"] {
            rows.i64s(index_of(name)).push(first);
        }
        for name in ["event_id", "tenant_id", "source", "dataset", "event_type", "action"] {
            rows.text(index_of(name)).push(b"x");
        }
        rows.text(MESSAGE).push(&vec![b'm'; bytes]);
        rows.end_row();
    }
    rows.number(first);
    rows
}

fn seqs(batches: &[Arc<HotBatch>]) -> Vec<i64> {
    let seqs = batches.iter().map(|batch| {
        let column = batch.rows.column(crate::event::schema::SEQ_AT);
        let column = column.as_any().downcast_ref::<arrow::array::Int64Array>().unwrap();
        column.values().to_vec()
    });
    seqs.flatten().collect()
}

#[test]
fn what_was_cut_is_forgotten_and_nothing_else() {
    let mut hot = Hot::default();
    hot.push(rows(1, 3, 1), 3, Instant::now());
    let cut = hot.cut();
    assert_eq!(seqs(&cut), [1, 2, 3]);
    for seq in 4..60 {
        hot.push(rows(seq, 1, 1), seq, Instant::now());
        // So many snapshots make small batches, which are merged, but never across the cut.
        hot.snapshot();
    }
    assert_eq!(seqs(&hot.snapshot()), (1..60).collect::<Vec<_>>());
    hot.forget(3);
    assert_eq!(seqs(&hot.snapshot()), (4..60).collect::<Vec<_>>());
    assert!(hot.snapshot().len() < SMALL_MAX, "{}", hot.snapshot().len());
    hot.forget(59);
    assert!(hot.is_empty() && hot.oldest().is_none() && hot.bytes() < 1_024, "{}", hot.bytes());
}

#[test]
fn it_is_known_what_snapshots_hold_of_what_is_stored() {
    let mut hot = Hot::default();
    hot.push(rows(1, 3, 1), 3, Instant::now());
    let bytes = hot.bytes();
    let (cut, query) = (hot.cut(), hot.snapshot());
    assert_eq!(hot.held_bytes(), 0, "it is here");
    hot.forget(3);
    assert_eq!(hot.held_bytes(), bytes);
    drop(cut);
    assert_eq!(hot.held_bytes(), bytes);
    drop(query);
    assert_eq!(hot.held_bytes(), 0);
}

#[test]
fn batches_are_sealed_by_bytes_as_well_as_by_rows() {
    let mut hot = Hot::default();
    for seq in 0..5 {
        hot.push(rows(seq, 1, FULL_BYTES / 2), seq, Instant::now());
    }
    let batches = hot.snapshot();
    assert_eq!(seqs(&batches), [0, 1, 2, 3, 4]);
    assert!(batches.iter().all(|batch| batch.bytes <= FULL_BYTES + 4_096), "{:?}", batches.iter().map(|b| b.bytes));
    let mut hot = Hot::default();
    let full = i64::try_from(FULL_ROWS).unwrap();
    hot.push(rows(0, 10, 1), 9, Instant::now());
    hot.push(rows(10, full, 1), 9 + full, Instant::now());
    assert_eq!(hot.snapshot().iter().map(|batch| batch.rows.num_rows()).collect::<Vec<_>>(), [10, FULL_ROWS]);
}
