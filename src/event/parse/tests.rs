//! Bodies as senders send them, good and bad; `reference` is the same parser written plainly.

mod fuzz;
mod golden;
mod property;
mod reference;
mod view;

use super::super::redact::RedactRules;
use super::*;
use view::Row;

const RECEIVED_AT: i64 = 1_750_000_000_000_000;

fn native() -> Interpretation {
    Interpretation::native("test", RedactRules::default())
}

fn context() -> Context<'static> {
    Context { project: "demo", received_at: RECEIVED_AT, mint: None }
}

fn limits() -> Limits {
    Limits { line_max: 1_000, events_max: 100 }
}

#[track_caller]
fn lines(body: impl AsRef<[u8]>) -> Parsed {
    parse(body.as_ref(), BodyFormat::Ndjson, &native(), &context(), &limits(), None).unwrap()
}

fn refused(body: impl AsRef<[u8]>, format: BodyFormat) -> BodyError {
    parse(body.as_ref(), format, &native(), &context(), &limits(), None).unwrap_err()
}

/// `line code` of each rejected record.
fn told(parsed: &Parsed) -> Vec<String> {
    parsed.errors.first.iter().map(|error| format!("{} {}", error.line, error.code)).collect()
}

fn ids(parsed: &Parsed) -> Vec<String> {
    (0..parsed.rows.len()).map(|row| Row(&parsed.rows, row).text("event_id").unwrap()).collect()
}

#[test]
fn lines_end_in_every_usual_way() {
    for body in [
        "{\"event_id\":\"1\"}\n{\"event_id\":\"2\"}\n",
        "{\"event_id\":\"1\"}\n{\"event_id\":\"2\"}",
        "\u{feff}{\"event_id\":\"1\"}\r\n{\"event_id\":\"2\"}\r\n",
        "\n\n  \r\n{\"event_id\":\"1\"}\n\n\t\n {\"event_id\":\"2\"} \n\n",
        "{\"event_id\":\"1\"}\r{\"event_id\":\"2\"}\r",
    ] {
        let parsed = lines(body);
        assert_eq!(ids(&parsed), ["1", "2"], "{body:?}");
        assert_eq!((parsed.records, parsed.errors.total()), (2, 0), "{body:?}");
    }
}

#[test]
fn a_body_without_events_is_refused() {
    for body in ["", "\n", " \r\n\t ", "\u{feff}", "\u{feff}\n\n"] {
        for format in [BodyFormat::Json, BodyFormat::Ndjson] {
            assert_eq!(refused(body, format), BodyError::Empty, "{body:?}");
        }
    }
}

#[test]
fn a_bad_line_costs_only_itself() {
    let good = |id: u32| format!("{{\"event_id\":\"{id}\"}}");
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(65), "]".repeat(65));
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(1_000));
    let cases: &[(&[u8], &str, usize, &str)] = &[
        (b"{\"a\":1", "invalid_json", 6, "the value is cut off at byte 6"),
        (b"{\"a\":1}}", "invalid_json", 7, "expected the end of the line at byte 7"),
        (b"{\"a\":1} {\"b\":2}", "invalid_json", 8, "expected the end of the line at byte 8"),
        (b"{\"a\":NaN}", "invalid_json", 5, "expected a JSON value at byte 5"),
        (b"{\"a\":Infinity}", "invalid_json", 5, "expected a JSON value at byte 5"),
        (b"{\"a\":01}", "invalid_json", 6, "expected `,` or `}` at byte 6"),
        (b"{\"a\":\"\\ud800\"}", "invalid_json", 6, "lone surrogate in a string at byte 6"),
        (b"{\"a\":\"\x01\"}", "invalid_json", 6, "control character in a string at byte 6: write it as an escape"),
        (b"{'a':1}", "invalid_json", 1, "expected a string at byte 1"),
        (b"nonsense", "invalid_json", 0, "expected a JSON value at byte 0"),
        (b"42", "not_an_object", 0, "an event is an object; this is a number"),
        (b"[1]", "not_an_object", 0, "an event is an object; this is an array"),
        (b"\"a\"", "not_an_object", 0, "an event is an object; this is a string"),
        (b"null", "not_an_object", 0, "an event is an object; this is null"),
        (b"{\"a\":\"\xFF\"}", "invalid_utf8", 6, "no UTF-8 at byte 6"),
        (b"{\"a\":\"\xED\xA0\x80\"}", "invalid_utf8", 6, "no UTF-8 at byte 6"),
        (deep.as_bytes(), "too_deep", 69, "nested deeper than 64 levels at byte 69"),
        (long.as_bytes(), "line_too_long", 0, "1014 bytes; an event may have 1000"),
    ];
    for (line, code, offset, message) in cases {
        let body = [good(1).as_bytes(), b"\n", line, b"\r\n", good(2).as_bytes(), b"\n", line, b"\n"].concat();
        let parsed = lines(&body);
        let shown = String::from_utf8_lossy(line);
        assert_eq!(ids(&parsed), ["1", "2"], "{shown}");
        assert_eq!(told(&parsed), [format!("2 {code}"), format!("4 {code}")], "{shown}");
        assert_eq!(parsed.row_records, [0, 2]);
        assert_eq!(parsed.errors.first[0].message, *message);
        assert_eq!(parsed.errors.first[0].offset as usize, good(1).len() + 1 + offset, "{shown}");
        assert_eq!(body[parsed.rejected[0].span.clone()].trim_ascii_end(), *line);
        assert_eq!((parsed.records, parsed.rejected[1].record), (4, 3));
    }
}

