//! Which format an answer gets.

use super::QueryError;

/// A format of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One object: schema, rows as arrays, whether it was cut, stats.
    Json,
    /// One object a row, each on a line of its own.
    Ndjson,
    /// RFC 4180 with a header line.
    Csv,
    /// The same for spreadsheets: what they would run as a formula is text.
    CsvSafe,
    /// Arrow IPC stream.
    Arrow,
    /// One Parquet file.
    Parquet,
}

/// Media types that name a format, the format's own first.
const MEDIA_TYPES: [(&str, Format); 11] = [
    ("application/json", Format::Json),
    ("application/x-ndjson", Format::Ndjson),
    ("text/csv", Format::Csv),
    ("application/vnd.apache.arrow.stream", Format::Arrow),
    ("application/vnd.apache.parquet", Format::Parquet),
    ("application/ndjson", Format::Ndjson),
    ("application/jsonl", Format::Ndjson),
    ("application/x-parquet", Format::Parquet),
    ("text/*", Format::Csv),
    ("application/*", Format::Json),
    ("*/*", Format::Json),
];

impl Format {
    /// All formats.
    pub const ALL: [Self; 6] = [Self::Json, Self::Ndjson, Self::Csv, Self::CsvSafe, Self::Arrow, Self::Parquet];

    /// Its name, as in `?format=`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::CsvSafe => "csv-safe",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv | Self::CsvSafe => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The format asked for: `format` by name, else the most wanted of `accept`, else JSON.
    ///
    /// # Errors
    /// An unknown name, or an `Accept` that matches no format.
    pub fn negotiate(accept: Option<&str>, format: Option<&str>) -> Result<Self, QueryError> {
        if let Some(name) = format {
            let known = Self::ALL.into_iter().find(|format| format.name() == name);
            return known.ok_or_else(|| QueryError::Format(name.to_owned()));
        }
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Ok(Self::Json) };
        accept
            .split(',')
            .filter_map(wanted)
            // Of equally wanted ones the first.
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .map(|(format, _)| format)
            .ok_or_else(|| QueryError::NotAcceptable(accept.to_owned()))
    }
}

/// The format of one media range and how much it is wanted, in thousandths.
fn wanted(range: &str) -> Option<(Format, u32)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let format = MEDIA_TYPES.iter().find(|(known, _)| *known == name)?.1;
    let quality = parts.find_map(|part| part.strip_prefix("q="));
    let weight = match quality {
        Some(quality) => (quality.parse::<f32>().ok()?.clamp(0.0, 1.0) * 1_000.0) as u32,
        None => 1_000,
    };
    (weight > 0).then_some((format, weight))
}
