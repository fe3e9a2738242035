use std::io::BufReader;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Splits `text` through buffers of `buffer` bytes, with limits of our own.
fn split(text: &[u8], buffer: usize, record_max: usize, part: usize) -> Vec<Result<String, &'static str>> {
    let mut records = JsonRecords {
        input: BufReader::with_capacity(buffer, text),
        position: Position::default(),
        splitter: Splitter::new(record_max, part),
    };
    let mut all = vec![];
    let mut out = vec![];
    while let Some(taken) = records.next(&mut out).unwrap() {
        all.push(match taken {
            Taken::Record => Ok(String::from_utf8(std::mem::take(&mut out)).unwrap()),
            Taken::Fault(fault) => Err(fault.code),
        });
        assert!(out.is_empty());
    }
    all
}

#[track_caller]
fn check(text: &str, want: &[Result<&str, &'static str>]) {
    let want: Vec<_> = want.iter().map(|record| record.map(str::to_owned)).collect();
    for buffer in [1, 2, 5, 4096] {
        assert_eq!(split(text.as_bytes(), buffer, 1000, 1000), want, "{text}");
    }
}

#[test]
fn arrays_give_their_elements() {
    check("", &[]);
    check(" [ ] ", &[]);
    check("[{}]", &[Ok("{}")]);
    check("[{\"a\":1},{\"a\":2}]", &[Ok("{\"a\":1}"), Ok("{\"a\":2}")]);
    check("[\n  {\n    \"a\": 1\r\n  }\n,\n{}\n]\n", &[Ok("{     \"a\": 1    }"), Ok("{}")]);
    check("[{\"a\":[1,[2,{\"b\":[]}]]},[1,2]]", &[Ok("{\"a\":[1,[2,{\"b\":[]}]]}"), Ok("[1,2]")]);
}

#[test]
fn brackets_and_quotes_inside_strings_do_not_count() {
    check(
        r#"[{"a":"]}[{,\"]"},{"b":"\\"},{"c":"\\\""}]"#,
        &[Ok(r#"{"a":"]}[{,\"]"}"#), Ok(r#"{"b":"\\"}"#), Ok(r#"{"c":"\\\""}"#)],
    );
    check(r#"[{"]":"\u005d"}]"#, &[Ok(r#"{"]":"\u005d"}"#)]);
    check("[{\"ż\":\"]é\"}]", &[Ok("{\"ż\":\"]é\"}")]);
}

#[test]
fn records_may_follow_each_other_without_an_array() {
    check("{\"a\":1}{\"a\":2}\n{\n\"a\":3}", &[Ok("{\"a\":1}"), Ok("{\"a\":2}"), Ok("{ \"a\":3}")]);
    check("\u{1e}{\"a\":1}\n\u{1e}{\"a\":2}\n", &[Ok("{\"a\":1}"), Ok("{\"a\":2}")]);
    check("[{}][{}]", &[Ok("{}"), Ok("{}")]);
    check("{\"Records\":[{\"a\":1},{\"a\":2}]}", &[Ok("{\"Records\":[{\"a\":1},{\"a\":2}]}")]);
}

#[test]
fn values_that_are_no_objects_are_left_to_the_server() {
    check("[1, true,\"x,]\",null]", &[Ok("1"), Ok("true"), Ok("\"x,]\""), Ok("null")]);
    check("hello world", &[Ok("hello"), Ok("world")]);
    check("[12]", &[Ok("12")]);
}

#[test]
fn what_is_not_closed_is_a_fault() {
    check("[{\"a\":1},{\"a\":", &[Ok("{\"a\":1}"), Err("invalid_json")]);
    check("[{\"a\":1}", &[Ok("{\"a\":1}"), Err("invalid_json")]);
    check("{\"a\":\"x", &[Err("invalid_json")]);
    check("[{\"a\":\"x\ny\"},{}]", &[Err("invalid_json"), Ok("{}")]);
}

#[test]
fn long_records_are_left_out() {
    let text = br#"[{"a":1},{"a":"0123456789"},{"a":2},"0123456789abc",0123456789abcdef,{"b":3}]"#;
    let want = vec![
        Ok(r#"{"a":1}"#.to_owned()),
        Err("line_too_long"),
        Ok(r#"{"a":2}"#.into()),
        Err("line_too_long"),
        Err("line_too_long"),
        Ok(r#"{"b":3}"#.into()),
    ];
    for buffer in [1, 3, 4096] {
        assert_eq!(split(text, buffer, 12, 12), want);
    }
    let exact = br#"{"a":"12345"}"#;
    assert_eq!(split(exact, 9, exact.len(), exact.len()), [Ok(String::from_utf8(exact.to_vec()).unwrap())]);
    assert_eq!(split(exact, 9, exact.len() - 1, exact.len() - 1), [Err("line_too_long")]);
}

#[test]
fn a_large_wrapper_goes_out_in_parts_with_the_same_head() {
    let text = br#"{"v":[1,2],"Records":[{"a":1,"t":[9]},{"a":2},{"a":3},{"a":4}],"end":true}"#;
    let want = [
        r#"{"v":[1,2],"Records":[{"a":1,"t":[9]}]}"#,
        r#"{"v":[1,2],"Records":[{"a":2},{"a":3}]}"#,
        r#"{"v":[1,2],"Records":[{"a":4}],"end":true}"#,
    ];
    for buffer in [1, 7, 4096] {
        let got: Vec<_> = split(text, buffer, 1000, 40).into_iter().map(Result::unwrap).collect();
        assert_eq!(got, want);
    }
    // A single element that is larger than a part stays whole.
    let text = br#"{"Records":[{"a":"0123456789012345678901234567890123456789"},{"a":2}]}"#;
    let want = [r#"{"Records":[{"a":"0123456789012345678901234567890123456789"}]}"#, r#"{"Records":[{"a":2}]}"#];
    assert_eq!(split(text, 16, 1000, 20), want.map(|part| Ok(part.to_owned())));
}

#[test]
fn a_long_element_of_a_wrapper_is_left_out_alone() {
    let text = br#"{"Records":[{"a":1},{"a":"01234567890123456789012345"},{"a":3}]}"#;
    let want =
        vec![Ok(r#"{"Records":[{"a":1}]}"#.to_owned()), Err("line_too_long"), Ok(r#"{"Records":[{"a":3}]}"#.into())];
    for buffer in [1, 5, 4096] {
        assert_eq!(split(text, buffer, 30, 30), want);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[\\PC\"\\\\\\[\\]{},\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[\\PC\"\\\\]{0,4}", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever the elements, an array gives back exactly them, each on one line.
    #[test]
    fn any_array_is_split_into_its_elements(elements in prop::collection::vec(value(), 0..8), pretty: bool, buffer in 1_usize..64) {
        let array = Value::from(elements.clone());
        let text = if pretty { format!("{array:#}") } else { array.to_string() };
        let got: Vec<String> = split(text.as_bytes(), buffer, 1 << 20, 1 << 20).into_iter().map(Result::unwrap).collect();
        prop_assert!(got.iter().all(|record| !record.contains('\n')));
        let parsed: Vec<Value> = got.iter().map(|record| serde_json::from_str(record).unwrap()).collect();
        prop_assert_eq!(parsed, elements);
    }

    /// However small the parts, a wrapper's elements all arrive once, in order.
    #[test]
    fn any_wrapper_in_parts_keeps_its_elements(elements in prop::collection::vec(value(), 1..8), part in 16_usize..200) {
        let text = serde_json::json!({ "Records": elements }).to_string();
        let mut got = vec![];
        for record in split(text.as_bytes(), 17, 1 << 20, part) {
            let record: Value = serde_json::from_str(&record.unwrap()).unwrap();
            got.extend(record["Records"].as_array().unwrap().clone());
        }
        prop_assert_eq!(got, elements);
    }
}
