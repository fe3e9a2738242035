//! What an object looked like at a moment: its events, folded.
//!
//! ```text
//! events up to the moment ─ forward: snapshots and changes are applied ──────────▶ state
//! events after it ───────── backward: what they say was there before them fills ─▶ gaps
//! ```
//!
//! The state is whole when a snapshot of the whole object is known (of a creation, a restore or a deletion) and every
//! change since says what it changed. Else it is partial: the fields that are known, and why there may be more.

use std::collections::BTreeMap;

use serde::Serialize;

use super::place;
use crate::journal::changes::{Change, Op, diff};
use crate::journal::tree::{Node, Object};

/// Most reasons that are told.
const REASONS_MAX: usize = 20;

/// An event of an object, as far as its state depends on it.
#[derive(Debug, Clone)]
pub struct Step {
    /// When, in µs since 1970.
    pub time_us: i64,
    /// Its id.
    pub event_id: String,
    /// What was done.
    pub action: String,
    /// Whether it came to nothing.
    pub failed: bool,
    /// Snapshot before.
    pub before: Option<Node>,
    /// Snapshot after.
    pub after: Option<Node>,
    /// Fields that changed.
    pub changes: Vec<Change>,
}

/// Whether an object is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing is known of the time.
    Unknown,
    /// Its creation comes later.
    NotYet,
    /// It is there.
    Exists,
    /// It was deleted; the state is the one before.
    Deleted,
}

/// Where the value of a field is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Number of the event among those that were folded.
    pub step: usize,
    /// Whether that event is later than the moment, and says what was there before it.
    pub later: bool,
}

/// An object at a moment.
#[derive(Debug, Clone)]
pub struct State {
    /// Whether it is there.
    pub status: Status,
    /// Whether all of it is known.
    pub whole: bool,
    /// What is known.
    pub object: Object,
    /// Where each field is known from, by path.
    pub fields: BTreeMap<String, Origin>,
    /// Why it may not be all.
    pub reasons: Vec<String>,
}

/// Folds events, which are in order, to the state after the last one that is not later than `at_us`.
#[must_use]
pub fn fold(steps: &[Step], at_us: i64) -> State {
    let until = steps.partition_point(|step| step.time_us <= at_us);
    let mut fold = Fold::default();
    for (at, step) in steps.iter().enumerate().take(until).filter(|(_, step)| !step.failed) {
        fold.forward(at, step);
    }
    fold.backward(steps, until);
    fold.finish()
}

#[derive(Default)]
struct Fold {
    status: Option<Status>,
    whole: bool,
    object: Object,
    fields: BTreeMap<String, Origin>,
    reasons: Vec<String>,
}

impl Fold {
    fn finish(self) -> State {
        let status = self.status.unwrap_or(Status::Unknown);
        let mut reasons = self.reasons;
        if !self.whole && reasons.is_empty() && status != Status::NotYet {
            reasons.push("no event up to this moment holds the whole object".into());
        }
        State { status, whole: self.whole, object: self.object, fields: self.fields, reasons }
    }

    fn forward(&mut self, at: usize, step: &Step) {
        let origin = Origin { step: at, later: false };
        match (step.action.as_str(), &step.before, &step.after) {
            ("delete", before, _) => {
                self.status = Some(Status::Deleted);
                if let Some(Node::Object(before)) = before {
                    self.replace(before, origin);
                }
                return;
            }
            ("create" | "restore", _, Some(Node::Object(after))) => self.replace(after, origin),
            ("create" | "restore", ..) => {
                let verb = if step.action == "create" { "creation" } else { "restore" };
                self.partial(format!("the {verb} {} has no snapshot", step.event_id));
            }
            (_, Some(Node::Object(before)), Some(Node::Object(after))) => {
                self.merge(after, origin);
                let gone = diff(before, after).into_iter().filter(|change| change.op == Op::Remove);
                gone.for_each(|change| self.apply(&change, origin));
            }
            (_, _, Some(Node::Object(after))) => self.merge(after, origin),
            (action, ..) if step.changes.is_empty() && is_change(action) => {
                self.partial(format!("{} changed it without saying what", step.event_id));
            }
            _ => {}
        }
        step.changes.iter().for_each(|change| self.apply(change, origin));
        if self.status != Some(Status::Deleted) || is_change(&step.action) || !step.changes.is_empty() {
            self.status = Some(Status::Exists);
        }
        if matches!(step.action.as_str(), "create" | "restore") {
            self.status = Some(Status::Exists);
        }
    }

    fn partial(&mut self, reason: String) {
        self.whole = false;
        if self.reasons.len() < REASONS_MAX {
            self.reasons.push(reason);
        }
    }

    /// From now on it is `snapshot`. What had its value before is known from where it was.
    fn replace(&mut self, snapshot: &Object, origin: Origin) {
        let before = std::mem::replace(&mut self.object, snapshot.clone());
        let mut fields = std::mem::take(&mut self.fields);
        for (key, value) in snapshot.iter() {
            if before.get(key).is_some_and(|old| old.same(value)) {
                let known: Vec<String> = within(&fields, key);
                self.fields.extend(known.into_iter().filter_map(|path| fields.remove_entry(&path)));
            } else {
                self.fields.insert(key.to_owned(), origin);
            }
        }
        self.whole = true;
        self.reasons.clear();
    }

