//! Alerts: a question that is asked again and again, and who is told when its answer crosses a line.
//!
//! ```text
//! rule ─ each tick ─▶ question (SQL over one window, as the key of the rule) ─▶ values by group
//!                         ─▶ advance: pending, firing, resolved, no data ─▶ notices, history ─▶ file, then out
//! ```
//!
//! Ticks are multiples of `every`; each looks at its own window, and those that a restart missed are made up for, so
//! that no event is looked at by none. Everything that a tick leads to has an id made of the rule, the group and the
//! tick: done again after a crash, it is the same, and whoever has it already takes it for that.
//!
//! # Invariants
//! * State, notices and history of a tick are in the file before anybody is told.
//! * An episode (from firing to resolved) of a group is told once; repeats say that they are.
//! * A rule sees what its key sees, and nothing once that key has ended.

mod error;
mod mail;
mod notice;
mod question;
mod quiet;
mod rule;
mod state;
mod store;
mod template;

pub use error::AlertError;
pub use mail::{MailError, Mailer};
pub use notice::{Notice, NoticeKind, Told};
pub use question::{Measured, Question, read};
pub use quiet::Quiet;
pub use rule::{AlertRule, Channel, Clock, Comparison, Condition, Limits, Metric, NewAlert, NoData};
pub use state::{Change, GroupState, Phase, RuleState, Status, advance, due_ticks};
pub use store::{AlertInfo, Alerts, Due, Entry, Reader};
pub use template::{Template, templates, with_template};

#[cfg(test)]
mod tests;
