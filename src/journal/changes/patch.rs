//! Changes as a JSON Patch (RFC 6902).
//!
//! Where both snapshots are known the patch turns the one into the other. Where only paths are, `a.b.c` becomes
//! `/a/b/c`; a point that belongs to a key is recognised by a snapshot that has that key.

use serde::Serialize;

use super::diff::{is_walked, merged};
use super::{Change, Op};
use crate::journal::tree::{Node, Object};

/// One operation of a patch.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PatchStep {
    /// `add`, `remove` or `replace`.
    #[schema(value_type = String)]
    pub op: &'static str,
    /// JSON Pointer (RFC 6901).
    pub path: String,
    /// The new value; absent for `remove`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub value: Option<Node>,
}

/// The patch that turns `before` into `after`.
#[must_use]
pub fn patch(before: &Object, after: &Object) -> Vec<PatchStep> {
    let mut steps = Vec::new();
    objects(&mut String::new(), before, after, &mut steps);
    steps
}

/// A patch of changes whose snapshots are not known, or say less.
#[must_use]
pub fn patch_of(changes: &[Change], snapshots: &[&Node]) -> Vec<PatchStep> {
    let mut steps = Vec::new();
    for change in changes {
        let mut pointer = pointer_of(&change.path, snapshots);
        match (change.op, &change.before, &change.after) {
            (Op::Replace, Some(before), Some(after)) => values(&mut pointer, before, after, &mut steps),
            (Op::Remove, ..) | (_, _, None) => steps.push(PatchStep { op: "remove", path: pointer, value: None }),
            (Op::Replace, None, after) => steps.push(PatchStep { op: "replace", path: pointer, value: after.clone() }),
            (Op::Add | Op::Set, _, after) => steps.push(PatchStep { op: "add", path: pointer, value: after.clone() }),
        }
    }
    steps
}

fn objects(pointer: &mut String, before: &Object, after: &Object, steps: &mut Vec<PatchStep>) {
    for (key, old, new) in merged(before, after) {
        let outer = pointer.len();
        push(pointer, key);
        match (old, new) {
            (Some(old), Some(new)) => values(pointer, old, new, steps),
            (Some(_), None) => steps.push(PatchStep { op: "remove", path: pointer.clone(), value: None }),
            (None, new) => steps.push(PatchStep { op: "add", path: pointer.clone(), value: new.cloned() }),
        }
        pointer.truncate(outer);
    }
}

fn values(pointer: &mut String, before: &Node, after: &Node, steps: &mut Vec<PatchStep>) {
    if before.same(after) {
        return;
    }
    match (before, after) {
        (Node::Object(old), Node::Object(new)) => objects(pointer, old, new, steps),
        (Node::Array(old), Node::Array(new)) if is_walked(before, after) => arrays(pointer, old, new, steps),
        _ => steps.push(PatchStep { op: "replace", path: pointer.clone(), value: Some(after.clone()) }),
    }
}

fn arrays(pointer: &mut String, before: &[Node], after: &[Node], steps: &mut Vec<PatchStep>) {
    let outer = pointer.len();
    for (at, (old, new)) in before.iter().zip(after).enumerate() {
        push(pointer, &at.to_string());
        values(pointer, old, new, steps);
        pointer.truncate(outer);
    }
    // From the end: each removal moves what follows.
    for at in (after.len()..before.len()).rev() {
        steps.push(PatchStep { op: "remove", path: format!("{pointer}/{at}"), value: None });
    }
    for (at, new) in after.iter().enumerate().skip(before.len()) {
        steps.push(PatchStep { op: "add", path: format!("{pointer}/{at}"), value: Some(new.clone()) });
    }
}

fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// The pointer of a path of ours.
fn pointer_of(path: &str, snapshots: &[&Node]) -> String {
    let mut pointer = String::new();
    for key in keys_of(path, snapshots) {
        push(&mut pointer, &key);
    }
    pointer
}

/// The keys of a path: the longest that a snapshot has, else what stands between two points.
pub(crate) fn keys_of(path: &str, snapshots: &[&Node]) -> Vec<String> {
    let mut at: Vec<&Node> = snapshots.to_vec();
    let mut keys = Vec::new();
    let mut rest = path;
    loop {
        let known = |key: &str| at.iter().any(|node| matches!(node, Node::Object(object) if object.get(key).is_some()));
        let whole = known(rest).then_some(rest.len());
        let end = whole.or_else(|| rest.rmatch_indices('.').map(|(end, _)| end).find(|end| known(&rest[..*end])));
        let end = end.or_else(|| rest.find('.')).unwrap_or(rest.len());
        let key = &rest[..end];
        at = at.iter().filter_map(|node| below(node, key)).collect();
        keys.push(key.to_owned());
        match rest.get(end + 1..) {
            Some(more) if end < rest.len() => rest = more,
            _ => return keys,
        }
    }
}

fn below<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match node {
        Node::Object(object) => object.get(key),
        Node::Array(items) => items.get(key.parse::<usize>().ok()?),
        Node::Leaf(_) => None,
    }
}
