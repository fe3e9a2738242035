//! Events of either side in one form: where they belong, which they are, and a hash of what they hold.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{Date32Type, Schema};
use arrow::record_batch::RecordBatch;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::cli::CliError;
use crate::event::model::COLUMNS;
use crate::event::schema::DATE;
use crate::query::{Cell, Normaliser};

/// Columns that say which event a row is, and where it is counted.
pub(super) const IDENTITY: [&str; 5] = ["tenant_id", "source", "dataset", "event_id", "module"];

/// The column that no two servers fill alike.
pub(super) const OF_THE_SERVER: &str = "observed_time";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// UTC date of `event_time`, in days since 1970.
    pub(super) day: i32,
    pub(super) tenant: String,
    pub(super) source: String,
    pub(super) dataset: String,
    pub(super) module: Option<String>,
    pub(super) id: String,
    /// Of tenant, source, dataset and id.
    pub(super) key: u128,
    /// Of the compared columns.
    pub(super) content: u128,
}

/// What is compared of an event.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    /// Columns, in the order of the model.
    pub(super) columns: Vec<&'static str>,
    /// CSV cannot tell empty text from none.
    pub(super) empty_is_null: bool,
}

impl Compared {
    /// All that a client can send, or that follows from it.
    pub(super) fn everything() -> Self {
        let columns = COLUMNS.iter().map(|column| column.name).filter(|name| *name != OF_THE_SERVER);
        Self { columns: columns.collect(), empty_is_null: false }
    }

    /// The named columns.
    ///
    /// # Errors
    /// One that the model does not have, or that differs between servers.
    pub(super) fn named(names: &[String]) -> Result<Self, CliError> {
        if let Some(unknown) = names.iter().find(|name| !COLUMNS.iter().any(|column| column.name == **name)) {
            let near = crate::query::nearest(unknown, COLUMNS.iter().map(|column| column.name));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(CliError::Usage(format!("--columns: there is no column `{unknown}`{near}")));
        }
        if names.iter().any(|name| name == OF_THE_SERVER) {
            let text = format!("--columns: `{OF_THE_SERVER}` is set by each server, and cannot be compared");
            return Err(CliError::Usage(text));
        }
        let wanted = COLUMNS.iter().map(|column| column.name).filter(|name| names.iter().any(|named| named == name));
        Ok(Self { columns: wanted.collect(), empty_is_null: false })
    }

    /// The columns to ask a server for.
    pub(super) fn select_list(&self) -> String {
        let mut names = vec![DATE];
        names.extend(IDENTITY);
        names.extend(self.columns.iter().filter(|name| !IDENTITY.contains(name)));
        names.join(", ")
    }

    /// Hands each event of a batch to `take`.
    ///
    /// # Errors
    /// The batch lacks a column, or has one of another type.
    pub(super) fn each(&self, batch: &RecordBatch, take: &mut dyn FnMut(Row)) -> Result<(), CliError> {
        let normaliser = Normaliser::new(&batch.schema());
        let batch = normaliser.apply(batch).map_err(|error| CliError::Answer(Box::new(error)))?;
        let schema = batch.schema();
        let text = |name: &str| text_of(&batch, name);
        let [tenants, sources, datasets, ids] =
            [text("tenant_id")?, text("source")?, text("dataset")?, text("event_id")?];
        let modules = text("module")?;
        let days = batch.column_by_name(DATE).and_then(|array| array.as_primitive_opt::<Date32Type>());
        let days = days.ok_or_else(|| lacking(DATE))?;
        let cells = self.columns.iter().map(|name| cell(&batch, &schema, name)).collect::<Result<Vec<_>, _>>()?;
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            let [tenant, source, dataset, id] = [tenants, sources, datasets, ids].map(|array| array.value(row));
            take(Row {
                day: days.value(row),
                tenant: tenant.to_owned(),
                source: source.to_owned(),
                dataset: dataset.to_owned(),
                module: (!modules.is_null(row)).then(|| modules.value(row).to_owned()),
                id: id.to_owned(),
                key: key_of([tenant, source, dataset, id]),
                content: self.content(&cells, row, &mut text),
            });
        }
        Ok(())
    }

    /// Hash of the columns that have a value, each under its place in the list.
    fn content(&self, cells: &[Cell<'_>], row: usize, text: &mut Vec<u8>) -> u128 {
        text.clear();
        for (at, cell) in cells.iter().enumerate() {
            let start = text.len();
            if cell.is_null(row) {
                continue;
            }
            cell.write_json(row, text);
            if self.empty_is_null && &text[start..] == b"\"\"" {
                text.truncate(start);
                continue;
            }
            // JSON has no such byte: values cannot run into each other.
            text.push(0);
            text.extend_from_slice(&(at as u32).to_le_bytes());
        }
        xxh3_128(text)
    }
}

fn key_of(parts: [&str; 4]) -> u128 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.digest128()
}

fn text_of<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, CliError> {
    let found: Option<&ArrayRef> = batch.column_by_name(name);
    found.and_then(|array| array.as_string_opt::<i32>()).ok_or_else(|| lacking(name))
}

fn cell<'a>(batch: &'a RecordBatch, schema: &Schema, name: &str) -> Result<Cell<'a>, CliError> {
    let at = schema.index_of(name).map_err(|_| lacking(name))?;
    Ok(Cell::new(batch.column(at), schema.field(at)))
}

fn lacking(name: &str) -> CliError {
    CliError::Answer(format!("the answer has no column `{name}` of its own type").into())
}
