//! Limits that keep one query from harming the process: how much SQL may say, hold, read and run.

use serde::{Deserialize, Serialize};

use super::{ByteCount, ConfigError, Span};

/// `[query.guard]`: what a query may be made of, and what all of them may take together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// Most tokens of the SQL text; the values of `IN (…)` lists do not count.
    pub tokens_max: usize,
    /// Most operators (`AND`, `OR`, `+`, `=`, `LIKE`, `::`, …) outside of `IN (…)` lists.
    pub operators_max: usize,
    /// Deepest nesting of parentheses, expressions and subqueries.
    pub nesting_max: usize,
    /// Longest text literal.
    pub literal_max: ByteCount,
    /// Most columns of one SELECT list, `*` being one.
    pub columns_max: usize,
    /// Most common table expressions (`WITH`).
    pub ctes_max: usize,
    /// Most tables that are read once common table expressions stand where they are used.
    pub relations_max: usize,
    /// Most joins.
    pub joins_max: usize,
    /// Most `UNION`, `INTERSECT` and `EXCEPT`.
    pub unions_max: usize,
    /// Most grouping sets that `CUBE`, `ROLLUP` and `GROUPING SETS` of one SELECT stand for.
    pub grouping_sets_max: usize,
    /// Largest expression, in terms, once the columns of subqueries are replaced by what they stand for.
    pub expression_max: u64,
    /// Longest text or list that a function or `||` makes.
    pub value_max: ByteCount,
    /// Most that a function or `||` makes of one batch of rows.
    pub batch_max: ByteCount,
    /// Largest regular expression, compiled.
    pub pattern_max: ByteCount,
    /// Most row pairs that a join without equality may look at, as far as they can be told before.
    pub product_max: u64,
    /// Most files that one scan reads; 0 is no limit.
    pub scan_files_max: u64,
    /// Most bytes of files that one scan reads; `0B` is no limit.
    pub scan_bytes_max: ByteCount,
    /// Queries planned at once.
    pub planners: usize,
    /// Memory that all queries may reserve together.
    pub memory_total_max: ByteCount,
    /// Memory of the process above which the largest query is stopped; `0B` is 60 % of what the process may have.
    pub process_memory_max: ByteCount,
    /// Disk for spilled intermediate results, over all queries.
    pub spill_max: ByteCount,
    /// Longest that one step of a query may hold a thread.
    pub step_max: Span,
    /// How much the threads of queries give way to others: 0 (not at all) to 19.
    pub niceness: u8,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            tokens_max: 8_000,
            operators_max: 256,
            nesting_max: 50,
            literal_max: ByteCount(32 << 10),
            columns_max: 1_000,
            ctes_max: 32,
            relations_max: 64,
            joins_max: 16,
            unions_max: 64,
            grouping_sets_max: 64,
            expression_max: 10_000,
            value_max: ByteCount::mib(1),
            batch_max: ByteCount::mib(256),
            pattern_max: ByteCount(256 << 10),
            product_max: 10_000_000_000,
            scan_files_max: 100_000,
            scan_bytes_max: ByteCount(1 << 40),
            planners: 4,
            memory_total_max: ByteCount::mib(2_048),
            process_memory_max: ByteCount(0),
            spill_max: ByteCount::mib(8_192),
            step_max: Span::secs(5),
            niceness: 5,
        }
    }
}

impl Guard {
    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// The first contradiction, with both numbers.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.value_max > self.batch_max {
            return Err(ConfigError::Contradiction(format!(
                "query.guard.value_max {} is larger than query.guard.batch_max {}",
                self.value_max, self.batch_max
            )));
        }
        Ok(())
    }
}
