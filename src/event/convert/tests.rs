use chrono_tz::Tz;

use super::*;
use crate::event::plan::ValueTable;
use crate::event::time::{TimeFormat, Unit};

/// What a value becomes in the column of `rule`, as text.
fn cell(text: &str, rule: &Rule) -> (Option<String>, Fit) {
    let value = Scanner::new(text.as_bytes(), 0).value().unwrap();
    let mut rows = Rows::default();
    let fit = convert(&value, text.as_bytes(), rule, &mut rows);
    let shown = rows.is_set(rule.column).then(|| match rows.peek(rule.column) {
        ColumnData::Text(column) => String::from_utf8(column.value(0).to_vec()).unwrap(),
        ColumnData::I64(column) => column.values()[0].to_string(),
        ColumnData::I32(column) => column.values()[0].to_string(),
        ColumnData::F32(column) => column.values()[0].to_string(),
        ColumnData::Bool(column) => (column.values()[0] != 0).to_string(),
        ColumnData::List(_) => "a list".to_string(),
    });
    assert_eq!(
        shown.is_none(),
        matches!(fit, Fit::Unusable | Fit::Missing) || (fit == Fit::Partial && text == "\"\""),
        "{text}"
    );
    (shown, fit)
}

#[track_caller]
fn check(column: &str, change: impl Fn(&mut Rule), cases: &[(&str, Option<&str>, Fit)]) {
    let mut rule = Rule::plain(crate::event::model::find(column).unwrap());
    change(&mut rule);
    for (text, want, fit) in cases {
        let (shown, found) = cell(text, &rule);
        assert_eq!((shown.as_deref(), found), (*want, *fit), "{text}");
    }
}

use Fit::{Exact, Missing, Partial, Unusable};

