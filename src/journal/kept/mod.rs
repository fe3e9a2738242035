//! What people keep under a name: saved filters, screens of the page. One store for all of it.
//!
//! One file per project, replaced as a whole. What is kept is kept as it was sent.
//!
//! # Invariants
//! * A private thing is seen, used and changed by the key that made it, and by admin keys, and by nobody else.
//! * A shared one is seen by all keys of the project and changed by the key that made it and by admin keys.
//! * Among those that begin the same list there is at most one default.
//! * Each change makes a version of its own; whoever changes an older one can be told so.

mod error;
mod store;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use error::Refused;
pub use store::{Room, Store, Whose};

/// Longest name, in characters.
const NAME_MAX: usize = 100;

/// Something that can be kept.
pub trait Keep: Clone + PartialEq + Serialize + DeserializeOwned {
    /// Why it cannot be.
    type Error: From<Refused>;

    /// Its name.
    fn name(&self) -> &str;

    /// Whether all keys of the project see it.
    fn is_shared(&self) -> bool;

    /// Whether something begins with it, for all keys of the project.
    fn is_default(&self) -> bool;

    /// Another one is the default from now on.
    fn give_way(&mut self);

    /// Whether the two cannot both be the default.
    fn begins_what(&self, other: &Self) -> bool;

    /// Whether the two must be told apart by their names.
    fn is_among(&self, other: &Self) -> bool;

    /// Refuses a name that cannot be shown on a line.
    ///
    /// # Errors
    /// It has no characters, too many, or one that is a control character.
    fn check_name(&self) -> Result<(), Refused> {
        let characters = self.name().trim().chars().count();
        if !(1..=NAME_MAX).contains(&characters) || self.name().chars().any(char::is_control) {
            let message = format!("has 1 to {NAME_MAX} characters, none of them a control character");
            return Err(Refused::Invalid { part: "name", message });
        }
        Ok(())
    }

    /// Refuses a default that others do not see.
    ///
    /// # Errors
    /// It is a default and not shared.
    fn check_default(&self) -> Result<(), Refused> {
        if self.is_default() && !self.is_shared() {
            let message = "is for all keys of the project: set `shared` as well".to_owned();
            return Err(Refused::Invalid { part: "default", message });
        }
        Ok(())
    }

    /// Refuses what could not be used later; `now_us` is what relative times count from.
    ///
    /// # Errors
    /// The first part that is wrong.
    fn check(&self, now_us: i64) -> Result<(), Self::Error>;
}

/// Something that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept<T> {
    /// Its id.
    pub id: String,
    /// Public id of the key that made it.
    pub owner: String,
    /// Name of that key when it did.
    pub owner_name: String,
    /// Grows by one with each change.
    #[serde(default = "first")]
    pub version: u64,
    /// What was saved.
    #[serde(flatten)]
    pub saved: T,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// The version of what was just made, and of what earlier releases kept.
const fn first() -> u64 {
    1
}
