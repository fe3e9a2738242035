//! Mappings: how a sender's own words become the columns of the event model.
//!
//! A mapping is a TOML file. [`MappingFile::parse`] reads it, [`MappingFile::compile`] turns it into
//! the [`Plan`](super::plan::Plan) that the parser follows; nothing of the file is looked at per
//! event. [`MappingLibrary`] knows the mappings shipped with the engine and the user's own.
//!
//! # Invariants
//! * A plan depends on nothing but the mapping's text: [`MappingFile::canonical`] stored beside a
//!   batch gives the same columns after any later change.
//! * No rule can lose a value: what a column does not tell exactly stays in `attributes` under its
//!   own path. A constant or a default is never taken for a value that was sent.
//!
//! ```text
//! title = "Shop"                       # for people
//! source = "shop"                      # of events that name none; so are dataset, tenant_id
//! zone = "Europe/Warsaw"               # of instants without an offset
//! wrapper = "Records"                  # events come in an array under this key
//!
//! [columns]
//! event_id = "id"                      # a path: keys joined by dots
//! actor_id = ["user.info", "id"]       # … or as a list, for keys that contain dots
//! event_time = { first_of = ["time", "received"], formats = ["epoch_ms", "%d.%m.%Y %H:%M"] }
//! duration_ns = { path = "took_ms", scale = 1_000_000 }
//! outcome = { path = "status", values = { ok = "success" }, otherwise = "failure" }
//!
//! [[related]]
//! type = "order"
//! id = "order.id"
//! role = "parent"
//! ```

mod check;
mod compile;
mod error;
mod file;
mod library;
mod name;
mod path;
mod shipped;

pub use error::{MappingError, RuleProblem};
pub use file::{ColumnRule, Literal, MappingFile, RelatedRule};
pub use library::{Listed, MappingLibrary, Origin};
pub use name::{MappingName, MappingNameError};
pub use path::{KeyPath, KeyPathError};

#[cfg(test)]
mod tests;
