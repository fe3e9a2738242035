//! What a flush leaves on disk, read by us, by the Parquet reader and by delta-rs.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use deltalake_core::DeltaTableBuilder;
use parquet::basic::{Compression, Encoding};
use proptest::prelude::*;
use url::Url;

use super::support::*;
use crate::event::schema::{SEQ, SEQ_AT, file_schema};
use crate::table::index::{self, Place as IndexPlace};
use crate::table::stats::position;
use crate::table::*;

const NAMES: [Option<&str>; 9] = [
    None,
    Some("orders"),
    Some("50% off"),
    Some("a/b/../c"),
    Some("key=value"),
    Some("Заказы и оплата"),
    Some("Zażółć \"gęślą\" #1"),
    Some("%2F%41"),
    Some("?*:\\{}[]^'"),
];

async fn delta_rs(place: &Place) -> deltalake_core::DeltaTable {
    let url = Url::from_directory_path(place.table_dir()).expect("a path");
    let mut table = DeltaTableBuilder::from_url(url).expect("a URL").build().expect("a table");
    table.load().await.expect("delta-rs opens it");
    table
}

#[tokio::test]
async fn modules_of_every_spelling_come_back_for_us_and_for_delta_rs() {
    let place = Place::new();
    let table = place.open().await;
    let specs: Vec<_> = NAMES.iter().enumerate().map(|(at, name)| spec(at as i64, *name)).collect();
    let report = flush(&table, 1, &specs).await.expect("flushes");
    assert_eq!((report.rows, report.files, report.version), (9, 9, 1));
    let want: BTreeSet<_> = NAMES.iter().map(|name| name.map(str::to_owned)).collect();

    let rows = expected(&[batch(1, &specs)]);
    for version in [table.current(), place.read_only().await] {
        let found: BTreeSet<_> = version.files.iter().map(|file| file.module.clone()).collect();
        assert_eq!(found, want);
        assert_eq!(all_rows(&place.storage, &version).await, rows);
    }
    table.checkpoint().await.expect("checkpoints");
    for version in [place.read_only().await, place.open().await.current()] {
        assert_eq!(all_rows(&place.storage, &version).await, rows, "from the checkpoint");
    }

    let theirs = delta_rs(&place).await;
    let snapshot = theirs.snapshot().expect("is loaded");
    let mut found = BTreeSet::new();
    for view in snapshot.log_data().iter() {
        found.insert(view.partition_values_map()["module"].clone());
        let path = format!("{}/{}", place.storage.table_root(&project()), view.object_store_path());
        let (_, batch, _) = read_file(&place.storage, &object_store::path::Path::parse(path).expect("a path")).await;
        assert_eq!(batch.num_rows(), view.num_records().expect("has statistics"));
    }
    assert_eq!(found, want);
}

#[tokio::test]
async fn a_file_is_laid_out_as_promised() {
    let place = Place::new();
    let table = place.open().await;
    let specs: Vec<_> = (0..5_000).map(|at| spec(at * 1_000 % 777_777, Some("m"))).collect();
    flush(&table, 1, &specs).await.expect("flushes");
    let file = Arc::clone(&table.current().files[0]);
    let (footer, rows, bytes) = read_file(&place.storage, &file.location).await;
    assert_eq!(file.size, bytes.len() as u64);

    // Without Arrow's own schema in the file, the Parquet types alone give our schema back.
    let names_and_types = |schema: &arrow::datatypes::Schema| -> Vec<_> {
        schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
    };
    assert_eq!(names_and_types(&rows.schema()), names_and_types(&file_schema()));

    let sorting = footer.row_group(0).sorting_columns().expect("is declared");
    let schema = footer.file_metadata().schema_descr();
    let declared: Vec<_> =
        sorting.iter().map(|by| (schema.column(by.column_idx as usize).path().string(), by.descending)).collect();
    assert_eq!(declared, [("event_time".to_owned(), true), (SEQ.to_owned(), true)]);

    let column = |name: &str| {
        let chunk = footer.row_group(0).columns().iter().find(|chunk| chunk.column_path().string() == name);
        chunk.expect("is there").clone()
    };
    for name in ["event_time", SEQ, "observed_time"] {
        assert!(column(name).encodings().any(|encoding| encoding == Encoding::DELTA_BINARY_PACKED), "{name}");
        assert_eq!(column(name).dictionary_page_offset(), None, "{name}");
    }
    for name in ["message", "event_id"] {
        assert!(column(name).encodings().any(|encoding| encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY), "{name}");
    }
    assert!(column("message").statistics().is_none(), "nobody compares long text with a bound");
    assert!(column("source").dictionary_page_offset().is_some());
    assert_eq!(column("source").compression(), Compression::UNCOMPRESSED, "one text in all rows");
    assert!(matches!(column("event_id").compression(), Compression::ZSTD(_)));
    let empty = column("trace_id");
    assert_eq!((empty.compression(), empty.dictionary_page_offset()), (Compression::UNCOMPRESSED, None));
    assert_eq!(empty.statistics().and_then(|known| known.null_count_opt()), Some(5_000), "pruned all the same");
    let pages = footer.offset_index().expect("has one")[0][1].page_locations().len();
    assert_eq!(pages, 3, "pages of 2,048 rows");

    let at = IndexPlace::find(footer.file_metadata().key_value_metadata()).expect("has an index section");
    let section = bytes.slice(at.offset as usize..(at.offset + at.len) as usize);
    assert_eq!(index::decode(&section).expect("is whole").blocks, 0);
}

