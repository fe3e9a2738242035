//! The guard: what stands between the SQL of a stranger and the process that keeps everybody's events.
//!
//! ```text
//! text ─▶ tokens ─▶ statement ─▶ plan ─▶ (optimizer, checkpoints) ─▶ physical ─▶ execution
//!         counts    tables in    nodes,    one planning thread         products,    own threads,
//!         before    place,       sizes,    each, so many at once       scan quota   pool, watchdog
//!         a tree    groupings    patterns                                           `bounded` functions
//! ```
//!
//! # Invariants
//! * Nothing recurses over a text before [`tokens`] has bounded how deep it can get.
//! * A function that makes more than it is given asks for the memory before it takes it ([`bounded`]).
//! * No thread of ingest plans or runs a query; a query that gets stuck does not hold up others.
//! * What still gets through to a huge allocation loses its thread, not the process ([`fence`]).
//! * All limits are settings (`[query.guard]`), and every refusal names its setting.
//!
//! Deliberately absent: trust in the planner's defaults. Functions are those of [`functions`] only.

mod bounded;
mod executor;
mod fence;
mod functions;
mod meter;
mod patterns;
mod physical;
mod plan;
mod pool;
mod rewrite;
mod rules;
mod slices;
mod statement;
mod sum;
mod task;
mod tokens;
mod watchdog;

use datafusion::sql::parser::Statement;

use super::params::Failure;
use crate::config::Guard;

pub(crate) use executor::{Executor, Wanted, Work};
pub use fence::Fenced;
pub(crate) use functions::{register, with_functions};
pub(crate) use physical::check as check_physical;
pub(crate) use plan::{check as check_plan, check_constants};
pub(crate) use rules::optimizer_rules;
pub(crate) use statement::parse as parse_trusted;
pub(crate) use task::{Label, Task};
pub(crate) use watchdog::resident_bytes;

/// Parses the text of a stranger: exactly one query, or EXPLAIN of one, within the limits of `guard`.
///
/// # Errors
/// What is wrong with the text, or the limit that it is over.
pub(crate) fn parse(sql: &str, guard: &Guard) -> Result<Statement, Failure> {
    tokens::check(sql, guard)?;
    let statement = statement::parse(sql, guard)?;
    statement::check(&statement, guard)?;
    Ok(statement)
}
