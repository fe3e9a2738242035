use super::*;
use crate::event::schema::EVENT_TIME_AT;

fn time(min: i64, max: i64) -> ColumnStats {
    ColumnStats { column: EVENT_TIME_AT, min: Some(StatValue::I64(min)), max: Some(StatValue::I64(max)), nulls: 0 }
}

#[test]
fn instants_are_rounded_outwards() {
    let cases = [
        ((1_234_567, 1_234_567), (1_234_000, 1_235_999)),
        ((1_234_000, 1_234_000), (1_234_000, 1_234_999)),
        ((-1, -1), (-1_000, 999)),
        ((-1_500, -1_500), (-2_000, -1)),
    ];
    for ((min, max), (want_min, want_max)) in cases {
        let packed = |stats: ColumnStats| [stats].into_iter().collect::<FileStats>();
        let text = encode(5, &packed(time(min, max))).expect("encodes");
        assert_eq!(decode(&text), Some((5, packed(time(want_min, want_max)))), "{text}");
    }
}

#[test]
fn all_kinds_come_back() {
    let text_at = find("actor_id").expect("exists");
    let number_at = find("severity_number").expect("exists");
    let stats: FileStats = [
        ColumnStats { column: number_at, min: Some(StatValue::I32(-1)), max: Some(StatValue::I32(9)), nulls: 1 },
        ColumnStats {
            column: text_at,
            min: Some(StatValue::Text("\"a\n".into())),
            max: Some(StatValue::Text("ж".into())),
            nulls: 2,
        },
        ColumnStats {
            column: SEQ_AT,
            min: Some(StatValue::I64(i64::MIN)),
            max: Some(StatValue::I64(i64::MAX)),
            nulls: 0,
        },
    ]
    .into_iter()
    .collect();
    assert_eq!(decode(&encode(3, &stats).expect("encodes")), Some((3, stats)));
}

#[test]
fn all_null_has_no_bounds_and_no_row_count_is_no_statistics() {
    let none = ColumnStats { column: find("actor_id").expect("exists"), min: None, max: None, nulls: 4 };
    let none: FileStats = [none].into_iter().collect();
    assert_eq!(decode(&encode(4, &none).expect("encodes")), Some((4, none)));
    assert_eq!(decode("{}"), None);
    assert_eq!(decode("{\"numRecords\":-1}"), None);
    assert_eq!(decode("nonsense"), None);
}
