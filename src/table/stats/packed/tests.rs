use proptest::prelude::*;

use super::*;

fn bound() -> impl Strategy<Value = Vec<StatValue>> {
    let integers = prop::collection::vec(any::<i64>().prop_map(StatValue::I64), 0..3);
    let small = prop::collection::vec(any::<i32>().prop_map(StatValue::I32), 0..3);
    let texts = prop::collection::vec("\\PC{0,40}".prop_map(StatValue::Text), 0..3);
    prop_oneof![integers, small, texts]
}

fn columns() -> impl Strategy<Value = Vec<ColumnStats>> {
    let column = (bound(), any::<u64>());
    prop::collection::btree_map(0_usize..120, column, 0..100).prop_map(|all| {
        let stats = |(column, (mut bounds, nulls)): (usize, (Vec<StatValue>, u64))| {
            let max = bounds.pop();
            ColumnStats { column, min: bounds.pop(), max, nulls }
        };
        all.into_iter().map(stats).collect()
    })
}

proptest! {
    #[test]
    fn what_is_packed_comes_out(columns in columns()) {
        let packed: FileStats = columns.iter().cloned().collect();
        prop_assert_eq!(packed.iter().collect::<Vec<_>>(), columns.clone());
        for at in 0..130 {
            let wanted = columns.iter().find(|stats| stats.column == at).cloned();
            prop_assert_eq!(packed.of(at), wanted, "{}", at);
        }
    }
}

#[test]
fn what_does_not_fit_is_not_known() {
    let long = |column| ColumnStats {
        column,
        min: Some(StatValue::Text("a".repeat(30_000))),
        max: Some(StatValue::Text("b".repeat(30_000))),
        nulls: 1,
    };
    let packed: FileStats = (0..4).map(long).collect();
    assert_eq!(packed.iter().map(|stats| stats.column).collect::<Vec<_>>(), [0, 1], "the third begins behind 64 KiB");
    assert_eq!(packed.of(1), Some(long(1)));
    let mixed =
        ColumnStats { column: 3, min: Some(StatValue::I64(1)), max: Some(StatValue::Text("z".into())), nulls: 0 };
    let packed: FileStats = [mixed].into_iter().collect();
    assert_eq!(packed.of(3), Some(ColumnStats { column: 3, min: Some(StatValue::I64(1)), max: None, nulls: 0 }));
    assert_eq!((FileStats::default().of(0), FileStats::default().iter().count()), (None, 0));
}
