//! Whose events: rows by the value of one column, or by an object that they tell of.

use std::cmp::Ordering;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};

use super::RetentionError;
use crate::event::model::{COLUMNS, Kind, find, index_of};
use crate::event::schema::MODULE;
use crate::table::{DataFile, StatValue};

/// Longest value, in bytes.
const VALUE_MAX: usize = 4 << 10;
/// The word for objects, where others name a column.
pub const OBJECT: &str = "object";
/// Where the objects of a row stand.
const REFS: &str = "object_refs";

/// Whose events an erasure is about; `value` may not be told to the audit journal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// A column of text or of whole numbers; or `object`.
    pub column: String,
    /// Its value; of an object `type:id`.
    pub value: String,
}

/// Without the value.
impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject({} = …)", self.column)
    }
}

/// A test of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    Text { column: &'static str, value: String },
    Number { column: &'static str, value: i64 },
    Object(String),
}

impl Subject {
    /// The test that its rows pass.
    ///
    /// # Errors
    /// There is no such column, or none that can be compared; or the value cannot be one of the column's.
    pub(super) fn test(&self) -> Result<Test, RetentionError> {
        let wrong = |what: String| Err(RetentionError::Erasure(what));
        if self.value.is_empty() || self.value.len() > VALUE_MAX {
            return wrong(format!("the value has 1 to {VALUE_MAX} bytes"));
        }
        if self.column == OBJECT {
            return match self.value.split_once(':') {
                Some((kind, id)) if !kind.is_empty() && !id.is_empty() => Ok(Test::object(&self.value)),
                _ => wrong("an object is written as `type:id`".into()),
            };
        }
        let Some(column) = find(&self.column).map(|at| &COLUMNS[at]) else {
            return wrong(format!("there is no column `{}`", self.column));
        };
        match column.kind {
            _ if column.name == MODULE => wrong("whole modules go by a retention policy, not by an erasure".into()),
            Kind::Text => Ok(Test::text(column.name, &self.value)),
            Kind::Int32 | Kind::Int64 => match self.value.parse() {
                Ok(value) => Ok(Test::Number { column: column.name, value }),
                Err(_) => wrong(format!("`{}` holds whole numbers", column.name)),
            },
            _ => wrong(format!("`{}` is no column of text or whole numbers, which alone can be compared", column.name)),
        }
    }

    /// Refuses what no erasure can be about.
    ///
    /// # Errors
    /// [`RetentionError::Erasure`].
    pub fn check(&self) -> Result<(), RetentionError> {
        self.test().map(|_| ())
    }
}

impl Test {
    pub(super) fn text(column: &'static str, value: &str) -> Self {
        Self::Text { column, value: value.to_owned() }
    }

    pub(super) fn object(object: &str) -> Self {
        Self::Object(object.to_owned())
    }

    /// The column that it reads.
    pub(super) fn column(&self) -> &'static str {
        match self {
            Self::Text { column, .. } | Self::Number { column, .. } => column,
            Self::Object(_) => REFS,
        }
    }

    /// Whether rows of the file may pass, by what the log knows of it.
    pub(super) fn may_pass(&self, file: &DataFile) -> bool {
        let Some(stats) = file.stats_of(index_of(self.column())) else { return true };
        if stats.nulls == file.rows {
            return false;
        }
        let value = match self {
            Self::Text { value, .. } => StatValue::Text(value.clone()),
            Self::Number { value, .. } => match (i32::try_from(*value), &stats.min) {
                (Ok(value), Some(StatValue::I32(_))) => StatValue::I32(value),
                _ => StatValue::I64(*value),
            },
            Self::Object(_) => return true,
        };
        let below = stats.min.as_ref().is_some_and(|min| value.partial_cmp(min) == Some(Ordering::Less));
        let above = stats.max.as_ref().is_some_and(|max| value.partial_cmp(max) == Some(Ordering::Greater));
        !below && !above
    }

    /// Which rows pass; a column that is not there is NULL.
    pub(super) fn passes(&self, rows: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let count = rows.num_rows();
        let Some(array) = rows.column_by_name(self.column()) else {
            return Ok(BooleanArray::new(BooleanBuffer::new_unset(count), None));
        };
        let other = || ArrowError::SchemaError(format!("`{}` has an unexpected type", self.column()));
        let passes = match self {
            Self::Text { value, .. } => {
                let texts = array.as_string_opt::<i32>().ok_or_else(other)?;
                BooleanBuffer::collect_bool(count, |row| texts.is_valid(row) && texts.value(row) == value)
            }
            Self::Number { value, .. } => {
                let small = array.as_primitive_opt::<Int32Type>();
                let large = array.as_primitive_opt::<Int64Type>();
                match (small, large) {
                    (Some(of), _) => {
                        BooleanBuffer::collect_bool(count, |row| of.is_valid(row) && i64::from(of.value(row)) == *value)
                    }
                    (_, Some(of)) => {
                        BooleanBuffer::collect_bool(count, |row| of.is_valid(row) && of.value(row) == *value)
                    }
                    (None, None) => return Err(other()),
                }
            }
            Self::Object(object) => {
                let lists = array.as_list_opt::<i32>().ok_or_else(other)?;
                let texts = lists.values().as_string_opt::<i32>().ok_or_else(other)?;
                let offsets = lists.value_offsets();
                BooleanBuffer::collect_bool(count, |row| {
                    let items = offsets[row] as usize..offsets[row + 1] as usize;
                    lists.is_valid(row) && items.into_iter().any(|at| texts.is_valid(at) && texts.value(at) == object)
                })
            }
        };
        Ok(BooleanArray::new(passes, None))
    }
}
