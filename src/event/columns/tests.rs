use arrow::array::{Array, AsArray};
use proptest::prelude::*;

use super::*;
use crate::event::model::{find, index_of};

/// Fills some columns of a row; the seed decides which, and with what.
fn fill(rows: &mut Rows, seed: u64) {
    for (at, column) in COLUMNS.iter().enumerate() {
        let pick = seed.wrapping_mul(at as u64 + 1).rotate_left(at as u32) % 7;
        if column.nullable && pick < 4 {
            continue;
        }
        let text = format!("{seed}-{at}").repeat(pick as usize);
        match rows.column(at) {
            ColumnData::Text(texts) => texts.push(text.as_bytes()),
            ColumnData::I64(numbers) => numbers.push(i64::try_from(seed % 1_000_000).unwrap() * 1_000_000_000),
            ColumnData::I32(numbers) => numbers.push(i32::try_from(seed % 1_000).unwrap()),
            ColumnData::F32(numbers) => numbers.push(0.5),
            ColumnData::Bool(truths) => truths.push((seed & 1) as u8),
            ColumnData::List(list) => {
                for item in 0..pick - 3 {
                    list.text(0).push(text.as_bytes());
                    if column.kind == Kind::Attachments && item % 2 == 0 {
                        list.size_field().push(7);
                    } else if column.kind == Kind::TextMap && item % 2 == 0 {
                        list.text(1).push(b"value");
                    }
                    list.end_item();
                }
                list.end_list();
            }
        }
    }
}

fn build(seeds: &[u64]) -> Rows {
    let mut rows = Rows::default();
    for seed in seeds {
        fill(&mut rows, *seed);
        rows.end_row();
    }
    rows
}

fn batch(mut rows: Rows) -> RecordBatch {
    rows.number(100);
    let batch = rows.finish();
    for column in batch.columns() {
        column.to_data().validate_full().unwrap();
    }
    batch
}

#[test]
fn rows_become_the_row_schema() {
    let batch = batch(build(&[1, 2, 3]));
    assert_eq!((batch.schema(), batch.num_rows()), (row_schema(), 3));
    let seqs = batch.column_by_name("_seq").unwrap();
    assert_eq!(seqs.as_primitive::<arrow::datatypes::Int64Type>().values(), &[100, 101, 102]);
    let empty = Rows::default();
    assert_eq!((empty.time_range(), empty.is_empty()), (None, true));
    assert_eq!(self::batch(empty).num_rows(), 0);
}

#[test]
fn a_day_is_the_utc_date_of_the_event() {
    for (time, day) in [(0, 0), (DAY_US - 1, 0), (DAY_US, 1), (-1, -1), (7_289_654_400_000_000 - 1, 84_370)] {
        assert_eq!(date_of(time), day, "{time}");
    }
}

#[test]
fn texts_are_replaced_in_place() {
    let (id, module) = (index_of("event_id"), index_of("module"));
    let mut rows = Rows::default();
    for text in ["aaa", "bbb"] {
        rows.text(id).push(text.as_bytes());
        rows.end_row();
    }
    rows.overwrite(id, 1, b"ccc");
    rows.text(module).push(b"long name");
    rows.replace_text(module, b"_other");
    assert_eq!((rows.current_text(module), rows.is_set(module), rows.is_set(id)), (&b"_other"[..], true, false));
    rows.end_row();
    let ColumnData::Text(ids) = rows.peek(id) else { panic!("ids are text") };
    assert_eq!((ids.value(0), ids.value(1), ids.value(2)), (&b"aaa"[..], &b"ccc"[..], &b""[..]));
    assert!(find("module").is_some() && !ids.is_valid(2));
}

#[test]
fn abandoned_rows_leave_no_trace_and_batches_join_as_if_built_as_one() {
    let seeds = prop::collection::vec(any::<u64>(), 0..20);
    proptest!(ProptestConfig::with_cases(300), |(left in seeds.clone(), right in seeds, lost in any::<u64>(), cut in any::<usize>())| {
        let all: Vec<u64> = left.iter().chain(&right).copied().collect();
        let whole = batch(build(&all));
        // Joined.
        let mut joined = build(&left);
        joined.append(&build(&right));
        prop_assert_eq!(joined.len(), all.len());
        prop_assert_eq!(&batch(joined), &whole);
        // With a row begun and taken back somewhere, a list not ended in it.
        let mut rows = Rows::default();
        for (at, seed) in all.iter().enumerate() {
            if at == cut % all.len() {
                fill(&mut rows, lost);
                let related = index_of("related");
                if !rows.is_set(related) {
                    rows.list(related).text(2).push(b"begun");
                    rows.list(related).end_item();
                }
                rows.abandon_row();
                prop_assert!((0..COLUMN_COUNT).all(|column| !rows.is_set(column)));
            }
            fill(&mut rows, *seed);
            rows.end_row();
        }
        prop_assert_eq!(&batch(rows), &whole);
    });
}
