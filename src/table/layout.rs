//! How columns are encoded in a file: encodings, dictionaries, page sizes, statistics, declared order.
//!
//! Numbers behind the choices were measured on audit events: zstd level 1 is as small as level 3;
//! deltas shrink times; long text gains nothing from a dictionary; 2,048-row pages make a point read
//! several times cheaper; page bounds cost footer bytes and are kept where a query prunes by them.

use std::sync::LazyLock;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::{ColumnPath, SchemaDescriptor};

use super::order::{Content, Contents};
use super::stats::position;
use crate::event::model::{COLUMNS, Column, Kind};
use crate::event::schema::{DATE, MODULE, SEQ, file_schema};

/// Bytes of a text bound in statistics.
pub(super) const TEXT_BOUND: usize = 64;
/// Rows of a data page.
const PAGE_ROWS: usize = 2_048;
/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 20;
/// Encoded bytes of a row group: a writer holds as much in memory.
const GROUP_BYTES: usize = 48 << 20;
/// Bytes of a dictionary; above it a column goes on without one. A point read decodes all of it.
const DICTIONARY_BYTES: usize = 128 << 10;

/// Columns whose files and pages are pruned by bounds.
const PRUNED: [&str; 22] = [
    "event_id",
    "event_time",
    "observed_time",
    "tenant_id",
    "source",
    "dataset",
    "event_type",
    "action",
    "severity_number",
    "outcome",
    "status",
    "actor_id",
    "object_type",
    "object_id",
    "http_status",
    "duration_ns",
    "request_id",
    "session_id",
    "task_id",
    "correlation_id",
    "trace_id",
    SEQ,
];

/// Text that hardly ever repeats within a file: no dictionary.
const UNIQUE: [&str; 10] = [
    "event_id",
    "message",
    "error_message",
    "url",
    "request_id",
    "request_body",
    "response_body",
    "causation_id",
    "span_id",
    "raw",
];

/// Text that nobody compares with a bound: no statistics at all.
const LONG: [&str; 4] = ["message", "request_body", "response_body", "raw"];

/// Columns with statistics in the log, as (position in the row schema, name), by position.
pub(super) fn stat_columns() -> impl Iterator<Item = (usize, &'static str)> {
    static POSITIONS: LazyLock<Vec<(usize, &'static str)>> = LazyLock::new(|| {
        let mut found: Vec<_> = PRUNED.iter().filter_map(|name| Some((position(name)?, *name))).collect();
        found.sort_unstable();
        found
    });
    POSITIONS.iter().copied()
}

/// Properties of a file that we write.
///
/// A column of NULLs or of one text is a handful of bytes: it is not compressed, for the encoder would
/// set up a compressor and a decompressor (some 300 KB) for every such column of every file.
pub(super) fn properties(schema: &SchemaDescriptor, contents: &Contents) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("kronika ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_truncate_length(Some(TEXT_BOUND))
        .set_column_index_truncate_length(Some(TEXT_BOUND))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_sorting_columns(Some(order(schema)));
    for column in COLUMNS.iter().filter(|column| column.name != MODULE && column.name != DATE) {
        builder = column_properties(builder, column);
    }
    for leaf in schema.columns().iter() {
        let content = content(leaf.path(), contents);
        if content != Content::Values {
            builder = builder
                .set_column_compression(leaf.path().clone(), Compression::UNCOMPRESSED)
                .set_column_dictionary_enabled(leaf.path().clone(), content == Content::OneText);
        }
    }
    let seq = ColumnPath::from(SEQ);
    let builder = builder.set_column_compression(seq.clone(), Compression::UNCOMPRESSED);
    deltas(builder.set_column_statistics_enabled(seq.clone(), EnabledStatistics::Page), seq).build()
}

fn content(leaf: &ColumnPath, contents: &Contents) -> Content {
    let column = leaf.parts().first().and_then(|name| file_schema().index_of(name).ok());
    column.map_or(Content::Values, |at| contents.of(at))
}

/// The order of rows as Parquet declares it.
fn order(schema: &SchemaDescriptor) -> Vec<SortingColumn> {
    let leaf = |name: &str| schema.columns().iter().position(|leaf| leaf.path().string() == name);
    let descending = |at: usize| SortingColumn {
        column_idx: i32::try_from(at).unwrap_or(i32::MAX),
        descending: true,
        nulls_first: false,
    };
    ["event_time", SEQ].iter().filter_map(|name| leaf(name)).map(descending).collect()
}

fn column_properties(builder: WriterPropertiesBuilder, column: &Column) -> WriterPropertiesBuilder {
    let path = ColumnPath::from(column.name);
    let long = column.kind == Kind::Json || LONG.contains(&column.name);
    let statistics = match column.kind {
        _ if PRUNED.contains(&column.name) => EnabledStatistics::Page,
        Kind::Text | Kind::Int32 | Kind::Int64 | Kind::Time | Kind::Float32 | Kind::Bool if !long => {
            EnabledStatistics::Chunk
        }
        _ => EnabledStatistics::None,
    };
    let builder = builder.set_column_statistics_enabled(path.clone(), statistics);
    match column.kind {
        // All the same in the rows of one batch: deltas of zero, which are worth it.
        Kind::Time if column.name == "observed_time" => deltas(builder, path),
        // Compressed, they would be 1 to 6 % smaller, and every query reads them.
        Kind::Time | Kind::Int64 => {
            deltas(builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED), path)
        }
        Kind::Text | Kind::Json => {
            let dictionary = column.kind == Kind::Text && !UNIQUE.contains(&column.name);
            builder
                .set_column_dictionary_enabled(path.clone(), dictionary)
                .set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY)
        }
        _ => builder,
    }
}

fn deltas(builder: WriterPropertiesBuilder, path: ColumnPath) -> WriterPropertiesBuilder {
    builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
}

#[cfg(test)]
mod tests;