    /// Sets what a snapshot that may be partial has.
    fn merge(&mut self, snapshot: &Object, origin: Origin) {
        let mut new = Vec::new();
        merge_into(&mut self.object, snapshot, "", &mut new);
        for path in new {
            self.told(&path, origin);
        }
    }

    fn apply(&mut self, change: &Change, origin: Origin) {
        let done = match (&change.op, &change.after) {
            (Op::Remove, _) | (_, None) => place::remove(&mut self.object, &change.path),
            (_, Some(value)) => place::set(&mut self.object, &change.path, value.clone()),
        };
        if done {
            self.told(&change.path, origin);
            if change.op == Op::Remove {
                self.fields.remove(&change.path);
            }
        } else if change.op != Op::Remove {
            self.partial(format!("`{}` has no place in the object that is known", change.path));
        }
    }

    /// A field, with all below it, is known from `origin`.
    fn told(&mut self, path: &str, origin: Origin) {
        for inner in within(&self.fields, path) {
            self.fields.remove(&inner);
        }
        self.fields.insert(path.to_owned(), origin);
    }

    /// Fills what is not known from what later events say was there before them.
    fn backward(&mut self, steps: &[Step], until: usize) {
        let later = || steps.iter().enumerate().skip(until).filter(|(_, step)| !step.failed);
        if self.status.is_none() && later().next().is_some_and(|(_, step)| step.action == "create") {
            self.status = Some(Status::NotYet);
            return;
        }
        if self.whole || self.status == Some(Status::Deleted) {
            return;
        }
        let mut touched: BTreeMap<String, ()> = BTreeMap::new();
        let mut explained = self.reasons.is_empty();
        for (at, step) in later() {
            let origin = Origin { step: at, later: true };
            if matches!(step.action.as_str(), "create" | "restore") {
                break;
            }
            for change in &step.changes {
                if let Some(before) = &change.before
                    && !covers(&touched, &change.path)
                    && !covers(&self.fields, &change.path)
                    && place::set(&mut self.object, &change.path, before.clone())
                {
                    self.fields.insert(change.path.clone(), origin);
                }
                touched.insert(change.path.clone(), ());
            }
            if let Some(Node::Object(before)) = &step.before {
                self.fill(before, &touched, origin);
            }
            if step.action == "delete" {
                self.whole = explained && matches!(step.before, Some(Node::Object(_)));
                self.status.get_or_insert(Status::Exists);
                break;
            }
            let says_nothing = step.changes.is_empty() && step.after.is_none();
            explained &= !(says_nothing && is_change(&step.action));
        }
        if !self.fields.is_empty() {
            self.status.get_or_insert(Status::Exists);
        }
    }

    /// Members of a later snapshot that nothing changed in between and nothing else tells of.
    fn fill(&mut self, snapshot: &Object, touched: &BTreeMap<String, ()>, origin: Origin) {
        for (key, value) in snapshot.iter() {
            if !covers(touched, key) && !covers(&self.fields, key) {
                self.object.insert(key.to_owned(), value.clone());
                self.fields.insert(key.to_owned(), origin);
            }
        }
    }
}

/// Whether an action changes the object that it is about.
fn is_change(action: &str) -> bool {
    matches!(action, "update" | "complete" | "reopen")
}

/// Paths of `known` that are `path` or below it.
fn within(known: &BTreeMap<String, Origin>, path: &str) -> Vec<String> {
    let below = format!("{path}.");
    let inner = known.range(below.clone()..).map(|(path, _)| path).take_while(|path| path.starts_with(&below));
    known.get_key_value(path).map(|(path, _)| path).into_iter().chain(inner).cloned().collect()
}

/// Whether `known` has `path`, something above it, or something below it.
fn covers<T>(known: &BTreeMap<String, T>, path: &str) -> bool {
    let below = format!("{path}.");
    let mut above = path.match_indices('.').map(|(end, _)| &path[..end]);
    known.contains_key(path)
        || above.any(|path| known.contains_key(path))
        || known.range(below.clone()..).next().is_some_and(|(inner, _)| inner.starts_with(&below))
}

/// Whether two paths are the same, or one is inside of the other.
pub(super) fn overlap(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Sets in `object` what `snapshot` has, deep; paths of what is new or other than before go to `new`.
fn merge_into(object: &mut Object, snapshot: &Object, above: &str, new: &mut Vec<String>) {
    for (key, value) in snapshot.iter() {
        let path = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
        match (object.get_mut(key), value) {
            (Some(old), value) if old.same(value) => {}
            (Some(Node::Object(old)), Node::Object(value)) => merge_into(old, value, &path, new),
            _ => {
                object.insert(key.to_owned(), value.clone());
                new.push(path);
            }
        }
    }
}

#[cfg(test)]
mod tests;
