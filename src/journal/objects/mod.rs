//! One object over time: what it is called, what happened to it, what it looked like, what belongs to it.
//!
//! An object is a type and an id, as its source writes them; ids are text and may hold anything. Its history is of
//! every event that names it (`object_refs`), in all modules and systems, also those that only its history shows.
//! Its own events are those whose object it is: they make its state.

mod children;
mod moment;
mod place;
mod restore;
mod state;
mod summary;

pub use children::children;
pub use moment::{DiffShown, Moment, Moments, StateShown, load, state_statement};
pub use restore::{Asker, Preview, RestoreEvent, Verdict, last_deletion, preview_statement, restorable};
pub use state::{Origin, State, Status, Step, fold};
pub use summary::{Summary, statement as summary_statement, summary};

use super::Statement;
use super::lookup::Narrow;
use super::rows::{Row, text};

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Where, should several sources have it.
    pub narrow: Narrow,
}

impl ObjectRef {
    /// The same in the one source that a row is of.
    #[must_use]
    pub fn of(&self, row: &Row) -> Self {
        let value = |column| text(row, column).map(str::to_owned);
        let narrow = Narrow { tenant_id: value("tenant_id"), source: value("source"), dataset: None };
        Self { narrow, ..self.clone() }
    }

    /// As `object_refs` has it.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }

    /// The condition of events that name it.
    #[must_use]
    pub fn named_in(&self, ask: &mut Statement) -> String {
        let reference = ask.value("ref", self.reference());
        format!("array_has(object_refs, {reference}){}", self.narrow.condition(ask))
    }

    /// The condition of its own events.
    #[must_use]
    pub fn own(&self, ask: &mut Statement) -> String {
        let (kind, id) = (ask.value("type", self.kind.as_str()), ask.value("id", self.id.as_str()));
        format!("object_type = {kind} AND object_id = {id}{}", self.narrow.condition(ask))
    }
}

/// Actions after which an object is there or not.
const LIFE: &str = "action IN ('create', 'update', 'delete', 'restore') AND (outcome IS DISTINCT FROM 'failure')";