#[test]
fn a_record_does_not_reach_over_its_line() {
    let parsed = lines("{\"a\":\n{\"b\":2}}\n{\"event_id\":\"3\"}\n{\"event_id\":\"4\",\n\"x\":1}\n");
    assert_eq!(
        (ids(&parsed), told(&parsed)),
        (vec!["3".to_string()], [1, 2, 4, 5].map(|line| format!("{line} invalid_json")).to_vec())
    );
}

#[test]
fn errors_are_capped_and_counted() {
    let parsed = parse(
        &b"1\n".repeat(5_000),
        BodyFormat::Ndjson,
        &native(),
        &context(),
        &Limits { line_max: 9, events_max: 5_000 },
        None,
    )
    .unwrap();
    assert_eq!(
        (parsed.errors.first.len(), parsed.errors.counts["not_an_object"], parsed.rejected.len()),
        (100, 5_000, 5_000)
    );
    let mut errors = LineErrors::default();
    errors.add(1, 0, "x", || "ż".repeat(500));
    assert!(errors.first[0].message.len() <= 200);
}

#[test]
fn limits_hold() {
    assert_eq!(refused("{}\n".repeat(101), BodyFormat::Ndjson), BodyError::TooManyEvents { limit: 100 });
    assert_eq!(
        refused(format!("[{}{{}}]", "{},".repeat(100)), BodyFormat::Json),
        BodyError::TooManyEvents { limit: 100 }
    );
    assert_eq!(lines("{}\n".repeat(100)).rows.len(), 100);
}

