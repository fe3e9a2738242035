//! The table `ledger`: what became of everything that was sent, made when a statement names it.
//!
//! Its rows are sums of a project, not events: a reader that may see a part of the events may not see them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::datasource::MemTable;

/// Name of the table.
pub(crate) const LEDGER: &str = "ledger";

/// One sum.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRow {
    /// Day of receipt, since 1970; none for days that are told together, and for sums of the project.
    pub day: Option<i32>,
    /// Public id of the key.
    pub key: Option<String>,
    /// `source` of the events; none for sums of the project.
    pub source: Option<String>,
    /// What became of them.
    pub state: &'static str,
    /// Why, where there are several reasons.
    pub code: Option<String>,
    /// How many.
    pub events: i64,
}

/// Makes the rows of a project's ledger.
#[derive(Clone)]
pub struct Ledger(Arc<dyn Fn() -> Vec<LedgerRow> + Send + Sync>);

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ledger")
    }
}

impl Ledger {
    /// A ledger whose rows `make` makes, all of one moment.
    pub fn new(make: impl Fn() -> Vec<LedgerRow> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// The table as it is now.
    pub(super) fn table(&self) -> Result<MemTable, DataFusionError> {
        let rows = (self.0)();
        let text = |value: fn(&LedgerRow) -> Option<&str>| -> ArrayRef {
            Arc::new(rows.iter().map(value).collect::<StringArray>())
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(rows.iter().map(|row| row.day).collect::<Date32Array>()),
            text(|row| row.key.as_deref()),
            text(|row| row.source.as_deref()),
            text(|row| Some(row.state)),
            text(|row| row.code.as_deref()),
            Arc::new(rows.iter().map(|row| Some(row.events)).collect::<Int64Array>()),
        ];
        let batch = RecordBatch::try_new(schema(), columns)?;
        MemTable::try_new(schema(), vec![vec![batch]])
    }
}

/// Its columns.
pub(super) fn schema() -> SchemaRef {
    let field = |name: &str, kind: DataType| Field::new(name, kind, true);
    Arc::new(Schema::new(vec![
        field("day", DataType::Date32),
        field("key", DataType::Utf8),
        field("source", DataType::Utf8),
        field("state", DataType::Utf8),
        field("code", DataType::Utf8),
        field("events", DataType::Int64),
    ]))
}
