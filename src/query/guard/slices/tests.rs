//! Slices keep all rows in order, grow while they are taken quickly, and shrink when they are not.

use std::sync::Arc;
use std::thread::sleep;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, stream};

use super::*;

fn numbers(batches: i64, rows: i64) -> Slices {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    let made: Vec<_> = (0..batches)
        .map(|at| {
            let values = Int64Array::from_iter_values(at * rows..(at + 1) * rows);
            Ok(RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(values)]).expect("one column"))
        })
        .collect();
    Slices::new(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(made))))
}

#[tokio::test]
async fn all_rows_come_in_order_and_slices_grow_to_whole_batches() {
    let slices: Vec<_> = numbers(6, 8_192).map(|batch| batch.expect("no failure")).collect().await;
    let values: Vec<i64> =
        slices.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect();
    assert_eq!(values, (0..6 * 8_192).collect::<Vec<_>>());
    assert_eq!(slices[0].num_rows(), 1);
    assert_eq!(slices.last().map(RecordBatch::num_rows), Some(8_192));
}

#[tokio::test]
async fn whoever_takes_long_gets_less() {
    let mut slices = numbers(1, 8_192);
    let mut sizes = Vec::new();
    for step in 0..6 {
        let batch = slices.next().await.expect("rows").expect("no failure");
        sizes.push(batch.num_rows());
        if step >= 3 {
            sleep(LONG + Duration::from_millis(10));
        }
    }
    assert_eq!(sizes, [1, 4, 16, 64, 16, 4]);
}

#[tokio::test]
async fn the_task_pauses_between_slices() {
    let mut slices = numbers(1, 8_192);
    let _first = slices.next().await;
    sleep(PAUSE_AFTER + Duration::from_millis(5));
    let waker = futures::task::noop_waker();
    let mut context = Context::from_waker(&waker);
    assert!(slices.poll_next_unpin(&mut context).is_pending());
    assert!(matches!(slices.poll_next_unpin(&mut context), Poll::Ready(Some(Ok(_)))));
}