#[test]
fn json_bodies_hold_one_object_or_an_array() {
    let json = |body: &str| parse(body.as_bytes(), BodyFormat::Json, &native(), &context(), &limits(), None);
    for body in [
        "{\"event_id\":\"1\"}",
        "\u{feff} {\n  \"event_id\" : \"1\"\n}\n",
        "[{\"event_id\":\"1\"}]",
        " [ { \"event_id\" : \"1\" } ] \n",
    ] {
        assert_eq!(ids(&json(body).unwrap()), ["1"], "{body}");
    }
    assert_eq!(json("[]").unwrap().records, 0);
    let deep = format!(
        "[{{\"event_id\":\"1\"}},{}1{},{{\"event_id\":\"2\"}},{{\"x\":{}{}}}]",
        "[".repeat(99),
        "]".repeat(99),
        "[".repeat(70),
        "]".repeat(70)
    );
    let parsed = json(&deep).unwrap();
    assert_eq!(
        (ids(&parsed), told(&parsed)),
        (vec!["1".to_string(), "2".to_string()], vec!["2 too_deep".to_string(), "4 too_deep".to_string()])
    );
    let parsed = json(&format!("[1,{{}},null,\"x\",[],{{\"message\":\"{}\"}}]", "x".repeat(1_000))).unwrap();
    assert_eq!(parsed.row_records, [1]);
    assert_eq!(
        told(&parsed),
        ["1 not_an_object", "3 not_an_object", "4 not_an_object", "5 not_an_object", "6 line_too_long"]
    );
    let refusals: &[(&str, &str)] = &[
        ("[{},", "invalid_json"),
        ("[{}", "invalid_json"),
        ("[{} {}]", "invalid_json"),
        ("[{\"a\":1},{\"a\":}]", "invalid_json"),
        ("{\"a\":1", "invalid_json"),
        ("{}\n{}", "invalid_json"),
        ("{}]", "invalid_json"),
        ("42", "not_an_object"),
        ("tru", "invalid_json"),
    ];
    for (body, code) in refusals {
        assert_eq!(crate::error::Report::code(&json(body).unwrap_err()), *code, "{body}");
    }
    assert_eq!(json("{}\n{}").unwrap_err(), BodyError::TrailingData { at: 3 });
    assert_eq!(refused(b"{\"a\":\"\xFF\"}", BodyFormat::Json), BodyError::InvalidUtf8 { at: 6 });
}

#[test]
fn an_array_sent_as_lines_is_refused_with_a_hint() {
    for body in ["[{},{}]", "[\n  {},\n  {}\n]\n"] {
        let error = refused(body, BodyFormat::Ndjson);
        assert_eq!(error, BodyError::ArrayAsLines);
        assert!(crate::error::Report::hint(&error).unwrap().contains("application/json"));
    }
    assert_eq!(told(&lines("[1]\n{}")), ["1 not_an_object"]);
}

#[test]
fn an_empty_event_gets_what_every_row_needs() {
    let parsed = lines("{}");
    let row = Row(&parsed.rows, 0);
    for (column, value) in
        [("tenant_id", "demo"), ("source", "test"), ("dataset", "events"), ("event_type", "event"), ("action", "other")]
    {
        assert_eq!(row.text(column).as_deref(), Some(value), "{column}");
    }
    assert_eq!((row.int("event_time"), row.int("observed_time")), (Some(RECEIVED_AT), Some(RECEIVED_AT)));
    assert_eq!((row.text("module"), row.text("attributes")), (None, None));
    assert_eq!(parsed.remarks, Remarks { time_missing: 1, ..Remarks::default() });
}

