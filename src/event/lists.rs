//! Maps and lists of structs: headers, labels, related objects, changes, attachments.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

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
    if value.shape != Shape::Object {
        return Fit::Unusable;
    }
    let list = rows.list(column);
    let first = list.items();
    let mut fit = Fit::Exact;
    for member in members(value, body) {
        fit = pair(&member, body, list, fit);
    }
    if has_twins(list, first) {
        // A map has each key once: the last one wins, as everywhere.
        list.abandon_list();
        let pairs: Vec<Member> = members(value, body).collect();
        let mut last: HashMap<Cow<'_, [u8]>, usize, FixedState> = HashMap::default();
        for (at, member) in pairs.iter().enumerate() {
            last.insert(unescaped(&member.key, body), at);
        }
        for (_, member) in pairs.iter().enumerate().filter(|(at, member)| last[&unescaped(&member.key, body)] == *at) {
            let _ = pair(member, body, list, fit);
        }
        fit = Fit::Partial;
    }
    list.end_list();
    fit
}

/// Appends one key with its value as text.
fn pair(member: &Member, body: &[u8], list: &mut ListColumn, mut fit: Fit) -> Fit {
    let item = &member.value;
    match item.shape {
        Shape::Plain | Shape::Escaped => list.text(1).push_with(|out| unescape_into(item, body, out)),
        Shape::Integer | Shape::Decimal => list.text(1).push(item.text(body)),
        Shape::Null => {}
        Shape::True | Shape::False | Shape::Object | Shape::Array => {
            fit = Fit::Partial;
            list.text(1).push_with(|out| compact_into(item, body, out));
        }
    }
    list.text(0).push_with(|out| unescape_into(&member.key, body, out));
    list.end_item();
    fit
}

/// Whether two items from `first` on have the same key.
fn has_twins(list: &ListColumn, first: usize) -> bool {
    const FEW: usize = 24;
    let items = first..list.items();
    if items.len() <= FEW {
        return items.clone().any(|a| (a + 1..items.end).any(|b| list.item_text(0, a) == list.item_text(0, b)));
    }
    let mut seen: HashSet<&[u8], FixedState> = HashSet::default();
    items.into_iter().any(|item| !seen.insert(list.item_text(0, item)))
}

/// An array of objects as a list of structs.
pub(super) fn list(value: &Value, body: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    let kind = COLUMNS[rule.column].kind;
    if value.shape != Shape::Array {
        return Fit::Unusable;
    }
    let list = rows.list(rule.column);
    let mut fit = Fit::Exact;
    for item in members(value, body) {
        if item.value.shape != Shape::Object {
            list.abandon_list();
            return Fit::Unusable;
        }
        for member in members(&item.value, body) {
            if !field(&member, body, kind, rule, list) {
                fit = Fit::Partial;
            }
        }
        if kind == Kind::Changes && !has(list, OP) {
            let op: &[u8] = match (has(list, BEFORE), has(list, AFTER)) {
                (false, _) => b"add",
                (true, false) => b"remove",
                (true, true) => b"replace",
            };
            list.text(OP).push(op);
        }
        list.end_item();
    }
    list.end_list();
    fit
}

/// Positions of the fields of a change.
const OP: usize = 1;
const BEFORE: usize = 2;
const AFTER: usize = 3;

/// Whether the item being built has field `at`.
fn has(list: &ListColumn, at: usize) -> bool {
    list.field(at).len() > list.items()
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
        return size(value, body, list) || value.shape == Shape::Null;
    }
    // The number among the fields has a column of its own, so the texts behind it move up.
    let at = if kind == Kind::Attachments && at > 3 { at - 1 } else { at };
    let items = list.items();
    let text = list.text(at);
    let first = text.len() == items;
    text.truncate(items); // of a key that stands twice the last counts
    match value.shape {
        _ if kind == Kind::Changes && matches!(name, "before" | "after") => {
            text.push_with(|out| compact_into(value, body, out));
        }
        Shape::Null => {}
        Shape::Plain | Shape::Escaped => text.push_with(|out| unescape_into(value, body, out)),
        Shape::Integer | Shape::Decimal => text.push(value.text(body)),
        _ => return false,
    }
    first
}

fn size(value: &Value, body: &[u8], list: &mut ListColumn) -> bool {
    let text = value.text(body);
    let parsed = std::str::from_utf8(text).ok().and_then(|digits| digits.parse::<i64>().ok());
    let number = parsed.filter(|_| value.shape == Shape::Integer && text[0] != b'-');
    let items = list.items();
    let sizes = list.size_field();
    let first = sizes.len() == items;
    sizes.truncate(items);
    if let Some(number) = number {
        sizes.push(number);
    }
    first && number.is_some()
}

#[cfg(test)]
mod tests;
