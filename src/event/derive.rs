//! Columns computed at ingest: `changes` from two snapshots, `changed_fields`, `object_refs`, body
//! sizes. Part of the interpretation of a frame: a change here needs a new parser version.

use std::cmp::Ordering;

use super::columns::{ColumnData, ListColumn, Rows};
use super::json::{Scanner, Shape, Value, members, unescape_into, unescaped};
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

/// How many times the size of two snapshots the paths of their differences may take.
const PATHS_FACTOR: usize = 2;
/// And how many bytes at least: small snapshots have short paths.
const PATHS_MIN: usize = 128;

/// Scratch memory of the derivations, so that they allocate once and not per row.
#[derive(Debug, Default)]
pub struct Differ {
    before: Vec<u8>,
    after: Vec<u8>,
    path: Vec<u8>,
    /// Members of the objects being compared, the innermost pair last.
    fields: Vec<Field>,
    /// Characters of keys that have escapes.
    keys: Vec<u8>,
    /// Bytes of paths that may still be written.
    budget: usize,
    texts: Vec<u8>,
    ends: Vec<usize>,
}

/// One member of a snapshot.
#[derive(Debug, Clone, Copy)]
struct Field {
    key: (u32, u32),
    /// Whether the key lies in [`Differ::keys`] and not in the snapshot.
    escaped: bool,
    value: Value,
}

/// Which snapshot a value lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

impl Differ {
    /// Fills the derived columns of the row being built; false when the changes of two snapshots
    /// were left out because their paths would take many times the snapshots' size.
    pub fn derive(&mut self, rows: &mut Rows) -> bool {
        let mut complete = true;
        if rows.is_set(AFTER) && rows.is_set(BEFORE) && !rows.is_set(CHANGES) {
            complete = self.changes(rows);
        }
        if rows.is_set(CHANGES) {
            self.changed_fields(rows);
        }
        self.object_refs(rows);
        for (body, size) in BODIES {
            if rows.is_set(body) && !rows.is_set(size) {
                let bytes = i64::try_from(rows.current_text(body).len()).unwrap_or(i64::MAX);
                rows.i64s(size).push(bytes);
            }
        }
        complete
    }

    /// `type:id` of the object (with an id other than `-`), then of each related one that has an id.
    fn object_refs(&mut self, rows: &mut Rows) {
        self.texts.clear();
        self.ends.clear();
        let (id, kind) = (rows.current_text(OBJECT_ID), rows.current_text(OBJECT_TYPE));
        if rows.is_set(OBJECT_ID) && id != b"-" {
            self.reference(kind, id);
        }
        if rows.is_set(RELATED)
            && let Some(list) = rows.peek_list(RELATED)
        {
            for item in list.last_items().filter(|item| list.field(1).is_valid(*item)) {
                self.reference(list.item_text(0, item), list.item_text(1, item));
            }
        }
        self.put_list(rows.list(OBJECT_REFS));
    }

    fn reference(&mut self, kind: &[u8], id: &[u8]) {
        self.texts.extend_from_slice(kind);
        self.texts.push(b':');
        self.texts.extend_from_slice(id);
        self.ends.push(self.texts.len());
    }

    /// The paths in `changes`, in their order.
    fn changed_fields(&mut self, rows: &mut Rows) {
        self.texts.clear();
        self.ends.clear();
        let Some(list) = rows.peek_list(CHANGES) else { return };
        for item in list.last_items() {
            self.texts.extend_from_slice(list.item_text(0, item));
            self.ends.push(self.texts.len());
        }
        self.put_list(rows.list(CHANGED_FIELDS));
    }

    fn put_list(&self, out: &mut ListColumn) {
        let mut start = 0;
        for &end in &self.ends {
            out.text(0).push(&self.texts[start..end]);
            out.end_item();
            start = end;
        }
        out.end_list();
    }

    /// Changes between two snapshots that are objects; any others have no fields to compare.
    fn changes(&mut self, rows: &mut Rows) -> bool {
        let (before, after) = (rows.current_text(BEFORE), rows.current_text(AFTER));
        let (Some(old), Some(new)) = (whole_object(before), whole_object(after)) else { return true };
        self.before.clear();
        self.before.extend_from_slice(before);
        self.after.clear();
        self.after.extend_from_slice(after);
        self.path.clear();
        self.fields.clear();
        self.keys.clear();
        self.budget = PATHS_FACTOR * (before.len() + after.len()) + PATHS_MIN;
        let ColumnData::List(list) = rows.column(CHANGES) else { return true };
        let complete = self.diff(&old, &new, list);
        if complete {
            list.end_list();
        } else {
            list.abandon_list();
        }
        complete
    }

