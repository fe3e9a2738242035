//! Maps and lists of structs: headers, labels, related objects, changes, attachments.

use super::columns::{ListColumn, Rows};
use super::convert::Fit;
use super::json::{Member, Shape, Value, compact_into, members, unescape_into, unescaped};
use super::model::{COLUMNS, Kind};
use super::plan::Rule;
use super::schema::{ATTACHMENT_FIELDS, CHANGE_FIELDS, RELATED_FIELDS};

/// Names of the fields of a list column's items.
#[must_use]
pub(super) fn item_names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Related => &RELATED_FIELDS,
        Kind::Changes => &CHANGE_FIELDS,
        Kind::Attachments => &ATTACHMENT_FIELDS,
        _ => &[],
    }
}

/// An object as a map from text to text.
pub(super) fn map(value: &Value, body: &[u8], column: usize, rows: &mut Rows) -> Fit {
    let mut found = Vec::new();
    if value.shape != Shape::Object || members(value, body, &mut found).is_err() {
        return Fit::Unusable;
    }
    let list = rows.list(column);
    let mut fit = Fit::Exact;
    for member in &found {
        let item = &member.value;
        match item.shape {
            Shape::Plain | Shape::Escaped => list.text(1).push_with(|out| unescape_into(item, body, out)),
            Shape::Integer | Shape::Decimal => list.text(1).push(item.text(body)),
            Shape::Null => {}
            _ => {
                fit = Fit::Partial;
                list.text(1).push_with(|out| compact_into(item, body, out));
            }
        }
        list.text(0).push_with(|out| unescape_into(&member.key, body, out));
        list.end_item();
    }
    list.end_list();
    fit
}

/// An array of objects as a list of structs.
pub(super) fn list(value: &Value, body: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    let kind = COLUMNS[rule.column].kind;
    let mut items = Vec::new();
    if value.shape != Shape::Array || members(value, body, &mut items).is_err() {
        return Fit::Unusable;
    }
    let list = rows.list(rule.column);
    let mut found = Vec::new();
    let mut fit = Fit::Exact;
    for item in &items {
        if item.value.shape != Shape::Object || members(&item.value, body, &mut found).is_err() {
            list.abandon_list();
            return Fit::Unusable;
        }
        for member in &found {
            if !field(member, body, kind, rule, list) {
                fit = Fit::Partial;
            }
        }
        if kind == Kind::Changes && !names(&found, body, rule, "op") {
            let op = derived_op(names(&found, body, rule, "before"), names(&found, body, rule, "after"));
            list.text(1).push(op);
        }
        list.end_item();
    }
    list.end_list();
    fit
}

/// The op of a change that came without one.
fn derived_op(before: bool, after: bool) -> &'static [u8] {
    match (before, after) {
        (false, _) => b"add",
        (true, false) => b"remove",
        (true, true) => b"replace",
    }
}

fn names(found: &[Member], body: &[u8], rule: &Rule, field: &str) -> bool {
    let at = CHANGE_FIELDS.iter().position(|name| *name == field).unwrap_or(0);
    found.iter().any(|member| position(member, body, Kind::Changes, rule) == Some(at))
}

fn position(member: &Member, body: &[u8], kind: Kind, rule: &Rule) -> Option<usize> {
    let key = unescaped(&member.key, body);
    match &rule.items {
        Some(theirs) => theirs.iter().position(|name| **name == *key),
        None => item_names(kind).iter().position(|name| name.as_bytes() == &*key),
    }
}

/// Puts one member of an item into its field; says whether the field tells exactly what was sent.
fn field(member: &Member, body: &[u8], kind: Kind, rule: &Rule, list: &mut ListColumn) -> bool {
    let Some(at) = position(member, body, kind, rule) else { return false };
    let value = &member.value;
    let name = item_names(kind)[at];
    if name == "size" {
        return value.shape == Shape::Null || size(value, body, list);
    }
    // The number among the fields has a column of its own, so the texts behind it move up.
    let at = if kind == Kind::Attachments && at > 3 { at - 1 } else { at };
    let text = list.text(at);
    if text.len() > list.items() {
        return false; // the same key twice in one item
    }
    let text = list.text(at);
    match value.shape {
        _ if kind == Kind::Changes && matches!(name, "before" | "after") => {
            text.push_with(|out| compact_into(value, body, out));
        }
        Shape::Null => {}
        Shape::Plain | Shape::Escaped => text.push_with(|out| unescape_into(value, body, out)),
        Shape::Integer | Shape::Decimal => text.push(value.text(body)),
        _ => return false,
    }
    true
}

fn size(value: &Value, body: &[u8], list: &mut ListColumn) -> bool {
    let parsed = std::str::from_utf8(value.text(body)).ok().and_then(|digits| digits.parse::<i64>().ok());
    let Some(number) = parsed.filter(|number| value.shape == Shape::Integer && *number >= 0) else { return false };
    if list.size_field().len() > list.items() {
        return false;
    }
    list.size_field().push(number);
    true
}
