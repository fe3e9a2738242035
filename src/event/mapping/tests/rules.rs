//! Every function at its good and at its bad side: what the column tells, and what stays in `attributes`.

use serde_json::{Value as Json, json};

use super::{check, mapping, row, rows};

#[test]
fn a_path_takes_the_value_away_from_attributes_and_only_that() {
    check(r#""a""#, "actor_id", r#"{"a":"x","b":1}"#, json!("x"), json!({"b":1}));
    check(r#""a.b""#, "actor_id", r#"{"a":{"b":7,"c":8}}"#, json!("7"), json!({"a":{"c":8}}));
    check(r#""a.b""#, "actor_id", r#"{"a":{"b":7}}"#, json!("7"), Json::Null);
    check(r#""a.b""#, "actor_id", r#"{"a":"no object"}"#, Json::Null, json!({"a":"no object"}));
    check(
        r#"["a.b","c"]"#,
        "actor_id",
        r#"{"a.b":{"c":"x"},"a":{"b":{"c":"y"}}}"#,
        json!("x"),
        json!({"a":{"b":{"c":"y"}}}),
    );
    check(r#"["@time"]"#, "actor_id", r#"{"@time":"x"}"#, json!("x"), Json::Null);
    // What the column cannot hold stays, under its own path.
    check(r#""a.b""#, "actor_id", r#"{"a":{"b":[1]}}"#, Json::Null, json!({"a":{"b":[1]}}));
    check(r#""a""#, "http_status", r#"{"a":"teapot"}"#, Json::Null, json!({"a":"teapot"}));
    check(r#""a""#, "http_status", r#"{"a":"418"}"#, json!(418), Json::Null);
    check(r#""a""#, "module", r#"{"a":""}"#, Json::Null, json!({"a":""}));
    check(r#""a""#, "actor_id", r#"{"a":null}"#, Json::Null, Json::Null);
    check(r#""a""#, "actor_id", r#"{"a":""}"#, json!(""), Json::Null);
}

#[test]
fn a_field_may_feed_several_columns_and_be_taken_whole_and_in_parts() {
    let file = mapping("[columns]\nhttp_status = \"s\"\nstatus = \"s\"\nobject_after = \"o\"\nobject_id = \"o.id\"\n");
    let got = row(&file, r#"{"s":200,"o":{"id":5,"n":"x"}}"#);
    assert_eq!(got["http_status"], json!(200));
    assert_eq!(got["status"], json!("200"));
    assert_eq!(got["object_after"], json!({"id":5,"n":"x"}));
    assert_eq!(got["object_id"], json!("5"));
    assert_eq!(got.get("attributes"), None);
    // One column that tells it exactly is enough.
    let got = row(&file, r#"{"s":"gone"}"#);
    assert_eq!((got.get("http_status"), &got["status"], got.get("attributes")), (None, &json!("gone"), None));
}

#[test]
fn first_of_takes_the_first_usable_value_and_leaves_the_others() {
    let rule = r#"{ first_of = ["a", "b"] }"#;
    check(rule, "http_status", r#"{"a":1,"b":2}"#, json!(1), json!({"b":2}));
    check(rule, "http_status", r#"{"b":2}"#, json!(2), Json::Null);
    check(rule, "http_status", r#"{"a":"x","b":2}"#, json!(2), json!({"a":"x"}));
    check(rule, "http_status", r#"{"a":null,"b":2}"#, json!(2), json!({"a":null}));
    check(rule, "http_status", r#"{"a":"x","b":"y"}"#, Json::Null, json!({"a":"x","b":"y"}));
    // An alternative with functions of its own uses those and not the column's.
    let rule = r#"{ first_of = [{ path = "a", values = { x = "one" }, only_listed = true }, "b"], lower = true }"#;
    check(rule, "action", r#"{"a":"x","b":"B"}"#, json!("one"), json!({"b":"B"}));
    check(rule, "action", r#"{"a":"X","b":"B"}"#, json!("b"), json!({"a":"X","b":"B"}));
}

#[test]
fn constants_and_defaults_are_no_sent_values() {
    check(r#"{ constant = "c" }"#, "status", r#"{"status":"sent"}"#, json!("c"), json!({"status":"sent"}));
    check("{ constant = 5 }", "severity_number", "{}", json!(5), Json::Null);
    let rule = r#"{ path = "a", default = "d" }"#;
    check(rule, "status", "{}", json!("d"), Json::Null);
    check(rule, "status", r#"{"a":null}"#, json!("d"), Json::Null);
    check(rule, "status", r#"{"a":"x"}"#, json!("x"), Json::Null);
    check(rule, "status", r#"{"a":{}}"#, json!("d"), json!({"a":{}}));
}

#[test]
fn value_tables_keep_what_they_do_not_tell() {
    let rule = r#"{ path = "a", values = { x = "one", y = "two" } }"#;
    check(rule, "status", r#"{"a":"x"}"#, json!("one"), Json::Null);
    check(rule, "status", r#"{"a":"z"}"#, json!("z"), Json::Null);
    check(rule, "status", r#"{"a":"one"}"#, json!("one"), json!({"a":"one"}));
    let rule = r#"{ path = "a", values = { x = "same", y = "same" } }"#;
    check(rule, "status", r#"{"a":"x"}"#, json!("same"), json!({"a":"x"}));
    let rule = r#"{ path = "a", values = { x = "one" }, otherwise = "other" }"#;
    check(rule, "status", r#"{"a":"x"}"#, json!("one"), Json::Null);
    check(rule, "status", r#"{"a":"z"}"#, json!("other"), json!({"a":"z"}));
    check(rule, "status", r#"{"a":null}"#, Json::Null, Json::Null);
    let rule = r#"{ path = "a", values = { x = "one" }, only_listed = true }"#;
    check(rule, "status", r#"{"a":"z"}"#, Json::Null, json!({"a":"z"}));
    // Numbers and truth values are looked up by how they are written.
    check("{ path = \"a\", values = { 2 = 9 } }", "severity_number", r#"{"a":2}"#, json!(9), Json::Null);
    check("{ path = \"a\", values = { 2 = 9 } }", "severity_number", r#"{"a":3}"#, json!(3), Json::Null);
    check("{ path = \"a\", values = { 2 = 9 } }", "severity_number", r#"{"a":9}"#, json!(9), json!({"a":9}));
    check("{ path = \"a\", values = { w = 9 } }", "severity_number", r#"{"a":"v"}"#, Json::Null, json!({"a":"v"}));
    check("{ path = \"a\", values = { Tak = true } }", "session_active", r#"{"a":"Tak"}"#, json!(true), Json::Null);
    check(
        "{ path = \"a\", values = { Tak = true } }",
        "session_active",
        r#"{"a":true}"#,
        json!(true),
        json!({"a":true}),
    );
    check(
        "{ path = \"a\", values = { true = \"read\" } }",
        "action",
        r#"{"a":true}"#,
        json!("read"),
        json!({"a":true}),
    );
}

#[test]
fn values_that_a_rule_passes_by_are_no_faults() {
    let file = mapping(
        "[columns]\nevent_time = \"t\"\nstatus = { path = \"a\", values = { x = \"y\" }, only_listed = true }\n",
    );
    let (_, remarks) = rows(&file, r#"{"t":"2024-01-01T00:00:00Z","a":"z"}"#);
    assert_eq!(remarks.value_unusable, 0);
}

#[test]
fn lower_keeps_the_capitals_elsewhere() {
    check("{ path = \"a\", lower = true }", "status", r#"{"a":"abc"}"#, json!("abc"), Json::Null);
    check("{ path = \"a\", lower = true }", "status", r#"{"a":"BŁĄD"}"#, json!("błąd"), json!({"a":"BŁĄD"}));
    let rule = r#"{ path = "a", lower = true, values = { "Błąd" = "failure" } }"#;
    check(rule, "outcome", r#"{"a":"BŁĄD"}"#, json!("failure"), json!({"a":"BŁĄD"}));
    check(rule, "outcome", r#"{"a":"błąd"}"#, json!("failure"), Json::Null);
}

#[test]
fn parse_json_takes_strings_apart_when_the_text_can_be_made_again() {
    let rule = r#"{ path = "a", parse_json = true }"#;
    check(rule, "object_before", r#"{"a":"{\"k\":1.50}"}"#, json!({"k":1.50}), Json::Null);
    check(rule, "object_before", r#"{"a":"{ \"k\": 1 }"}"#, json!({"k":1}), json!({"a":"{ \"k\": 1 }"}));
    check(rule, "object_before", r#"{"a":"{broken"}"#, Json::Null, json!({"a":"{broken"}));
    check(rule, "object_before", r#"{"a":{"k":1}}"#, json!({"k":1}), json!({"a":{"k":1}}));
    check("\"a\"", "object_before", r#"{"a":"{\"k\":1}"}"#, json!("{\"k\":1}"), Json::Null);
}

#[test]
fn scale_multiplies_and_keeps_what_is_finer_than_the_column() {
    let rule = "{ path = \"a\", scale = 1_000_000 }";
    check(rule, "duration_ns", r#"{"a":45}"#, json!(45_000_000), Json::Null);
    check(rule, "duration_ns", r#"{"a":0.25}"#, json!(250_000), Json::Null);
    check(rule, "duration_ns", r#"{"a":"45"}"#, json!(45_000_000), Json::Null);
    check(rule, "duration_ns", r#"{"a":0.250}"#, json!(250_000), json!({"a":0.250}));
    check(rule, "duration_ns", r#"{"a":0.0000001}"#, json!(0), json!({"a":0.000_000_1}));
    check(rule, "duration_ns", r#"{"a":9223372036854775807}"#, Json::Null, json!({"a":9_223_372_036_854_775_807_u64}));
    check(rule, "duration_ns", r#"{"a":"soon"}"#, Json::Null, json!({"a":"soon"}));
}

#[test]
fn concat_joins_and_keeps_its_parts() {
    let rule = r#"{ concat = ["a", "b.c", "d"], separator = ":" }"#;
    let body = r#"{"a":"x","b":{"c":7},"d":null}"#;
    check(rule, "event_type", body, json!("x:7"), json!({"a":"x","b":{"c":7},"d":null}));
    check(rule, "event_type", r#"{"d":"z"}"#, json!("z"), json!({"d":"z"}));
    let file = mapping(&format!("[columns]\nstatus = {rule}\n"));
    assert_eq!(row(&file, r#"{"a":[1]}"#).get("status"), None);
    let rule = r#"{ concat = ["day", "hour"], separator = " ", formats = ["%d.%m.%Y %H:%M"], zone = "Europe/Warsaw" }"#;
    let left = json!({"day":"04.03.2025","hour":"08:55"});
    check(rule, "event_time", r#"{"day":"04.03.2025","hour":"08:55"}"#, json!("2025-03-04T07:55:00Z"), left);
}

#[test]
fn times_come_in_the_forms_named() {
    let rule = r#"{ path = "a", formats = ["epoch_ms"] }"#;
    check(rule, "event_time", r#"{"a":1700000000123}"#, json!("2023-11-14T22:13:20.123Z"), Json::Null);
    check(rule, "event_time", r#"{"a":5}"#, json!("1970-01-01T00:00:00.005Z"), Json::Null);
    check(
        rule,
        "event_time",
        r#"{"a":"2024-01-01T00:00:00Z"}"#,
        json!("2026-01-02T03:04:05Z"),
        json!({"a":"2024-01-01T00:00:00Z"}),
    );
    let rule = r#"{ path = "a", formats = ["%d.%m.%Y %H:%M", "rfc3339"], zone = "Europe/Warsaw" }"#;
    check(
        rule,
        "event_time",
        r#"{"a":"11.06.2024 09:00"}"#,
        json!("2024-06-11T07:00:00Z"),
        json!({"a":"11.06.2024 09:00"}),
    );
    check(rule, "event_time", r#"{"a":"2024-06-11T07:00:00Z"}"#, json!("2024-06-11T07:00:00Z"), Json::Null);
    // The zone above the columns is that of all times; a time in UTC is told exactly.
    let file = mapping("zone = \"UTC\"\n[columns]\nevent_time = \"a\"\n");
    let got = row(&file, r#"{"a":"2020-09-04 07:06:09.681"}"#);
    assert_eq!((&got["event_time"], got.get("attributes")), (&json!("2020-09-04T07:06:09.681Z"), None));
}

#[test]
fn lists_and_maps_take_the_senders_field_names() {
    let rule = r#"{ path = "r", items = { id = "ARN", role = "type" } }"#;
    let body = r#"{"r":[{"ARN":"a1","type":"T"},{"ARN":"a2"}]}"#;
    check(rule, "related", body, json!([{"id":"a1","role":"T"},{"id":"a2"}]), Json::Null);
    let body = r#"{"r":[{"ARN":"a1","more":1}]}"#;
    check(rule, "related", body, json!([{"id":"a1"}]), json!({"r":[{"ARN":"a1","more":1}]}));
    check(rule, "related", r#"{"r":{"ARN":"a1"}}"#, Json::Null, json!({"r":{"ARN":"a1"}}));
    let rule = r#"{ path = "c", items = { path = "field", before = "old", after = "new" } }"#;
    let body = r#"{"c":[{"field":"f","old":1,"new":"x"}]}"#;
    check(rule, "changes", body, json!([{"path":"f","op":"replace","before":"1","after":"\"x\""}]), Json::Null);
    check("\"h\"", "request_headers", r#"{"h":{"a":"1"}}"#, json!({"a":"1"}), Json::Null);
    check("\"h\"", "request_headers", r#"{"h":[1]}"#, Json::Null, json!({"h":[1]}));
}

#[test]
fn related_objects_are_made_of_single_fields() {
    let file = mapping(
        "[[related]]\ntype = \"order\"\nid = \"order.id\"\nname = \"order.no\"\nrole = \"parent\"\n\
         [[related]]\ntype = \"client\"\nid = \"client\"\n",
    );
    let got = row(&file, r#"{"order":{"id":55042,"no":"A-1042","sum":1.10},"client":""}"#);
    assert_eq!(got["related"], json!([{"type":"order","id":"55042","name":"A-1042","role":"parent"}]));
    assert_eq!(got["attributes"], json!({"order":{"sum":1.10},"client":""}));
    let got = row(&file, r#"{"client":7,"order":{"no":"A-1"}}"#);
    assert_eq!(got["related"], json!([{"type":"client","id":"7"}]));
    assert_eq!(got["attributes"], json!({"order":{"no":"A-1"}}));
    assert_eq!(row(&file, "{}").get("related"), None);
}

#[test]
fn what_stands_above_the_columns_fills_what_was_not_sent() {
    let file = mapping("dataset = \"d\"\ntenant_id = \"t\"\nkeep_raw = true\n[columns]\ntenant_id = \"shop\"\n");
    let body = r#"{ "shop" : "s1", "n": 1 }"#;
    let got = row(&file, body);
    assert_eq!((&got["tenant_id"], &got["dataset"], &got["raw"]), (&json!("s1"), &json!("d"), &json!(body)));
    assert_eq!(row(&file, "{}")["tenant_id"], json!("t"));
}

#[test]
fn an_object_of_the_sender_can_be_attributes_itself() {
    let file = mapping("[columns]\nattributes = \"data\"\nobject_id = \"data.id\"\n");
    let got = row(&file, r#"{"data":{"id":1,"x":2},"y":3}"#);
    assert_eq!((&got["attributes"], &got["object_id"]), (&json!({"id":1,"x":2,"y":3}), &json!("1")));
    let got = row(&file, r#"{"data":[1],"y":3}"#);
    assert_eq!(got["attributes"], json!({"attributes":[1],"y":3}));
}

#[test]
fn a_key_sent_twice_counts_once_also_inside_objects_taken_whole() {
    let file = mapping("[columns]\nobject_after = \"a\"\nobject_id = \"a.b\"\nactor_id = \"u\"\n");
    let (got, _) = rows(&file, r#"{"a":{"b":1},"u":"x","a":{"c":2},"u":"y"}"#);
    assert_eq!(got[0].get("object_id"), None);
    assert_eq!((&got[0]["object_after"], &got[0]["actor_id"]), (&json!({"c":2}), &json!("y")));
    assert_eq!(got.len(), 1);
}
