//! Columns computed at ingest: `changes` from two snapshots, `changed_fields`, `object_refs`, body
//! sizes. Part of the interpretation of a frame: a change here needs a new parser version.

use super::columns::{ColumnData, ListColumn, Rows};
use super::json::{Member, Scanner, Shape, Value, compact_into, members, unescaped};
use super::model::index_of;

const OBJECT_TYPE: usize = index_of("object_type");
const OBJECT_ID: usize = index_of("object_id");
const RELATED: usize = index_of("related");
const OBJECT_REFS: usize = index_of("object_refs");
const BEFORE: usize = index_of("object_before");
const AFTER: usize = index_of("object_after");
const CHANGES: usize = index_of("changes");
const CHANGED_FIELDS: usize = index_of("changed_fields");
const BODIES: [(usize, usize); 2] = [
    (index_of("request_body"), index_of("request_body_size")),
    (index_of("response_body"), index_of("response_body_size")),
];

/// Scratch memory of the diff, so that it allocates once and not per row.
#[derive(Debug, Default)]
pub struct Differ {
    before: Vec<u8>,
    after: Vec<u8>,
    path: Vec<u8>,
}

/// Fills the derived columns of the row being built.
pub fn derive(differ: &mut Differ, rows: &mut Rows) {
    if !rows.is_set(CHANGES) && rows.is_set(BEFORE) && rows.is_set(AFTER) {
        differ.changes(rows);
    }
    if rows.is_set(CHANGES) {
        changed_fields(rows);
    }
    object_refs(rows);
    for (body, size) in BODIES {
        if rows.is_set(body) && !rows.is_set(size) {
            let bytes = i64::try_from(rows.current_text(body).len()).unwrap_or(i64::MAX);
            rows.i64s(size).push(bytes);
        }
    }
}

/// `type:id` of the object (with an id other than `-`), then of each related one.
fn object_refs(rows: &mut Rows) {
    let mut refs: Vec<Vec<u8>> = Vec::new();
    if rows.is_set(OBJECT_ID) && rows.current_text(OBJECT_ID) != b"-" {
        refs.push([rows.current_text(OBJECT_TYPE), b":", rows.current_text(OBJECT_ID)].concat());
    }
    if rows.is_set(RELATED)
        && let Some(list) = rows.peek_list(RELATED)
    {
        refs.extend(list.last_items().map(|item| [list.item_text(0, item), b":", list.item_text(1, item)].concat()));
    }
    let out = rows.list(OBJECT_REFS);
    for text in &refs {
        out.text(0).push(text);
        out.end_item();
    }
    out.end_list();
}

/// The paths in `changes`, in their order.
fn changed_fields(rows: &mut Rows) {
    let Some(list) = rows.peek_list(CHANGES) else { return };
    let paths: Vec<Vec<u8>> = list.last_items().map(|item| list.item_text(0, item).to_vec()).collect();
    let out = rows.list(CHANGED_FIELDS);
    for path in &paths {
        out.text(0).push(path);
        out.end_item();
    }
    out.end_list();
}

impl Differ {
    /// Changes between two snapshots that are objects; any others have no fields to compare.
    fn changes(&mut self, rows: &mut Rows) {
        self.before.clear();
        self.before.extend_from_slice(rows.current_text(BEFORE));
        self.after.clear();
        self.after.extend_from_slice(rows.current_text(AFTER));
        let (Some(before), Some(after)) = (whole_object(&self.before), whole_object(&self.after)) else { return };
        self.path.clear();
        let ColumnData::List(list) = rows.column(CHANGES) else { return };
        diff(
            &Side { value: before, body: &self.before },
            &Side { value: after, body: &self.after },
            &mut self.path,
            list,
        );
        list.end_list();
    }
}

struct Side<'b> {
    value: Value,
    body: &'b [u8],
}

fn whole_object(text: &[u8]) -> Option<Value> {
    Scanner::new(text, 0).value().ok().filter(|value| value.shape == Shape::Object)
}

/// Walks two objects, keys in sorted order; arrays are compared as one value.
fn diff(before: &Side<'_>, after: &Side<'_>, path: &mut Vec<u8>, out: &mut ListColumn) {
    let (left, right) = (sorted(before), sorted(after));
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        let order = match (left.get(l), right.get(r)) {
            (Some((a, _)), Some((b, _))) => a.cmp(b),
            (Some(_), None) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        let key = if order.is_gt() { &right[r].0 } else { &left[l].0 };
        let outer = path.len();
        if outer > 0 {
            path.push(b'.');
        }
        path.extend_from_slice(key);
        match order {
            std::cmp::Ordering::Less => change(path, b"remove", Some((&left[l].1, before.body)), None, out),
            std::cmp::Ordering::Greater => change(path, b"add", None, Some((&right[r].1, after.body)), out),
            std::cmp::Ordering::Equal => both(before, &left[l].1, after, &right[r].1, (&mut *path, &mut *out)),
        }
        path.truncate(outer);
        l += usize::from(order.is_le());
        r += usize::from(order.is_ge());
    }
}

fn both(before: &Side<'_>, old: &Value, after: &Side<'_>, new: &Value, (path, out): (&mut Vec<u8>, &mut ListColumn)) {
    if old.shape == Shape::Object && new.shape == Shape::Object {
        if old.text(before.body) != new.text(after.body) {
            diff(&Side { value: *old, body: before.body }, &Side { value: *new, body: after.body }, path, out);
        }
    } else if !same(old, before.body, new, after.body) {
        change(path, b"replace", Some((old, before.body)), Some((new, after.body)), out);
    }
}

/// Equal as JSON text; strings also where one is written with other escapes.
fn same(old: &Value, before: &[u8], new: &Value, after: &[u8]) -> bool {
    if old.is_text() && new.is_text() {
        return unescaped(old, before) == unescaped(new, after);
    }
    old.text(before) == new.text(after)
}

/// Members with their keys' characters, in the order of these; of a key that stands twice, the last.
fn sorted(side: &Side<'_>) -> Vec<(Vec<u8>, Value)> {
    let mut found: Vec<Member> = Vec::new();
    if members(&side.value, side.body, &mut found).is_err() {
        return Vec::new();
    }
    let mut keyed: Vec<_> =
        found.iter().rev().map(|member| (unescaped(&member.key, side.body).into_owned(), member.value)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    keyed.dedup_by(|later, kept| later.0 == kept.0);
    keyed
}

fn change(path: &[u8], op: &[u8], old: Option<(&Value, &[u8])>, new: Option<(&Value, &[u8])>, out: &mut ListColumn) {
    out.text(0).push(path);
    out.text(1).push(op);
    for (at, side) in [(2, old), (3, new)] {
        if let Some((value, body)) = side {
            out.text(at).push_with(|text| compact_into(value, body, text));
        }
    }
    out.end_item();
}

#[cfg(test)]
mod tests;
