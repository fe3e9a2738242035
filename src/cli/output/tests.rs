use serde_json::json;

use super::*;

fn table(rows: &[&[Option<&str>]]) -> Table {
    let columns = vec![Column { name: "name".into(), right: false }, Column { name: "count".into(), right: true }];
    let rows = rows.iter().map(|row| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect();
    Table { columns, rows }
}

#[test]
fn numbers_stand_right_and_null_is_not_text() {
    let table = table(&[&[Some("orders"), Some("7")], &[Some("NULL"), Some("1234")], &[None, None], &[Some(""), None]]);
    insta::assert_snapshot!(table.render(None), @r"
    ┌────────┬───────┐
    │ name   ┆ count │
    ╞════════╪═══════╡
    │ orders ┆     7 │
    │ NULL   ┆  1234 │
    │ ∅      ┆     ∅ │
    │        ┆     ∅ │
    └────────┴───────┘
    ");
}

#[test]
fn a_narrow_terminal_gets_lists() {
    let table = table(&[&[Some("orders"), Some("7")]]);
    assert_eq!(table.render(Some(17)), "─── row 1\nname  │ orders\ncount │ 7\n");
    assert!(table.render(Some(30)).starts_with('┌'));
}

#[test]
fn text_cannot_drive_the_terminal() {
    assert_eq!(shown("a\u{1b}[2Jb\nc\u{202e}d", 100), "a\\u{1b}[2Jb\\nc\\u{202e}d");
    assert_eq!(shown("żółć", 4), "żółć");
    assert_eq!(shown("żółćx", 4), "żół…");
}

#[test]
fn documents_become_tables() {
    let projects = json!([{ "name": "a" }, { "name": "b", "events": 3 }]);
    insta::assert_snapshot!(document(&projects, None), @r"
    ┌──────┬────────┐
    │ name ┆ events │
    ╞══════╪════════╡
    │ a    ┆      ∅ │
    │ b    ┆      3 │
    └──────┴────────┘
    ");
    assert_eq!(
        document(&json!({ "files": 3, "note": null, "list": [1, 2] }), None),
        "files: 3\nnote: ∅\nlist: [1,2]\n"
    );
}

#[test]
fn cells_keep_every_digit() {
    let row: Value =
        serde_json::from_str(r#"["9223372036854775807", 9223372036854775807, 1.5, true, null, {"a":[1]}]"#).unwrap();
    let cells: Vec<_> = row.as_array().unwrap().iter().map(cell).collect();
    let want = ["9223372036854775807", "9223372036854775807", "1.5", "true", "-", r#"{"a":[1]}"#];
    for (cell, want) in cells.iter().zip(want) {
        assert_eq!(cell.as_deref().unwrap_or("-"), want);
    }
}
