use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::text::{TextLimits, text_diff};
use super::*;
use crate::config::ByteCount;
use crate::journal::tree::Object;

fn object(text: &str) -> Object {
    match Node::parse(text) {
        Some(Node::Object(object)) => object,
        other => panic!("{text}: {other:?}"),
    }
}

fn told(changes: &[Change]) -> Vec<String> {
    let text = |node: &Option<Node>| node.as_ref().map_or("-".to_owned(), Node::text);
    changes
        .iter()
        .map(|change| format!("{:?} {} {} {}", change.op, change.path, text(&change.before), text(&change.after)))
        .collect()
}

#[test]
fn snapshots_are_compared_as_ingest_does() {
    let before = object(r#"{"b":1,"a":{"x":"1","y":[1,2]},"gone":null,"same":"\u00e9"}"#);
    let after = object(r#"{"same":"é","a":{"x":1,"y":[1,3],"z":{}},"b":1}"#);
    let want = [r#"Replace a.x "1" 1"#, "Replace a.y [1,2] [1,3]", "Add a.z - {}", "Remove gone null -"];
    assert_eq!(told(&diff(&before, &after)), want);
    assert!(diff(&before, &before).is_empty());
}

#[test]
fn a_tree_of_conditions_is_compared_part_by_part() {
    let tree = |inverted: u8, mode: &str| {
        Node::parse(&format!(
            r#"{{"children":[{{"children":[{{"type":"a"}},{{"type":"b","inverted":{inverted}}}],"mode":"or"}}],"mode":"{mode}"}}"#
        ))
        .unwrap()
    };
    let found = parts("params", &tree(0, "and"), &tree(1, "or"));
    assert_eq!(
        told(&found),
        ["Replace params.children.0.children.1.inverted 0 1", r#"Replace params.mode "and" "or""#]
    );
    let list = |text: &str| Node::parse(text).unwrap();
    assert!(parts("rights", &list(r#"["partner:me"]"#), &list("[]")).is_empty(), "a list of plain values is one value");
    let found = parts("c", &list(r#"[{"a":1},{"b":2},{"c":3}]"#), &list(r#"[{"a":1}]"#));
    assert_eq!(told(&found), [r#"Remove c.1 {"b":2} -"#, r#"Remove c.2 {"c":3} -"#]);
}

#[test]
fn words_of_changes_are_read_and_unknown_ones_are_what_the_values_say() {
    let of = |word, before, after| Change::of_column("p", word, before, after).op;
    assert_eq!(of("set", None, Some("1")), Op::Set);
    assert_eq!(of("replace", Some("1"), Some("2")), Op::Replace);
    assert_eq!(of("changed", Some("1"), Some("2")), Op::Replace);
    assert_eq!(of("changed", Some("1"), None), Op::Remove);
    assert_eq!(of("changed", None, Some("1")), Op::Set);
    assert_eq!(Change::of_column("p", "set", None, Some("no json")).after, Node::parse("\"no json\""));
}

#[test]
fn paths_become_pointers() {
    let change = |path: &str, word: &str, before: Option<&str>, after: Option<&str>| {
        Change::of_column(path, word, before, after)
    };
    let changes = [
        change("a.b/c.d~e", "set", None, Some("1")),
        change("price", "replace", Some("1000"), Some("5000")),
        change("discount", "add", None, Some("12345678901234567890")),
        change("old", "remove", Some("1"), None),
        change("params.amount.net", "replace", Some("1"), Some("2")),
        change("list", "replace", Some(r#"[{"x":1},{"x":2}]"#), Some(r#"[{"x":3}]"#)),
    ];
    let snapshot = Node::parse(r#"{"params.amount":{"net":1}}"#).unwrap();
    let steps = serde_json::to_string(&patch_of(&changes, &[&snapshot])).unwrap();
    let want = concat!(
        r#"[{"op":"add","path":"/a/b~1c/d~0e","value":1},{"op":"replace","path":"/price","value":5000},"#,
        r#"{"op":"add","path":"/discount","value":12345678901234567890},{"op":"remove","path":"/old"},"#,
        r#"{"op":"replace","path":"/params.amount/net","value":2},{"op":"replace","path":"/list/0/x","value":3},"#,
        r#"{"op":"remove","path":"/list/1"}]"#
    );
    assert_eq!(steps, want);
}

/// Applies a patch as RFC 6902 says; another implementation than the one that makes it.
fn apply(document: &mut serde_json::Value, steps: &serde_json::Value) {
    for step in steps.as_array().unwrap() {
        let path = step["path"].as_str().unwrap();
        let (above, last) = path.rsplit_once('/').unwrap();
        let last = last.replace("~1", "/").replace("~0", "~");
        let place = document.pointer_mut(above).unwrap_or_else(|| panic!("nothing at {above}"));
        match (step["op"].as_str().unwrap(), place) {
            ("remove", serde_json::Value::Object(members)) => assert!(members.remove(&last).is_some(), "{path}"),
            ("remove", serde_json::Value::Array(items)) => drop(items.remove(last.parse().unwrap())),
            ("add", serde_json::Value::Array(items)) => items.insert(last.parse().unwrap(), step["value"].clone()),
            ("replace", serde_json::Value::Array(items)) => {
                items[last.parse::<usize>().unwrap()] = step["value"].clone()
            }
            (op, serde_json::Value::Object(members)) => {
                let old = members.insert(last, step["value"].clone());
                assert_eq!(old.is_some(), op == "replace", "{op} {path}");
            }
            other => panic!("{other:?}"),
        }
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (0..3_i64).prop_map(Into::into),
        "[a-c~/.]{0,2}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::vec(("[a-c~/.]{0,2}", inner), 0..4)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

fn json_object() -> impl Strategy<Value = serde_json::Value> {
    proptest::collection::vec(("[a-c~/.]{0,2}", json()), 0..5)
        .prop_map(|members| serde_json::Value::Object(members.into_iter().collect()))
}

proptest! {
    #[test]
    fn a_patch_turns_the_one_snapshot_into_the_other(before in json_object(), after in json_object()) {
        let steps = patch(&object(&before.to_string()), &object(&after.to_string()));
        let steps = serde_json::to_value(&steps).unwrap();
        let mut patched = before.clone();
        apply(&mut patched, &steps);
        prop_assert_eq!(&patched, &after, "{}", steps);
        prop_assert_eq!(steps.as_array().unwrap().is_empty(), before == after);
    }
}

#[test]
fn long_texts_are_compared_line_by_line_within_limits() {
    let limits =
        |text_max| TextLimits { text_max: ByteCount(text_max), deadline: Instant::now() + Duration::from_secs(2) };
    let change = |before: &str, after: &str| {
        let quoted = |text: &str| Some(crate::journal::tree::quoted(text));
        Change::of_column("content", "replace", quoted(before).as_deref(), quoted(after).as_deref())
    };
    assert_eq!(text_diff(&change("short", "text"), limits(100)), None);
    let found = text_diff(&change("a\nb\nc\n", "a\nx\ny\nc\n"), limits(100)).unwrap();
    assert_eq!((found.added, found.removed), (2, 1));
    assert_eq!(found.unified.as_deref(), Some("--- before\n+++ after\n@@ -1,3 +1,4 @@\n a\n-b\n+x\n+y\n c\n"));
    let line = "x".repeat(121);
    assert!(text_diff(&change(&line[..120], "y"), limits(1_000)).is_none());
    assert!(text_diff(&change(&line, "y"), limits(121)).is_some_and(|found| found.skipped.is_none()), "at the limit");
    let over = text_diff(&change(&line, "y"), limits(120)).unwrap();
    assert!(over.unified.is_none() && over.skipped.unwrap().contains("objects.text_max"));
    let numbers = Change::of_column("n", "replace", Some("1"), Some("2"));
    assert_eq!(text_diff(&numbers, limits(100)), None);

    // A letter of 1 MB, every line of which differs.
    let letter =
        |word: &str| (0..20_000).map(|at| format!("<p>{word} {at} {}</p>\n", "text ".repeat(7))).collect::<String>();
    let (before, after) = (letter("old"), letter("new"));
    assert!(before.len() > 900_000);
    let started = Instant::now();
    let found = text_diff(&change(&before, &after), limits(2 << 20)).unwrap();
    assert_eq!((found.added, found.removed), (20_000, 20_000));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
