use super::*;
use crate::event::schema::file_schema;
use crate::table::tests::support::{Place, Spec, flush, spec};

fn wide(time: i64, bytes: usize) -> Spec {
    Spec { text: Some("x".repeat(bytes)), ..spec(time, Some("m")) }
}

async fn texts_of(specs: Vec<Spec>) -> (Place, Vec<Texts>) {
    let place = Place::new();
    let table = place.open().await;
    flush(&table, 1, &specs).await.expect("flushes");
    let file = table.current().files[0].clone();
    let target = table.target();
    let read = move || Input::open(&target, &file, 1 << 20).expect("opens").texts;
    let texts = tokio::task::spawn_blocking(read).await.expect("ends");
    (place, texts)
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
    let (_place, texts) = texts_of((0..10_000).map(|at| wide(at, 100)).collect()).await;
    let found = pieces(&texts, 4 << 20);
    assert_whole(&found, 10_000);
    assert_eq!(found.len(), 1);
    assert!((1_000..8_000).contains(&found[0].batch_rows), "{found:?}");
    assert_eq!(pieces(&texts, 1 << 30)[0].batch_rows, CHUNK_ROWS);
    assert_eq!(pieces(&texts, 1)[0].batch_rows, 1);
}

#[tokio::test]
async fn a_few_large_rows_among_many_small_ones_have_batches_of_their_own() {
    let size = |at: i64| if (5_000..5_010).contains(&at) { 1 << 20 } else { 20 };
    let (_place, texts) = texts_of((0..20_000).map(|at| wide(at, size(at))).collect()).await;
    let found = pieces(&texts, 8 << 20);
    assert_whole(&found, 20_000);
    let narrow: Vec<&Piece> = found.iter().filter(|piece| piece.batch_rows < 200).collect();
    assert!(narrow.iter().map(|piece| piece.rows).sum::<usize>() <= 2 * BUCKET, "{found:?}");
    assert!(!narrow.is_empty() && found.len() <= 5, "{found:?}");
}

/// Reads a file whose every `each`th row is large, with so much room for each batch: rows, batches, and bytes of the
/// largest one.
async fn read_with(room: usize, each: i64) -> (usize, usize, usize) {
    let size = |at: i64| if at % each == 0 { 300_000 } else { 50 };
    let place = Place::new();
    let table = place.open().await;
    flush(&table, 1, &(0..6_000).map(|at| wide(at, size(at))).collect::<Vec<_>>()).await.expect("flushes");
    let (target, file) = (table.target(), table.current().files[0].clone());
    let read = move || {
        let mut input = Input::open(&target, &file, 4 << 20).expect("opens");
        let (mut rows, mut batches, mut largest) = (0, 0, 0);
        while let Some((batch, bytes)) = input.next(room).expect("reads") {
            (rows, batches, largest) = (rows + batch.num_rows(), batches + 1, largest.max(bytes));
        }
        (rows, batches, largest)
    };
    tokio::task::spawn_blocking(read).await.expect("ends")
}

#[tokio::test]
async fn batches_keep_to_the_budget_and_have_all_rows() {
    let (rows, _, largest) = read_with(64 << 20, 1_000).await;
    assert_eq!(rows, 6_000);
    assert!(largest < 12 << 20, "{largest} bytes");
}

#[tokio::test]
async fn where_there_is_little_room_batches_have_few_rows_and_one_at_least() {
    let (_, many, _) = read_with(64 << 20, 100).await;
    // A row is four texts: 1.2 MB.
    for (room, most) in [(6 << 20, 6 << 20), (0, 2 << 20)] {
        let (rows, batches, largest) = read_with(room, 100).await;
        assert_eq!(rows, 6_000);
        assert!(
            largest <= most && batches > many,
            "{largest} bytes in the largest of {batches} batches, {many} before"
        );
    }
    assert_eq!(read_with(0, 100).await.1, 6_000, "without any room, row by row");
}

#[tokio::test]
async fn columns_without_values_are_not_read_and_are_null() {
    let place = Place::new();
    let table = place.open().await;
    flush(&table, 1, &[spec(1, Some("m")), spec(2, Some("m"))]).await.expect("flushes");
    let (target, file) = (table.target(), table.current().files[0].clone());
    let read = move || {
        let mut input = Input::open(&target, &file, 1 << 20).expect("opens");
        let left_out = input.columns.iter().filter(|place| place.is_none()).count();
        (left_out, input.next(1 << 20).expect("reads").expect("has rows").0)
    };
    let (left_out, batch) = tokio::task::spawn_blocking(read).await.expect("ends");
    assert!(left_out > 20, "{left_out} of {}", batch.num_columns());
    assert_eq!((batch.schema(), batch.num_rows()), (file_schema(), 2));
    assert!(batch.column_by_name("actor_name").is_some_and(|column| column.null_count() == 2));
    assert!(batch.column_by_name("event_id").is_some_and(|column| column.null_count() == 0));
}
