//! How long events stay: policies, legal holds and erasures, and what each means for partitions and rows.
//!
//! Nothing here has files, jobs or locks: `engine` keeps the state, and `table` does what is decided here.
//!
//! * [`policy`]: for how many days events of a project and its modules are kept.
//! * [`hold`]: what must stay whatever a policy or an erasure says.
//! * [`plan`]: which files of a version a policy lets go.
//! * [`subject`]: whose events an erasure is about.
//! * [`needle`], `rows`: finding a value in rows and taking it out.
//! * [`erasure`]: one erasure, from asked for to proved.
//!
//! # Invariants
//! * A partition (UTC day and module) goes whole, once its last event is older than its policy.
//! * What a hold covers stays: a hold wins over policies and erasures.
//! * A policy never keeps less than the server's floor.

pub mod erasure;
mod error;
pub mod hold;
pub mod needle;
pub mod plan;
pub mod policy;
mod rows;
pub mod subject;

pub use erasure::{Counts, Erasure, ErasureInfo, Intent, NewErasure, Preview, Proof, Stage};
pub use error::RetentionError;
pub use hold::{Hold, Lifted, NewHold};
pub use needle::Needle;
pub use plan::{Plan, Selected};
pub use policy::{Keep, Policy, Rules};
pub use rows::{Eraser, HeldRows, StillNamed};
pub use subject::Subject;

/// A day (since 1970) as `YYYY-MM-DD`.
fn day_text(days: i32) -> String {
    let date = chrono::DateTime::<chrono::Utc>::from_timestamp(i64::from(days) * 86_400, 0).unwrap_or_default();
    date.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests;
