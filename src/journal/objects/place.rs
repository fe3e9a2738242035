//! Setting and removing what stands at a path of ours (`a.b.c`) in an object.
//!
//! Items of arrays are addressed by their number, or by the `id` that they have as objects.

use crate::journal::changes::keys_of;
use crate::journal::tree::{Node, Object, quoted};

/// Sets the value at `path`; objects on the way are made. False where an array has no such item.
pub(super) fn set(object: &mut Object, path: &str, value: Node) -> bool {
    let mut root = Node::Object(std::mem::take(object));
    let keys = keys_of(path, &[&root]);
    let done = set_in(&mut root, &keys, value);
    give_back(object, root);
    done
}

/// Removes what is at `path`; false where nothing is.
pub(super) fn remove(object: &mut Object, path: &str) -> bool {
    let mut root = Node::Object(std::mem::take(object));
    let keys = keys_of(path, &[&root]);
    let done = remove_in(&mut root, &keys);
    give_back(object, root);
    done
}

fn give_back(object: &mut Object, root: Node) {
    if let Node::Object(root) = root {
        *object = root;
    }
}

fn set_in(node: &mut Node, keys: &[String], value: Node) -> bool {
    let Some((key, rest)) = keys.split_first() else {
        *node = value;
        return true;
    };
    if let Node::Leaf(_) = node {
        *node = Node::Object(Object::default());
    }
    match node {
        Node::Array(items) => match item_of(items, key) {
            Some(at) => set_in(&mut items[at], rest, value),
            None if rest.is_empty() && key.parse() == Ok(items.len()) => {
                items.push(value);
                true
            }
            None => false,
        },
        Node::Object(object) => {
            if object.get(key).is_none() {
                object.insert(key.clone(), Node::Leaf("null".into()));
            }
            object.get_mut(key).is_some_and(|inner| set_in(inner, rest, value))
        }
        Node::Leaf(_) => false,
    }
}

fn remove_in(node: &mut Node, keys: &[String]) -> bool {
    let Some((key, rest)) = keys.split_first() else { return false };
    match node {
        Node::Array(items) => match item_of(items, key) {
            Some(at) if rest.is_empty() => {
                items.remove(at);
                true
            }
            Some(at) => remove_in(&mut items[at], rest),
            None => false,
        },
        Node::Object(object) if rest.is_empty() => object.remove(key).is_some(),
        Node::Object(object) => object.get_mut(key).is_some_and(|inner| remove_in(inner, rest)),
        Node::Leaf(_) => false,
    }
}

/// Number of the item that a key names: by its `id`, else by its number.
fn item_of(items: &[Node], key: &str) -> Option<usize> {
    let named = |item: &Node| match item {
        Node::Object(object) => {
            matches!(object.get("id"), Some(Node::Leaf(id)) if **id == *key || **id == *quoted(key))
        }
        _ => false,
    };
    items.iter().position(named).or_else(|| key.parse().ok().filter(|at| *at < items.len()))
}