#[tokio::test]
async fn old_and_future_dates_go_to_their_own_partitions() {
    let place = Place::new();
    let table = place.open().await;
    let times = [0, DAY - 1, DAY, 20_000 * DAY + 5, 20_000 * DAY - 1, 84_000 * DAY];
    let specs: Vec<_> = times.iter().map(|time| spec(*time, Some("m"))).collect();
    flush(&table, 1, &specs).await.expect("flushes");
    let dates: Vec<_> = table.current().files.iter().map(|file| (file.date, file.rows)).collect();
    assert_eq!(dates, [(84_000, 1), (20_000, 1), (19_999, 1), (1, 1), (0, 2)], "newest first");
    let reopened = place.read_only().await;
    assert_eq!(all_rows(&place.storage, &reopened).await, expected(&[batch(1, &specs)]));
    assert!(place.table_dir().join("date=1970-01-01/module=m").is_dir());
}

fn any_spec() -> impl Strategy<Value = Spec> {
    let module = prop_oneof![Just(None), Just(Some("a".to_owned())), Just(Some("b%".to_owned()))];
    let text = prop::option::of("\\PC{0,90}");
    (0_i64..3 * DAY, module, text, prop::option::of(any::<i32>())).prop_map(|(time, module, text, number)| Spec {
        time,
        module,
        text,
        number,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn files_are_in_order_and_bounds_hold(batches in prop::collection::vec(prop::collection::vec(any_spec(), 1..40), 1..5)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("starts");
        runtime.block_on(async {
            let place = Place::new();
            let table = place.open().await;
            let mut first = 1;
            let mut all = Vec::new();
            for specs in &batches {
                all.push(batch(first, specs));
                first += specs.len() as i64;
            }
            table.flush(&all, first - 1, |_| ()).await.expect("flushes");
            for version in [table.current(), place.read_only().await] {
                assert_eq!(all_rows(&place.storage, &version).await, expected(&all));
                for file in &version.files {
                    let (_, rows, _) = read_file(&place.storage, &file.location).await;
                    assert_ordered(&rows);
                    assert_bounds(file, &rows);
                }
            }
        });
    }
}

/// Newest first.
pub(super) fn assert_ordered(rows: &arrow::record_batch::RecordBatch) {
    let times = rows.column_by_name("event_time").expect("is there").as_primitive::<TimestampMicrosecondType>();
    let seqs = rows.column_by_name(SEQ).expect("is there").as_primitive::<Int64Type>();
    let keys: Vec<_> = (0..rows.num_rows()).map(|row| (times.value(row), seqs.value(row))).collect();
    assert!(keys.windows(2).all(|pair| pair[0] > pair[1]), "{keys:?}");
}

/// No value is outside the bounds, and NULLs are counted.
fn assert_bounds(file: &DataFile, rows: &arrow::record_batch::RecordBatch) {
    assert!(file.stats_of(SEQ_AT).is_some());
    for stats in file.stats.iter() {
        let name = crate::event::model::COLUMNS.get(stats.column).map_or(SEQ, |column| column.name);
        assert_eq!(position(name), Some(stats.column));
        let array = rows.column_by_name(name).expect("is stored");
        assert_eq!(stats.nulls, array.null_count() as u64, "{name}");
        for row in (0..array.len()).filter(|row| array.is_valid(*row)) {
            let value = match array.data_type() {
                arrow::datatypes::DataType::Utf8 => StatValue::Text(array.as_string::<i32>().value(row).to_owned()),
                arrow::datatypes::DataType::Int32 => StatValue::I32(array.as_primitive::<Int32Type>().value(row)),
                arrow::datatypes::DataType::Int64 => StatValue::I64(array.as_primitive::<Int64Type>().value(row)),
                _ => StatValue::I64(array.as_primitive::<TimestampMicrosecondType>().value(row)),
            };
            assert!(stats.min.as_ref().is_none_or(|min| *min <= value), "{name}: {value:?} below {stats:?}");
            assert!(stats.max.as_ref().is_none_or(|max| *max >= value), "{name}: {value:?} above {stats:?}");
        }
        if array.null_count() < array.len() && !matches!(array.data_type(), arrow::datatypes::DataType::Utf8) {
            assert!(stats.min.is_some() && stats.max.is_some(), "{name} has no bounds");
        }
    }
}
