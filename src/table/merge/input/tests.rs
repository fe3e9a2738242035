use super::*;
use crate::table::tests::support::{Place, Spec, flush, spec};

fn wide(time: i64, bytes: usize) -> Spec {
    Spec { text: Some("x".repeat(bytes)), ..spec(time, Some("m")) }
}

async fn footer_of(specs: Vec<Spec>) -> (Place, ArrowReaderMetadata) {
    let place = Place::new();
    let table = place.open().await;
    flush(&table, 1, &specs).await.expect("flushes");
    let file = table.current().files[0].clone();
    let target = table.target();
    let read = move || Input::open(&target, &file, 1 << 20).expect("opens").metadata;
    let metadata = tokio::task::spawn_blocking(read).await.expect("ends");
    (place, metadata)
}

/// All rows once, in order.
fn assert_whole(pieces: &[Piece], rows: usize) {
    let mut next = 0;
    for piece in pieces {
        assert_eq!((piece.group, piece.skip), (0, next));
        next += piece.rows;
    }
    assert_eq!(next, rows);
}

#[tokio::test]
async fn rows_that_are_alike_are_one_piece() {
    let (_place, footer) = footer_of((0..10_000).map(|at| wide(at, 100)).collect()).await;
    let found = pieces(footer.metadata(), 4 << 20);
    assert_whole(&found, 10_000);
    assert_eq!(found.len(), 1);
    assert!((1_000..4_000).contains(&found[0].batch_rows), "{found:?}");
    assert_eq!(pieces(footer.metadata(), 1 << 30)[0].batch_rows, CHUNK_ROWS);
    assert_eq!(pieces(footer.metadata(), 1)[0].batch_rows, 1);
}

#[tokio::test]
async fn a_few_large_rows_among_many_small_ones_have_batches_of_their_own() {
    let size = |at: i64| if (5_000..5_010).contains(&at) { 1 << 20 } else { 20 };
    let (_place, footer) = footer_of((0..20_000).map(|at| wide(at, size(at))).collect()).await;
    let found = pieces(footer.metadata(), 8 << 20);
    assert_whole(&found, 20_000);
    let narrow: Vec<&Piece> = found.iter().filter(|piece| piece.batch_rows < 10).collect();
    assert!(narrow.iter().map(|piece| piece.rows).sum::<usize>() <= 2 * BUCKET, "{found:?}");
    assert!(!narrow.is_empty() && found.len() <= 5, "{found:?}");
}

#[tokio::test]
async fn batches_keep_to_the_budget_and_have_all_rows() {
    let size = |at: i64| if at % 1_000 == 0 { 300_000 } else { 50 };
    let place = Place::new();
    let table = place.open().await;
    flush(&table, 1, &(0..6_000).map(|at| wide(at, size(at))).collect::<Vec<_>>()).await.expect("flushes");
    let (target, file) = (table.target(), table.current().files[0].clone());
    let read = move || {
        let mut input = Input::open(&target, &file, 4 << 20).expect("opens");
        let (mut rows, mut largest) = (0, 0);
        while let Some(batch) = input.next().expect("reads") {
            rows += batch.num_rows();
            largest = largest.max(batch.get_array_memory_size());
        }
        (rows, largest)
    };
    let (rows, largest) = tokio::task::spawn_blocking(read).await.expect("ends");
    assert_eq!(rows, 6_000);
    assert!(largest < 12 << 20, "{largest} bytes");
}
