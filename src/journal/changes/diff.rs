//! The differences of two JSON values.
//!
//! [`diff`] is the rule by which ingest fills the column `changes`: objects are walked, keys in sorted order; an
//! array is one value. [`parts`] looks further into a change of one value, also into arrays of objects.

use std::cmp::Ordering;

use super::{Change, Op};
use crate::journal::tree::{Node, Object};

/// Differences of two objects.
#[must_use]
pub fn diff(before: &Object, after: &Object) -> Vec<Change> {
    let mut walk = Walk { path: String::new(), into_arrays: false, found: Vec::new() };
    walk.objects(before, after);
    walk.found
}

/// What differs inside of a value that was replaced: the members of its objects, and the items of its arrays by
/// number where they are objects or arrays themselves. Nothing where both are plain.
#[must_use]
pub fn parts(path: &str, before: &Node, after: &Node) -> Vec<Change> {
    let mut walk = Walk { path: path.to_owned(), into_arrays: true, found: Vec::new() };
    if is_walked(before, after) {
        walk.inside(before, after);
    }
    walk.found
}

/// Whether two values are compared part by part: two objects, or two arrays of which one holds objects or arrays.
pub(super) fn is_walked(before: &Node, after: &Node) -> bool {
    match (before, after) {
        (Node::Object(_), Node::Object(_)) => true,
        (Node::Array(a), Node::Array(b)) => a.iter().chain(b).any(Node::is_composite),
        _ => false,
    }
}

/// Keys of two objects in sorted order, with the values that each has.
pub(super) fn merged<'a>(
    before: &'a Object,
    after: &'a Object,
) -> impl Iterator<Item = (&'a str, Option<&'a Node>, Option<&'a Node>)> {
    let mut left = before.sorted_keys().into_iter().peekable();
    let mut right = after.sorted_keys().into_iter().peekable();
    std::iter::from_fn(move || {
        let order = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) => l.cmp(r),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        let key = match order {
            Ordering::Greater => right.next(),
            Ordering::Less => left.next(),
            Ordering::Equal => right.next().and(left.next()),
        }?;
        Some((key, before.get(key), after.get(key)))
    })
}

struct Walk {
    path: String,
    into_arrays: bool,
    found: Vec<Change>,
}

impl Walk {
    fn objects(&mut self, before: &Object, after: &Object) {
        for (key, old, new) in merged(before, after) {
            self.below(key, old, new);
        }
    }

    fn inside(&mut self, before: &Node, after: &Node) {
        match (before, after) {
            (Node::Object(old), Node::Object(new)) => self.objects(old, new),
            (Node::Array(old), Node::Array(new)) => {
                for at in 0..old.len().max(new.len()) {
                    self.below(&at.to_string(), old.get(at), new.get(at));
                }
            }
            _ => {}
        }
    }

    /// Compares what is under `key`.
    fn below(&mut self, key: &str, old: Option<&Node>, new: Option<&Node>) {
        let outer = self.path.len();
        if outer > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        match (old, new) {
            (Some(old), Some(new)) if old.same(new) => {}
            (Some(old @ Node::Object(_)), Some(new @ Node::Object(_))) => self.inside(old, new),
            (Some(old), Some(new)) if self.into_arrays && is_walked(old, new) => self.inside(old, new),
            _ => self.change(old, new),
        }
        self.path.truncate(outer);
    }

    fn change(&mut self, old: Option<&Node>, new: Option<&Node>) {
        let op = match (old, new) {
            (Some(_), Some(_)) => Op::Replace,
            (Some(_), None) => Op::Remove,
            _ => Op::Add,
        };
        self.found.push(Change { path: self.path.clone(), op, before: old.cloned(), after: new.cloned() });
    }
}
