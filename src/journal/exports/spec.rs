//! What is to be exported: as it was asked for, and checked.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::error::ExportError;
use crate::query::{Format, Params};

/// Largest filter that is kept, as JSON text.
const FILTER_MAX: usize = 64 << 10;

/// What is to be exported.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExport {
    /// Which events, in the words of the list: `{"module": ["orders"], "period": "last_7d"}`. Relative periods are
    /// those of now. `{}` is everything.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Value>,
    /// Or the rows of a query.
    #[serde(default)]
    pub sql: Option<String>,
    /// Values of its placeholders.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub params: Option<Value>,
    /// Columns in their order; all that the key may see where they are not given.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// `-event_time` (newest first, the default) or `event_time`.
    #[serde(default)]
    pub order: Option<String>,
    /// `csv-safe` (for spreadsheets, the default), `csv`, `ndjson`, `parquet`, `arrow`; `bodies`: an archive of
    /// requests and responses; `bundle`: events with all their files, redacted, for somebody outside.
    #[serde(default)]
    pub format: Option<String>,
}

/// What kind of file an export makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ExportFormat {
    /// Rows.
    Rows(Format),
    /// An archive of requests and responses.
    Bodies,
    /// An archive of events with all their files, for somebody outside.
    Bundle,
}

impl ExportFormat {
    /// All of them.
    const ALL: [Self; 7] = [
        Self::Rows(Format::CsvSafe),
        Self::Rows(Format::Csv),
        Self::Rows(Format::Ndjson),
        Self::Rows(Format::Parquet),
        Self::Rows(Format::Arrow),
        Self::Bodies,
        Self::Bundle,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rows(format) => format.name(),
            Self::Bodies => "bodies",
            Self::Bundle => "bundle",
        }
    }

    /// Type and ending of its file.
    #[must_use]
    pub fn file_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Rows(format) => {
                let ending = match format {
                    Format::Csv | Format::CsvSafe => "csv",
                    Format::Json => "json",
                    Format::Ndjson => "ndjson",
                    Format::Parquet => "parquet",
                    Format::Arrow => "arrow",
                };
                (format.content_type(), ending)
            }
            Self::Bodies | Self::Bundle => ("application/zip", "zip"),
        }
    }
}

impl TryFrom<String> for ExportFormat {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("there is no format `{name}`; there are {}", names.join(", "))
        })
    }
}

impl From<ExportFormat> for String {
    fn from(format: ExportFormat) -> Self {
        format.name().to_owned()
    }
}

/// In which order events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Newest first.
    #[serde(rename = "-event_time")]
    NewestFirst,
    /// Oldest first.
    #[serde(rename = "event_time")]
    OldestFirst,
}

impl Order {
    /// As requests have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewestFirst => "-event_time",
            Self::OldestFirst => "event_time",
        }
    }
}

/// Which rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Events of a filter.
    Filter(Value),
    /// Rows of a query.
    Sql {
        /// Its text.
        sql: String,
        /// Values of its placeholders.
        params: Value,
    },
}

/// What is to be exported, checked as far as that goes without the events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Which rows.
    pub what: What,
    /// Columns in their order; of a query, those that it has.
    pub columns: Vec<String>,
    /// The order of events.
    pub order: Order,
    /// The kind of file.
    pub format: ExportFormat,
}

impl Spec {
    /// Checks what was asked for; `columns` are all that the caller may see.
    ///
    /// # Errors
    /// [`ExportError::Invalid`], with what is allowed.
    pub fn new(new: NewExport, columns: &[&str]) -> Result<Self, ExportError> {
        let invalid = |text: String| Err(ExportError::Invalid(text));
        let format = new.format.map_or(Ok(ExportFormat::Rows(Format::CsvSafe)), ExportFormat::try_from);
        let format = format.map_err(ExportError::Invalid)?;
        let order = match new.order.as_deref() {
            None | Some("-event_time") => Order::NewestFirst,
            Some("event_time") => Order::OldestFirst,
            Some(other) => return invalid(format!("there is no order `{other}`; there are -event_time, event_time")),
        };
        let rows = matches!(format, ExportFormat::Rows(_));
        match (new.filter, new.sql) {
            (Some(_), Some(_)) | (None, None) => invalid("give either `filter` or `sql`".into()),
            (Some(_), None) if new.params.is_some() => invalid("`params` are for `sql`".into()),
            (Some(_), None) if !rows && new.columns.is_some() => {
                invalid(format!("`columns` are for rows; `{}` has its own", format.name()))
            }
            (Some(filter), None) => {
                if !filter.is_object() || filter.to_string().len() > FILTER_MAX {
                    return invalid(format!("`filter` is an object of at most {FILTER_MAX} bytes"));
                }
                let columns = chosen(new.columns, columns)?;
                Ok(Self { what: What::Filter(filter), columns, order, format })
            }
            (None, Some(_)) if !rows => invalid(format!("`{}` is made of a filter, not of `sql`", format.name())),
            (None, Some(_)) if new.columns.is_some() || new.order.is_some() => {
                invalid("a query has columns and an order of its own: leave `columns` and `order` out".into())
            }
            (None, Some(sql)) => {
                let what = What::Sql { sql, params: new.params.unwrap_or_default() };
                what.params()?;
                Ok(Self { what, columns: Vec::new(), order, format })
            }
        }
    }

    /// Name of the file: of what, and when.
    #[must_use]
    pub fn file_name(&self, created_us: i64) -> String {
        let when = chrono::DateTime::from_timestamp_micros(created_us).unwrap_or_default();
        let what = match (&self.what, self.format) {
            (What::Sql { .. }, _) => "query",
            (_, ExportFormat::Rows(_)) => "events",
            (_, ExportFormat::Bodies) => "bodies",
            (_, ExportFormat::Bundle) => "bundle",
        };
        format!("kronika-{what}-{}.{}", when.format("%Y%m%dT%H%M%SZ"), self.format.file_type().1)
    }
}

impl What {
    /// Values of a query's placeholders.
    pub(super) fn params(&self) -> Result<Params, ExportError> {
        match self {
            Self::Filter(_) => Ok(Params::None),
            Self::Sql { params, .. } => Ok(Params::try_from(params.clone())?),
        }
    }
}

fn chosen(wanted: Option<Vec<String>>, known: &[&str]) -> Result<Vec<String>, ExportError> {
    let Some(wanted) = wanted else { return Ok(known.iter().map(|name| (*name).to_owned()).collect()) };
    if wanted.is_empty() {
        return Err(ExportError::Invalid("`columns` is empty: leave it out for all of them".into()));
    }
    for (at, column) in wanted.iter().enumerate() {
        if !known.contains(&column.as_str()) {
            let text = format!("there is no column `{column}` for this key; there are {}", known.join(", "));
            return Err(ExportError::Invalid(text));
        }
        if wanted[..at].contains(column) {
            return Err(ExportError::Invalid(format!("the column `{column}` is given twice")));
        }
    }
    Ok(wanted)
}
