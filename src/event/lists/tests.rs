use super::*;
use crate::event::json::Scanner;
use crate::event::model::{find, index_of};

/// The one list of the column as `a|b|c` an item, `~` for NULL, and the fit.
fn read(column: &str, text: &str) -> (Option<Vec<String>>, Fit) {
    let at = find(column).unwrap();
    let value = Scanner::new(text.as_bytes(), 0).value().unwrap();
    let mut rows = Rows::default();
    let fit = crate::event::convert::convert(&value, text.as_bytes(), &Rule::plain(at), &mut rows);
    if !rows.is_set(at) {
        return (None, fit);
    }
    let fields = match COLUMNS[at].kind {
        Kind::TextMap => 2,
        Kind::Attachments => 6,
        _ => 4,
    };
    let list = rows.peek_list(at).unwrap();
    let shown = |item: usize| {
        let text = |at: usize| match list.field(at).is_valid(item) {
            true => String::from_utf8(list.item_text(at, item).to_vec()).unwrap(),
            false => "~".to_string(),
        };
        let mut texts: Vec<_> = (0..fields).map(text).collect();
        if fields == 6 {
            texts.insert(3, list.sizes().value(item).map_or("~".to_string(), |size| size.to_string()));
        }
        texts.join("|")
    };
    (Some(list.last_items().map(shown).collect()), fit)
}

#[track_caller]
fn check(column: &str, text: &str, want: &[&str], fit: Fit) {
    let (shown, found) = read(column, text);
    assert_eq!((shown.unwrap(), found), (want.iter().map(|item| (*item).to_string()).collect(), fit), "{text}");
}

use Fit::{Exact, Partial, Unusable};

#[test]
fn maps_hold_text() {
    check("labels", r#"{"a":"x","b":1.50,"c":null,"":"\u00e9"}"#, &["a|x", "b|1.50", "c|~", "|é"], Exact);
    check("labels", "{}", &[], Exact);
    check("labels", r#"{"a":true,"b":{"c" : 1}}"#, &["a|true", r#"b|{"c":1}"#], Partial);
    check("labels", r#"{"a":1,"b":2,"\u0061":3}"#, &["b|2", "a|3"], Partial);
    for bad in ["[]", "\"a\"", "1"] {
        assert_eq!(read("labels", bad), (None, Unusable), "{bad}");
    }
}

#[test]
fn a_map_with_many_keys_has_each_once() {
    let members: Vec<_> = (0..5_000).map(|at| format!("\"k{}\":{at}", at % 4_999)).collect();
    let (shown, fit) = read("labels", &format!("{{{}}}", members.join(",")));
    let shown = shown.unwrap();
    assert_eq!((shown.len(), shown[0].as_str(), shown[4_998].as_str(), fit), (4_999, "k1|1", "k0|4999", Partial));
}

#[test]
fn lists_hold_their_fields() {
    check("related", "[]", &[], Exact);
    check(
        "related",
        r#"[{"type":"product","id":5901234,"name":null,"role":"item"},{"id":"x"}]"#,
        &["product|5901234|~|item", "~|x|~|~"],
        Exact,
    );
    check("related", r#"[{"id":"1","sku":"s"}]"#, &["~|1|~|~"], Partial);
    check("related", r#"[{"id":{"a":1}}]"#, &["~|~|~|~"], Partial);
    check("related", r#"[{"id":"1","id":"2"}]"#, &["~|2|~|~"], Partial);
    check("related", "[{}]", &["~|~|~|~"], Exact);
    for bad in ["{}", "[1]", r#"[{"id":"1"},null]"#, r#"[{"id":"1"},[{"id":"2"}]]"#] {
        assert_eq!(read("related", bad), (None, Unusable), "{bad}");
    }
}

#[test]
fn changes_hold_json_and_know_their_op() {
    check(
        "changes",
        r#"[{"path":"a","op":"set","after":"x"},{"path":"b","before":1,"after":null}]"#,
        &[r#"a|set|~|"x""#, "b|replace|1|null"],
        Exact,
    );
    check(
        "changes",
        r#"[{"path":"a","after":{"b" : 1}},{"path":"b","before":"1"}]"#,
        &[r#"a|add|~|{"b":1}"#, r#"b|remove|"1"|~"#],
        Exact,
    );
}

#[test]
fn attachments_have_a_size() {
    let text = r#"[{"role":"export","name":"a.csv","content_type":"text/csv","size":12,"sha256":"ab","ref":"r","expires_at":"t"},{"size":null}]"#;
    check("attachments", text, &["export|a.csv|text/csv|12|ab|r|t", "~|~|~|~|~|~|~"], Exact);
    check("attachments", r#"[{"ref":"r"},{"size":9}]"#, &["~|~|~|~|~|r|~", "~|~|~|9|~|~|~"], Exact);
    for bad in ["-1", "-0", "1.5", "\"12\"", "9223372036854775808", "[]"] {
        check("attachments", &format!("[{{\"size\":{bad}}}]"), &["~|~|~|~|~|~|~"], Partial);
    }
}

#[test]
fn a_mapping_may_name_the_fields_otherwise() {
    let mut rule = Rule::plain(index_of("changes"));
    rule.items = Some(["field", "kind", "old", "new"].map(|name| name.as_bytes().to_vec()).to_vec());
    let text = br#"[{"field":"a","old":1,"new":2},{"path":"b"}]"#;
    let mut rows = Rows::default();
    let value = Scanner::new(text, 0).value().unwrap();
    assert_eq!(list(&value, text, &rule, &mut rows), Partial);
    let list = rows.peek_list(rule.column).unwrap();
    assert_eq!(
        (list.item_text(0, 0), list.item_text(1, 0), list.item_text(3, 0)),
        (&b"a"[..], &b"replace"[..], &b"2"[..])
    );
    assert!(!list.field(0).is_valid(1));
}
