use super::filters::Filters;
use super::*;

#[track_caller]
fn selection(source: &str, screen: &str, given: &[(&str, &str)]) -> Value {
    let catalog = super::super::catalog::of(source).unwrap();
    let mut filters = Filters::new(catalog.screen(screen).unwrap());
    given.iter().for_each(|(name, value)| filters.add(name, (*value).to_owned()).unwrap());
    filters.selection(catalog.product.zone.as_deref()).unwrap()
}

#[test]
fn filters_become_a_selection_of_the_journal() {
    type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)], Value);
    let cases: &[Case] = &[
        ("idosell", "event_log", &[], json!({"tz": "Europe/Warsaw", "period": "all"})),
        ("voucherify", "logs", &[], json!({"tz": "UTC", "period": "last_24h"})),
        ("voucherify", "logs", &[("from", "2025-01-01")], json!({"tz": "UTC", "from": "2025-01-01"})),
        (
            "idosell",
            "event_log",
            &[("module", "couriers"), ("module", "payments"), ("hours", "9-10"), ("tz", "UTC")],
            json!({"tz": "UTC", "period": "all", "all": [{"module": ["couriers", "payments"]}, {"hour": ["9-10"]}]}),
        ),
        ("idosell", "event_log", &[("module", "all")], json!({"tz": "Europe/Warsaw", "period": "all"})),
        (
            "voucherify",
            "logs",
            &[("period", "all"), ("view", "errors"), ("server_key!", "A"), ("body_text", "x")],
            json!({"tz": "UTC", "period": "all", "all": [{"outcome": ["failure"]},
                {"credential_id!": ["A"], "credential_type": ["server_key"]},
                {"any": [{"request_body~": ["x"]}, {"response_body~": ["x"]}]}]}),
        ),
        ("getcourse", "event_log", &[("date", "2024-08")], json!({"tz": "Europe/Moscow", "period": "2024-08"})),
    ];
    for (source, screen, given, wanted) in cases {
        assert_eq!(selection(source, screen, given), *wanted, "{source} {screen} {given:?}");
    }
}

#[test]
fn cursors_come_back_as_they_were_given() {
    let time = json!("2025-03-04T09:00:00.25Z");
    for (ties, grouped) in [(vec![json!("-7")], false), (vec![json!("t\u{0}\"x"), json!("żółw")], true)] {
        for oldest_first in [true, false] {
            let cursor = Cursor::after(&time, ties.iter(), oldest_first).unwrap();
            let text = cursor.to_text();
            assert_eq!(Cursor::read(&text, grouped, oldest_first).unwrap(), cursor);
            assert!(Cursor::read(&text, !grouped, oldest_first).is_err());
            assert!(Cursor::read(&text, grouped, !oldest_first).is_err());
            assert!(Cursor::read(&text[1..], grouped, oldest_first).is_err());
            assert!(Cursor::read(&format!("{text}00"), grouped, oldest_first).is_err());
        }
    }
    assert!(Cursor::after(&json!(5), [json!("1")].iter(), true).is_err());
    let far = json!({"time": i64::MAX, "ties": 1, "oldest_first": true}).to_string();
    assert!(Cursor::read(&crate::access::hex(far.as_bytes()), false, true).is_err());
}