#[test]
fn of_a_key_that_stands_twice_the_last_counts() {
    let parsed = lines(r#"{"event_id":"1","event_id":"2","x":1,"y":2,"x":3,"module":"a","mod\u0075le":"b"}"#);
    let row = Row(&parsed.rows, 0);
    assert_eq!((row.text("event_id").as_deref(), row.text("module").as_deref()), (Some("2"), Some("b")));
    assert_eq!(row.text("attributes").as_deref(), Some(r#"{"y":2,"x":3}"#));
    assert_eq!(parsed.remarks.duplicate_key, 3);
}

#[test]
fn many_fields_and_long_names_are_kept() {
    let members: Vec<_> = (0..20_000).map(|at| format!("\"field{at}\":{at}")).collect();
    let wide = format!("{{{},\"{}\":1,\"field7\":8}}", members.join(","), "k".repeat(10_000));
    let limits = Limits { line_max: 1 << 20, events_max: 10 };
    let native = native();
    let body = format!("{wide}\n{wide}\n");
    let read = || parse(body.as_bytes(), BodyFormat::Ndjson, &native, &context(), &limits, None).unwrap();
    // A fresh reader and one that has learnt all it may give the same rows.
    let (first, second) = (read(), read());
    for row in [Row(&first.rows, 0), Row(&first.rows, 1), Row(&second.rows, 1)] {
        let attributes: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&row.text("attributes").unwrap()).unwrap();
        assert_eq!((attributes.len(), &attributes["field7"]), (20_001, &serde_json::json!(8)));
    }
    assert_eq!((first.remarks.duplicate_key, second.remarks.duplicate_key), (2, 2));
}

#[test]
fn verdicts_repeat_what_was_decided() {
    let body = "{\"event_id\":\"1\",\"module\":\"a\"}\nbroken\n{\"event_id\":\"2\",\"module\":\"b\"}\n{\"event_id\":\"1\"}\n{\"event_id\":\"4\",\"module\":\"a\"}\n{}";
    let first = lines(body);
    assert_eq!(first.row_records, [0, 2, 3, 4, 5]);
    let mut verdicts = Verdicts::default();
    verdicts.set(1, Verdict::Rejected);
    verdicts.set(2, Verdict::Overflow);
    verdicts.set(3, Verdict::Conflict);
    verdicts.set(4, Verdict::Duplicate);
    let mut stored = Vec::new();
    verdicts.encode(&mut stored);
    let verdicts = Verdicts::decode(&stored).unwrap();
    let parsed = parse(body.as_bytes(), BodyFormat::Ndjson, &native(), &context(), &limits(), Some(&verdicts)).unwrap();
    assert_eq!((parsed.records, &parsed.row_records[..]), (6, &[0, 2, 5][..]));
    assert_eq!(told(&parsed), ["2 invalid_json", "4 event_id_conflict"]);
    assert_eq!(&body[parsed.rejected[1].span.clone()], "{\"event_id\":\"1\"}");
    let row = Row(&parsed.rows, 1);
    assert_eq!(row.text("module").as_deref(), Some("_other"));
    assert_eq!(row.text("attributes").as_deref(), Some(r#"{"module":"b"}"#));
    assert_eq!(parsed.remarks.module_overflow, 1);
    assert_eq!(parsed.modules, [Some("a".into()), Some("_other".into()), None]);
    assert_eq!(parsed.row_modules, [0, 1, 2]);
    assert_eq!(parsed.sent.iter().map(|sent| sent.record).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn what_a_key_may_not_send_is_told_and_stored_as_rejected() {
    let body = "{\"module\":\"a\"}\n{\"module\":\"b\"}\nbroken\n{\"tenant_id\":\"t\"}\n{}";
    let mut verdicts = Verdicts::default();
    verdicts.set(1, Verdict::ModuleNotAllowed);
    verdicts.set(2, Verdict::Rejected);
    verdicts.set(3, Verdict::TenantNotAllowed);
    assert!(verdicts.any_not_allowed());
    let judged = parse(body.as_bytes(), BodyFormat::Ndjson, &native(), &context(), &limits(), Some(&verdicts)).unwrap();
    assert_eq!(told(&judged), ["2 module_not_allowed", "3 invalid_json", "4 tenant_not_allowed"]);
    assert_eq!(&body[judged.rejected[0].span.clone()], "{\"module\":\"b\"}");
    let mut stored = Vec::new();
    verdicts.encode(&mut stored);
    assert_eq!(stored, [0, 1, 2, 3], "one run of rejected records");
    let stored = Verdicts::decode(&stored).unwrap();
    let replayed = parse(body.as_bytes(), BodyFormat::Ndjson, &native(), &context(), &limits(), Some(&stored)).unwrap();
    assert_eq!((&judged.row_records, judged.rows.len()), (&replayed.row_records, 2));
    assert_eq!(String::from_utf8_lossy(judged.tenant(0)), String::from_utf8_lossy(replayed.tenant(0)));
}

#[test]
fn stored_verdicts_are_small_and_checked() {
    let cases: &[(&[(u32, Verdict)], usize)] = &[
        (&[], 0),
        (&[(5, Verdict::Accepted)], 0),
        (&[(0, Verdict::Duplicate)], 2),
        (&[(299, Verdict::Rejected)], 5),
        (&[(0, Verdict::Overflow), (1, Verdict::Overflow), (3, Verdict::Conflict)], 6),
    ];
    for (set, size) in cases {
        let mut verdicts = Verdicts::all_accepted();
        set.iter().for_each(|(record, verdict)| verdicts.set(*record, *verdict));
        let mut bytes = Vec::new();
        verdicts.encode(&mut bytes);
        assert_eq!(bytes.len(), *size, "{set:?}");
        let back = Verdicts::decode(&bytes).unwrap();
        assert!((0..400).all(|record| back.get(record) == verdicts.get(record)), "{set:?}");
    }
    assert_eq!(Verdicts::decode(&[9, 1]), Err(VerdictsError::Damaged(0)));
    assert_eq!(Verdicts::decode(&[1]), Err(VerdictsError::CutOff));
    assert_eq!(Verdicts::decode(&[1, 0x80]), Err(VerdictsError::CutOff));
    assert!(matches!(Verdicts::decode(&[1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), Err(VerdictsError::Damaged(_))));
}

#[test]
fn ids_are_minted_by_seed_and_record() {
    let at = |record| Place { record, line: record + 1, within: 0 };
    let log = |seq| MintSeed::Log { writer: 77, seq };
    let mut parsed = lines("{}\n{\"event_id\":\"x\"}\nbad\n{}\n");
    assert_eq!((parsed.unminted(), parsed.sent.len()), (2, 1));
    parsed.mint(&log(1_000));
    let minted = ids(&parsed);
    assert_eq!((parsed.unminted(), minted[1].as_str()), (0, "x"));
    assert_eq!(minted[0].as_bytes(), log(1_000).id(at(0)));
    assert_eq!(minted[2].as_bytes(), log(1_000).id(at(3)));
    let uuid = uuid::Uuid::parse_str(&minted[0]).unwrap();
    assert_eq!((uuid.get_version_num(), uuid.get_variant()), (8, uuid::Variant::RFC4122));
    // In the order of the log, and different for every writer, frame, record and kind of seed.
    assert!(minted[0] < minted[2] && log(1_000).id(at(3)) < log(1_001).id(at(4)));
    let file = |hash, first_line| MintSeed::File { hash, first_line };
    let all = [
        log(1).id(at(0)),
        log(1).id(at(1)),
        log(2).id(at(0)),
        MintSeed::Log { writer: 78, seq: 1 }.id(at(0)),
        file(77, 1).id(at(0)),
        file(78, 1).id(at(0)),
        file(77, 2).id(at(0)),
    ];
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
    // The same record of a file has the same id however the file is cut.
    assert_eq!(file(5, 0).id(at(10)), file(5, 7).id(at(3)));
    let imported = |mint| {
        let context = Context { mint: Some(mint), ..context() };
        parse(b"{}\n{\"a\":1}\n", BodyFormat::Ndjson, &native(), &context, &limits(), None).unwrap()
    };
    let (one, two) = (imported(file(5, 0)), imported(file(5, 0)));
    assert_eq!((one.unminted(), one.sent.len(), &one.sent), (0, 2, &two.sent));
    assert!(imported(log(5)).sent.is_empty());
}

#[test]
fn a_sent_id_is_told_by_its_scope_and_its_content() {
    let key = |line: &str| lines(line).sent[0];
    let base = key(r#"{"event_id":"1","tenant_id":"t","message":"m"}"#);
    assert_eq!(base, key(r#"{ "event_id" : "1", "tenant_id":"t" , "message":"m" }"#));
    assert_eq!(base.key, key(r#"{"event_id":1,"tenant_id":"t","source":"test","dataset":"events"}"#).key);
    assert_ne!(base.content, key(r#"{"event_id":"1","tenant_id":"t","message":"n"}"#).content);
    for other in [
        r#"{"event_id":"01","tenant_id":"t"}"#,
        r#"{"event_id":"1","tenant_id":"u"}"#,
        r#"{"event_id":"1","tenant_id":"t","source":"s"}"#,
        r#"{"event_id":"1","tenant_id":"t","dataset":"d"}"#,
        r#"{"event_id":"1","tenant_id":"tt","source":"est"}"#,
    ] {
        assert_ne!(base.key, key(other).key, "{other}");
    }
}

fn wrapping() -> Interpretation {
    let mut plan = crate::event::plan::Plan::native();
    plan.wrapper = Some(b"Records".to_vec());
    Interpretation::new(plan, crate::event::interpretation::Definition::native("test", RedactRules::default()))
}

#[test]
fn records_come_wrapped_in_a_document() {
    let read = |body: &str, format| parse(body.as_bytes(), format, &wrapping(), &context(), &limits(), None).unwrap();
    let wrapped =
        r#"{"account":{"id" : 7},"Records":[{"event_id":"1","x":1},{"event_id":"2","account":"own"},3],"v":"1"}"#;
    for (body, format) in [
        (wrapped.to_string(), BodyFormat::Json),
        (format!("[{wrapped}]"), BodyFormat::Json),
        (format!("{wrapped}\n"), BodyFormat::Ndjson),
    ] {
        let parsed = read(&body, format);
        assert_eq!(ids(&parsed), ["1", "2"]);
        assert_eq!(parsed.errors.counts["not_an_object"], 1);
        let attributes = |row| Row(&parsed.rows, row).text("attributes").unwrap();
        assert_eq!(attributes(0), r#"{"x":1,"account":{"id":7},"v":"1"}"#);
        assert_eq!(attributes(1), r#"{"account":"own","$document":{"account":{"id":7},"v":"1"}}"#);
    }
    // Single records, and documents whose `Records` is no list, are records themselves.
    for body in [r#"{"event_id":"1"}"#, r#"{"event_id":"1","Records":5}"#] {
        assert_eq!(ids(&read(body, BodyFormat::Json)), ["1"]);
        assert_eq!(ids(&read(body, BodyFormat::Ndjson)), ["1"]);
    }
    let mixed = format!("{{\"event_id\":\"a\"}}\n{wrapped}\n{{\"Records\":[{{}},}}\n{{\"event_id\":\"b\"}}\n");
    let parsed = read(&mixed, BodyFormat::Ndjson);
    assert_eq!(told(&parsed), ["2 not_an_object", "3 invalid_json"]);
    assert_eq!(ids(&parsed)[0..3], ["a", "1", "2"]);
    let heavy = format!("{{\"big\":\"{}\",\"Records\":[{}{{}}]}}", "x".repeat(100_000), "{},".repeat(50));
    let error = parse(heavy.as_bytes(), BodyFormat::Json, &wrapping(), &context(), &limits(), None).unwrap_err();
    assert!(matches!(error, BodyError::DocumentTooLarge { .. }), "{error}");
}

#[test]
fn an_attribute_never_hides_a_field() {
    let attributes = |line: &str| Row(&lines(line).rows, 0).text("attributes");
    let cases = [
        (r#"{"attributes":{"a":1}}"#, Some(r#"{"a":1}"#)),
        (r#"{"attributes":{"a" : 1},"b": 2}"#, Some(r#"{"a":1,"b":2}"#)),
        (r#"{"b":2,"attributes":{}}"#, Some(r#"{"b":2}"#)),
        (r#"{"attributes":{"a":1},"a":2}"#, Some(r#"{"a":1,"$event":{"a":2}}"#)),
        (
            r#"{"attributes":{"a":1,"$event":0},"\u0061":2,"c":3}"#,
            Some(r#"{"a":1,"$event":0,"$event_":{"\u0061":2,"c":3}}"#),
        ),
        (
            r#"{"attributes":{"http_status":1},"http_status":"x"}"#,
            Some(r#"{"http_status":1,"$event":{"http_status":"x"}}"#),
        ),
        (r#"{"attributes":[1, 2]}"#, Some("[1,2]")),
        (r#"{"attributes":"t","b":2}"#, Some(r#"{"attributes":"t","b":2}"#)),
        (r#"{"attributes":null,"b":null}"#, Some(r#"{"b":null}"#)),
        (r#"{"attributes":null}"#, None),
        (r#"{"module":""}"#, Some(r#"{"module":""}"#)),
        (r#"{"event_time":"2024-06-11T09:00:12+02:00"}"#, Some(r#"{"event_time":"2024-06-11T09:00:12+02:00"}"#)),
        (
            r#"{"observed_time":1,"_seq":2,"date":3,"":4,"object_refs":[]}"#,
            Some(r#"{"observed_time":1,"_seq":2,"date":3,"":4,"object_refs":[]}"#),
        ),
    ];
    for (line, want) in cases {
        assert_eq!(attributes(line).as_deref(), want, "{line}");
    }
}
