//! What the newest event that names a file says of it.

use arrow::array::{Array, AsArray, StructArray};
use arrow::record_batch::RecordBatch;
use serde_json::{Map, json};

use super::cells::text_of;
use crate::journal::Statement;
use crate::table::BlobId;

/// Look-up of one file; the event's id may narrow it. Events are read newest first, until one names the file.
#[must_use]
pub fn attached(id: &BlobId, event: Option<&str>) -> Statement {
    let narrowed = if event.is_some() { " AND event_id = $event" } else { "" };
    let sql = format!(
        "SELECT file['role'] AS role, file['name'] AS name, file['content_type'] AS content_type, file['ref'] AS kept \
         FROM (SELECT unnest(attachments) AS file FROM (SELECT attachments FROM events \
         WHERE has_attachment(attachments, $sha256){narrowed} ORDER BY event_time DESC, _seq DESC LIMIT 1)) \
         WHERE file['sha256'] = $sha256 LIMIT 1"
    );
    let mut params = Map::new();
    params.insert("sha256".into(), json!(id.as_str()));
    if let Some(event) = event {
        params.insert("event".into(), json!(event));
    }
    Statement { sql, params }
}

/// An attachment as its event describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attached {
    /// What it is to the event.
    pub role: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its type.
    pub content_type: Option<String>,
    /// Where the sender says that it is.
    pub kept: Option<String>,
}

impl Attached {
    /// The first row of the answer to [`attached`]; `None` where the caller sees no event that names the file.
    #[must_use]
    pub fn read(batches: &[RecordBatch]) -> Option<Self> {
        let batch = batches.iter().find(|batch| batch.num_rows() > 0)?;
        let text = |column| text_of(batch, column, 0).map(str::to_owned);
        Some(Self { role: text("role"), name: text("name"), content_type: text("content_type"), kept: text("kept") })
    }
}

/// A file that an event names by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) role: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) id: BlobId,
}

impl Item {
    /// Whether it has this role.
    pub(crate) fn is(&self, role: &str) -> bool {
        self.role.as_deref() == Some(role)
    }
}

/// Files with a hash in `attachments` of a row; none where the answer has no such column.
pub(crate) fn items(batch: &RecordBatch, row: usize) -> Vec<Item> {
    let list = batch.column_by_name("attachments").and_then(|column| column.as_list_opt::<i32>());
    let Some(list) = list.filter(|list| list.is_valid(row)) else { return Vec::new() };
    let files = list.value(row);
    let Some(files) = files.as_struct_opt() else { return Vec::new() };
    (0..files.len()).filter_map(|at| item(files, at)).collect()
}

fn item(files: &StructArray, at: usize) -> Option<Item> {
    let text = |field: &str| {
        let column = files.column_by_name(field)?.as_string_opt::<i32>()?;
        column.is_valid(at).then(|| column.value(at))
    };
    let id = BlobId::try_from(text("sha256")?).ok()?;
    let owned = |field| text(field).map(str::to_owned);
    Some(Item { role: owned("role"), name: owned("name"), content_type: owned("content_type"), id })
}