    /// Walks two objects, keys in sorted order; arrays are compared as one value.
    fn diff(&mut self, before: &Value, after: &Value, out: &mut ListColumn) -> bool {
        let (base, keys_base) = (self.fields.len(), self.keys.len());
        let left = self.sorted(before, Side::Before);
        let right = self.sorted(after, Side::After);
        let (mut l, mut r) = (left.start, right.start);
        let mut complete = true;
        while complete && (l < left.end || r < right.end) {
            let order = match (l < left.end, r < right.end) {
                (true, true) => self.key(l, Side::Before).cmp(self.key(r, Side::After)),
                (true, false) => Ordering::Less,
                _ => Ordering::Greater,
            };
            let outer = self.path.len();
            if outer > 0 {
                self.path.push(b'.');
            }
            let (at, side) = if order.is_gt() { (r, Side::After) } else { (l, Side::Before) };
            self.push_key(at, side);
            complete = match order {
                Ordering::Less => self.change(b"remove", Some(l), None, out),
                Ordering::Greater => self.change(b"add", None, Some(r), out),
                Ordering::Equal => self.both(l, r, out),
            };
            self.path.truncate(outer);
            l += usize::from(order.is_le());
            r += usize::from(order.is_ge());
        }
        self.fields.truncate(base);
        self.keys.truncate(keys_base);
        complete
    }

    /// Appends the members in the order of their keys; of a key that stands twice, the last.
    fn sorted(&mut self, object: &Value, side: Side) -> std::ops::Range<usize> {
        let start = self.fields.len();
        let body = if side == Side::Before { &self.before } else { &self.after };
        for member in members(object, body) {
            let escaped = member.key.shape == Shape::Escaped;
            let key = if escaped {
                let from = self.keys.len();
                unescape_into(&member.key, body, &mut self.keys);
                (short(from), short(self.keys.len()))
            } else {
                (member.key.start + 1, member.key.end - 1)
            };
            self.fields.push(Field { key, escaped, value: member.value });
        }
        let keys = &self.keys;
        let text = |field: &Field| {
            let (from, to) = (field.key.0 as usize, field.key.1 as usize);
            if field.escaped { &keys[from..to] } else { &body[from..to] }
        };
        let found = &mut self.fields[start..];
        if !found.is_sorted_by(|a, b| text(a) < text(b)) {
            found.sort_unstable_by(|a, b| text(a).cmp(text(b)).then(b.value.start.cmp(&a.value.start)));
            let mut kept = 1;
            for at in 1..found.len() {
                if text(&found[at]) != text(&found[kept - 1]) {
                    found[kept] = found[at];
                    kept += 1;
                }
            }
            self.fields.truncate(start + kept);
        }
        start..self.fields.len()
    }

    fn key(&self, at: usize, side: Side) -> &[u8] {
        let field = &self.fields[at];
        let text = match (field.escaped, side) {
            (true, _) => &self.keys,
            (false, Side::Before) => &self.before,
            (false, Side::After) => &self.after,
        };
        &text[field.key.0 as usize..field.key.1 as usize]
    }

    fn push_key(&mut self, at: usize, side: Side) {
        let mut path = std::mem::take(&mut self.path);
        path.extend_from_slice(self.key(at, side));
        self.path = path;
    }

    fn both(&mut self, l: usize, r: usize, out: &mut ListColumn) -> bool {
        let (old, new) = (self.fields[l].value, self.fields[r].value);
        if same(&old, &self.before, &new, &self.after) {
            true
        } else if old.shape == Shape::Object && new.shape == Shape::Object {
            self.diff(&old, &new, out)
        } else {
            self.change(b"replace", Some(l), Some(r), out)
        }
    }

    fn change(&mut self, op: &[u8], old: Option<usize>, new: Option<usize>, out: &mut ListColumn) -> bool {
        if self.path.len() > self.budget {
            return false;
        }
        self.budget -= self.path.len();
        out.text(0).push(&self.path);
        out.text(1).push(op);
        // The snapshots are compact already.
        if let Some(at) = old {
            out.text(2).push(self.fields[at].value.text(&self.before));
        }
        if let Some(at) = new {
            out.text(3).push(self.fields[at].value.text(&self.after));
        }
        out.end_item();
        true
    }
}

fn whole_object(text: &[u8]) -> Option<Value> {
    Scanner::new(text, 0).value().ok().filter(|value| value.shape == Shape::Object)
}

/// Equal as JSON text; strings also where one is written with other escapes.
fn same(old: &Value, before: &[u8], new: &Value, after: &[u8]) -> bool {
    if old.shape == Shape::Escaped || new.shape == Shape::Escaped {
        return old.is_text() && new.is_text() && unescaped(old, before) == unescaped(new, after);
    }
    old.text(before) == new.text(after)
}

/// Bodies are limited far below 4 GiB.
fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
