use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> String {
    let mut out = String::new();
    write_pattern(text, &mut out);
    out
}

#[test]
fn what_differs_from_event_to_event_is_one_sign() {
    for (text, wanted) in [
        ("Order 700007 paid with 12.50 EUR", "Order * paid with * EUR"),
        ("order_17 of ord-18", "* of *"),
        ("at 2026-11-28T01:19:47.123Z from 10.0.0.7:443", "at * from *"),
        ("from ::ffff:10.0.0.7 to 2001:db8::1.", "from * to *."),
        ("POST /api/orders/17/labels", "POST /api/orders/*/labels"),
        ("id 550e8400-e29b-41d4-a716-446655440000 is gone", "id * is gone"),
        ("mail to anna.nowak@example.com failed: code:550", "mail to * failed: code:*"),
        ("Page \"Summer sale\" was deleted by 'anna'", "Page \"*\" was deleted by '*'"),
        ("Zmieniono „Letnią wyprzedaż” i «что-то»", "Zmieniono „*” i «*»"),
        ("can't read the user's file", "can't read the user's file"),
        ("ids 1, 2, 3; 4 and 5", "ids * and *"),
        ("1,234.50 zł", "* zł"),
        ("+48 601 234 567", "*"),
        ("-5 °C, a - b, anna+shop@example.com", "* °C, a - b, *"),
        ("Сбой 5 раз", "Сбой * раз"),
        ("  two lines\nof text 7", "two lines"),
        ("an \" open quotation", "an \" open quotation"),
        ("\"\" and * stay", "\"\" and * stay"),
        ("", ""),
    ] {
        assert_eq!(pattern(text), wanted, "{text}");
    }
}

#[test]
fn no_more_than_the_first_characters_are_looked_at() {
    let text = "ż".repeat(CHARS_MAX);
    assert_eq!(pattern(&text), text);
    assert_eq!(pattern(&format!("{text}ó")), text);
    let quoted = |chars: usize| pattern(&format!("\"{}\"", "x".repeat(chars)));
    assert_eq!(quoted(QUOTED_MAX - 1), "\"*\"");
    assert_eq!(quoted(QUOTED_MAX).len(), QUOTED_MAX + 2);
}

proptest! {
    #[test]
    fn a_pattern_is_no_longer_than_its_text_and_has_no_digit(text in "[a-c1-2 \"'„”*,:@./+_-]{0,40}|\\PC{0,40}") {
        let once = pattern(&text);
        prop_assert!(once.len() <= text.len(), "{once}");
        prop_assert!(!once.chars().any(char::is_numeric), "{once}");
    }
}
