use proptest::prelude::*;
use serde_json::json;

use super::Cursor;

fn cursor() -> Cursor {
    Cursor { list: 7, period: (Some(1), None), newest_seq: 9, value: json!("żółw"), time_us: 5, seq: 8 }
}

#[test]
fn a_cursor_reads_as_it_was_written_and_only_for_its_list() {
    let text = cursor().encode();
    assert_eq!(Cursor::decode(&text, 7), Ok(cursor()));
    assert!(Cursor::decode(&text, 8).unwrap_err().to_string().contains("another") || Cursor::decode(&text, 8).is_err());
    for wrong in ["", "zz", "7b7d", "abc", &text[..text.len() - 2], &"00".repeat(20_000)] {
        assert!(Cursor::decode(wrong, 7).is_err(), "{wrong:.40}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_cursor_panic(text in ".{0,200}") {
        let _ = Cursor::decode(&text, 7);
    }

    #[test]
    fn every_place_survives(list in any::<u64>(), newest_seq in any::<i64>(), time_us in any::<i64>(), seq in any::<i64>(), from in any::<Option<i64>>()) {
        let cursor = Cursor { list, period: (from, None), newest_seq, value: json!(null), time_us, seq };
        prop_assert_eq!(Cursor::decode(&cursor.encode(), list), Ok(cursor));
    }
}
