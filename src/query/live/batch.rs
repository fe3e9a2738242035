//! New rows, with text as conditions see it made once for all who look at them.

use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::DataFusionError;

use crate::event::schema::{SEQ_AT, query_schema};

/// Rows of one hot batch that nobody was told of yet.
#[derive(Debug)]
pub struct LiveBatch {
    rows: RecordBatch,
    /// Columns as SQL sees them, where they were asked for.
    views: Vec<OnceLock<ArrayRef>>,
}

impl LiveBatch {
    /// Rows in the row schema and in the order of `_seq`.
    #[must_use]
    pub fn new(rows: RecordBatch) -> Self {
        let views = rows.columns().iter().map(|_| OnceLock::new()).collect();
        Self { rows, views }
    }

    /// Those of `rows`, a batch as it is kept in memory, that come after `seq`.
    #[must_use]
    pub fn after(rows: &RecordBatch, seq: i64) -> Self {
        let seqs = rows.column(SEQ_AT).as_primitive::<Int64Type>().values();
        let from = seqs.partition_point(|known| *known <= seq);
        Self::new(rows.slice(from, rows.num_rows() - from))
    }

    /// The rows in parts of at most `rows_max`.
    pub fn slices(&self, rows_max: usize) -> impl Iterator<Item = Self> + use<> {
        let (rows, step) = (self.rows.clone(), rows_max.max(1));
        (0..rows.num_rows())
            .step_by(step)
            .map(move |from| Self::new(rows.slice(from, step.min(rows.num_rows() - from))))
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `_seq` of each row.
    #[must_use]
    pub fn seqs(&self) -> &[i64] {
        self.rows.column(SEQ_AT).as_primitive::<Int64Type>().values()
    }

    pub(super) fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// The columns at `columns` of the query schema, which `schema` is the projection of.
    pub(super) fn select(&self, columns: &[usize], schema: &SchemaRef) -> Result<RecordBatch, DataFusionError> {
        let arrays = columns.iter().map(|&at| self.view(at)).collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
    }

    fn view(&self, at: usize) -> Result<ArrayRef, DataFusionError> {
        if let Some(known) = self.views[at].get() {
            return Ok(Arc::clone(known));
        }
        let (array, wanted) = (self.rows.column(at), query_schema().field(at).data_type().clone());
        let made = if *array.data_type() == wanted { Arc::clone(array) } else { cast(array, &wanted)? };
        Ok(Arc::clone(self.views[at].get_or_init(|| made)))
    }
}
