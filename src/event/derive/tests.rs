use super::*;
use crate::event::columns::Rows;

fn row(before: &str, after: &str) -> Rows {
    let mut rows = Rows::default();
    rows.text(BEFORE).push(before.as_bytes());
    rows.text(AFTER).push(after.as_bytes());
    Differ::default().derive(&mut rows);
    rows
}

/// The changes of the one row as `path op before after`, `~` for NULL.
fn changes(rows: &Rows) -> Vec<String> {
    let list = rows.peek_list(CHANGES).unwrap();
    let text = |at, item| String::from_utf8(list.item_text(at, item).to_vec()).unwrap();
    let or_null = |at, item| Some(text(at, item)).filter(|text| !text.is_empty()).unwrap_or_else(|| "~".to_string());
    list.last_items()
        .map(|item| format!("{} {} {} {}", text(0, item), text(1, item), or_null(2, item), or_null(3, item)))
        .collect()
}

#[track_caller]
fn check(before: &str, after: &str, want: &[&str]) {
    let rows = row(before, after);
    assert_eq!(changes(&rows), want, "{before} → {after}");
    let fields = rows.peek_list(CHANGED_FIELDS).unwrap();
    let paths: Vec<_> = fields.last_items().map(|item| fields.item_text(0, item).to_vec()).collect();
    let wanted: Vec<_> = want.iter().map(|change| change.split(' ').next().unwrap().as_bytes().to_vec()).collect();
    assert_eq!(paths, wanted);
}

#[test]
fn snapshots_become_changes() {
    check(r#"{"a":1,"b":2}"#, r#"{"b":3,"c":4}"#, &["a remove 1 ~", "b replace 2 3", "c add ~ 4"]);
    check(r#"{"z":1,"a":1}"#, r#"{"z":2,"a":2}"#, &["a replace 1 2", "z replace 1 2"]);
    check(
        r#"{"a":{"b":{"c":1}},"d":[1]}"#,
        r#"{"a":{"b":{"c":2,"e":null}},"d":[1,2]}"#,
        &["a.b.c replace 1 2", "a.b.e add ~ null", "d replace [1] [1,2]"],
    );
    check(r#"{"a":{"b":1}}"#, r#"{"a":1}"#, &[r#"a replace {"b":1} 1"#]);
    check(r#"{"a":"1"}"#, r#"{"a":1}"#, &[r#"a replace "1" 1"#]);
    check(r#"{"a":"\u0041"}"#, r#"{"a":"A"}"#, &[]);
    check(r#"{"\u0061":1}"#, r#"{"a":2}"#, &["a replace 1 2"]);
    check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#, &[]);
    check("{}", "{}", &[]);
    check("{}", r#"{"":0}"#, &[" add ~ 0"]);
}

#[test]
fn snapshots_that_are_no_objects_give_no_changes() {
    for (before, after) in [("[1]", "[2]"), ("1", "{}"), ("{}", "\"x\"")] {
        assert!(!row(before, after).is_set(CHANGES), "{before} → {after}");
    }
}

#[test]
fn body_sizes_are_those_of_the_text() {
    let mut rows = Rows::default();
    let (body, size) = BODIES[0];
    rows.text(body).push("zażółć".as_bytes());
    Differ::default().derive(&mut rows);
    assert_eq!(rows.i64s(size).values(), [10]);
}

#[test]
fn references_name_the_object_and_then_the_related_ones() {
    let refs = |object: Option<(&str, &str)>, related: &[(&str, &str)]| {
        let mut rows = Rows::default();
        if let Some((kind, id)) = object {
            rows.text(OBJECT_TYPE).push(kind.as_bytes());
            rows.text(OBJECT_ID).push(id.as_bytes());
        }
        for (kind, id) in related {
            rows.list(RELATED).text(0).push(kind.as_bytes());
            rows.list(RELATED).text(1).push(id.as_bytes());
            rows.list(RELATED).end_item();
        }
        if !related.is_empty() {
            rows.list(RELATED).end_list();
        }
        Differ::default().derive(&mut rows);
        let list = rows.peek_list(OBJECT_REFS).unwrap();
        list.last_items().map(|item| String::from_utf8(list.item_text(0, item).to_vec()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(
        refs(Some(("order", "7")), &[("customer", "12"), ("item", "a:b")]),
        ["order:7", "customer:12", "item:a:b"]
    );
    assert_eq!(refs(Some(("order", "-")), &[("customer", "12")]), ["customer:12"]);
    assert!(refs(None, &[]).is_empty());
}

#[test]
fn paths_cannot_outgrow_their_snapshots() {
    let key = "k".repeat(20_000);
    let members: Vec<_> = (0..2_000).map(|at| format!("\"{at}\":0")).collect();
    let before = format!("{{\"{key}\":{{{}}}}}", members.join(","));
    let mut rows = Rows::default();
    rows.text(BEFORE).push(before.as_bytes());
    rows.text(AFTER).push(format!("{{\"{key}\":{{}}}}").as_bytes());
    assert!(!Differ::default().derive(&mut rows));
    assert!(!rows.is_set(CHANGES) && !rows.is_set(CHANGED_FIELDS));
    rows.end_row();
    assert!(rows.size() < 200_000, "{}", rows.size());
}