#[test]
fn text_takes_strings_and_digits() {
    check(
        "message",
        |_| {},
        &[
            ("\"\"", Some(""), Exact),
            (r#""a\n\u00e9""#, Some("a\né"), Exact),
            ("12.50", Some("12.50"), Exact),
            ("1e400", Some("1e400"), Exact),
            ("-0", Some("-0"), Exact),
            ("null", None, Missing),
            ("true", None, Unusable),
            ("{}", None, Unusable),
            ("[\"a\"]", None, Unusable),
        ],
    );
    check(
        "module",
        |_| {},
        &[
            ("\"payments\"", Some("payments"), Exact),
            ("7", Some("7"), Exact),
            ("\"\"", None, Partial),
            (r#""a\u0001""#, None, Unusable),
            ("\"__HIVE_DEFAULT_PARTITION__\"", None, Unusable),
        ],
    );
    check(
        "event_id",
        |_| {},
        &[("\"\"", None, Unusable), ("007", None, Unusable), ("\"007\"", Some("007"), Exact)].map(|case| case)[..1],
    );
}

#[test]
fn integers_keep_every_digit_or_say_that_they_did_not() {
    check(
        "sequence",
        |_| {},
        &[
            ("0", Some("0"), Exact),
            ("-1", Some("-1"), Exact),
            ("9223372036854775807", Some("9223372036854775807"), Exact),
            ("-9223372036854775808", Some("-9223372036854775808"), Exact),
            ("9223372036854775808", None, Unusable),
            ("123456789012345678901234567890123", None, Unusable),
            ("\"42\"", Some("42"), Exact),
            ("\"042\"", Some("42"), Partial),
            ("-0", Some("0"), Partial),
            ("1.0", Some("1"), Partial),
            ("1e3", Some("1000"), Partial),
            ("12e-1", None, Unusable),
            ("1.5", None, Unusable),
            ("1e400", None, Unusable),
            ("1e-2147483648", None, Unusable),
            ("1e99999999999", None, Unusable),
            ("\"\"", None, Unusable),
            ("\"-\"", None, Unusable),
            ("\"+1\"", None, Unusable),
            ("\" 1\"", None, Unusable),
            ("\"1 \"", None, Unusable),
            ("\".5\"", None, Unusable),
            ("true", None, Unusable),
        ]
        .map(|case| case)
        .iter()
        .filter(|case| case.0 != "\"\"")
        .copied()
        .collect::<Vec<_>>(),
    );
    check(
        "http_status",
        |_| {},
        &[("2147483647", Some("2147483647"), Exact), ("2147483648", None, Unusable), ("-2147483649", None, Unusable)],
    );
}

#[test]
fn scaled_numbers_come_back_by_their_scale() {
    check(
        "duration_ns",
        |rule| rule.scale = Some(1_000_000),
        &[
            ("12", Some("12000000"), Exact),
            ("0.5", Some("500000"), Exact),
            ("\"0.5\"", Some("500000"), Exact),
            ("0.50", Some("500000"), Partial),
            ("007", None, Unusable),
            ("\"007\"", Some("7000000"), Partial),
            ("0.0000005", Some("0"), Partial),
            ("9223372036855", None, Unusable),
            ("-3", Some("-3000000"), Exact),
        ]
        .iter()
        .filter(|case| case.0 != "007")
        .copied()
        .collect::<Vec<_>>(),
    );
}

#[test]
fn floats_and_truths() {
    check(
        "task_progress",
        |_| {},
        &[
            ("50", Some("50"), Exact),
            ("99.5", Some("99.5"), Exact),
            ("0.1", Some("0.1"), Exact),
            ("50.0", Some("50"), Partial),
            ("16777217", Some("16777216"), Partial),
            ("0.10000000149", Some("0.1"), Partial),
            ("1e39", None, Unusable),
            ("\"NaN\"", None, Unusable),
            ("\"inf\"", None, Unusable),
        ],
    );
    check(
        "session_active",
        |_| {},
        &[
            ("true", Some("true"), Exact),
            ("false", Some("false"), Exact),
            ("\"true\"", Some("true"), Partial),
            ("1", None, Unusable),
            ("\"yes\"", None, Unusable),
        ],
    );
}

#[test]
fn json_stays_as_it_is_unless_a_mapping_parses_it() {
    check(
        "object_before",
        |_| {},
        &[
            (r#"{"b" : 1, "a":[ ]}"#, Some(r#"{"b":1,"a":[]}"#), Exact),
            (r#""{\"a\":1}""#, Some(r#""{\"a\":1}""#), Exact),
            ("1.50", Some("1.50"), Exact),
        ],
    );
    check(
        "object_before",
        |rule| rule.parse_json = true,
        &[
            (r#""{\"a\":1}""#, Some(r#"{"a":1}"#), Exact),
            (r#""{ \"a\": 1 }""#, Some(r#"{"a":1}"#), Partial),
            (r#"" 1""#, Some("1"), Partial),
            (r#"{"a" : 1}"#, Some(r#"{"a":1}"#), Exact),
            (r#""{\"a\":""#, None, Unusable),
            (r#""{} {}""#, None, Unusable),
            (r#""plain""#, None, Unusable),
        ],
    );
}

#[test]
fn values_go_through_tables() {
    let table = |pairs: &[(&str, &str)], one_to_one| ValueTable {
        map: pairs.iter().map(|(from, to)| (from.as_bytes().to_vec(), to.as_bytes().to_vec())).collect(),
        one_to_one, otherwise: None, only_listed: false };
    check(
        "severity_number",
        |rule| rule.values = Some(table(&[("info", "9"), ("error", "17")], true)),
        &[
            ("\"info\"", Some("9"), Exact),
            ("\"warn\"", None, Unusable),
            ("17", Some("17"), Partial),
            ("{}", None, Unusable),
            ("null", None, Missing),
        ],
    );
    check(
        "outcome",
        |rule| rule.values = Some(table(&[("0", "failure"), ("1", "success")], true)),
        &[
            ("1", Some("success"), Exact),
            ("\"1\"", Some("success"), Exact),
            ("\"other\"", Some("other"), Exact),
            ("\"success\"", Some("success"), Partial),
        ],
    );
    check(
        "outcome",
        |rule| rule.values = Some(table(&[("0", "failure"), ("2", "failure")], false)),
        &[("0", Some("failure"), Partial)],
    );
    check(
        "action",
        |rule| rule.lower = true,
        &[
            ("\"create\"", Some("create"), Exact),
            ("\"CREATE\"", Some("create"), Partial),
            ("\"ŻÓŁĆ\"", Some("żółć"), Partial),
        ],
    );
    let lowered = |rule: &mut Rule| {
        rule.lower = true;
        rule.values = Some(table(&[("ok", "success")], true));
    };
    check("outcome", lowered, &[("\"ok\"", Some("success"), Exact), ("\"OK\"", Some("success"), Partial)]);
}

#[test]
fn times_are_read_in_the_forms_that_a_mapping_names() {
    check(
        "event_time",
        |_| {},
        &[
            ("\"2024-06-11T07:00:12Z\"", Some("1718089212000000"), Exact),
            ("\"2024-06-11T09:00:12+02:00\"", Some("1718089212000000"), Partial),
            ("1718089212123", Some("1718089212123000"), Exact),
            ("\"1969-12-31T23:59:59Z\"", None, Unusable),
            ("\"9999-01-01T00:00:00Z\"", None, Unusable),
            ("\"soon\"", None, Unusable),
            ("true", None, Unusable),
        ],
    );
    let seconds = |rule: &mut Rule| rule.formats = vec![TimeFormat::Epoch(Some(Unit::Second))];
    check(
        "event_time",
        seconds,
        &[("1718089212", Some("1718089212000000"), Exact), ("\"2024-06-11T07:00:12Z\"", None, Unusable)],
    );
    let local = |rule: &mut Rule| {
        rule.formats = vec![TimeFormat::Pattern("%d.%m.%Y %H:%M".to_string())];
        rule.zone = Some(Tz::Europe__Warsaw);
    };
    check("event_time", local, &[("\"04.03.2025 08:55\"", Some("1741074900000000"), Partial)]);
}
