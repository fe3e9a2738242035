//! From a rule and a tick to SQL, and from its answer to values by group.

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::{AlertError, AlertRule, Clock, Metric};
use crate::journal::{Selection, Values};
use crate::query::{ObjectWriter, OutColumn};

/// Name of the column that is compared.
const VALUE: &str = "value";

/// A question, ready to be put.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The SQL.
    pub sql: String,
    /// Values of its placeholders.
    pub values: Map<String, Value>,
    /// The window, RFC 3339.
    pub from: String,
    /// Its end, which is not in it.
    pub to: String,
}

/// What an answer says: a value, or none, for each group.
pub type Measured = Vec<(Map<String, Value>, Option<f64>)>;

impl Question {
    /// What `rule` asks at a tick, for at most `groups_max` groups and one more; free text is not looked for in
    /// `hidden` columns.
    ///
    /// # Errors
    /// The filter is none any more.
    pub fn new(rule: &AlertRule, tick_ms: i64, groups_max: usize, hidden: &[String]) -> Result<Self, AlertError> {
        let alert = &rule.alert;
        let window = i64::try_from(alert.window.0.as_millis()).unwrap_or(i64::MAX);
        let (from, to) = (instant(tick_ms.saturating_sub(window)), instant(tick_ms));
        if let Some(sql) = &alert.sql {
            let mut values = Map::new();
            for (name, value) in [("from", &from), ("to", &to)] {
                if mentions(sql, name) {
                    values.insert(name.to_owned(), value.clone().into());
                }
            }
            return Ok(Self { sql: sql.clone(), values, from, to });
        }
        let filter = alert.filter.clone().unwrap_or_default();
        let now = DateTime::from_timestamp_millis(tick_ms).unwrap_or_default();
        let mut values = Values::default();
        let condition = Selection::from_json(&Value::Object(filter), now)
            .and_then(|selection| selection.condition(&mut values, hidden))
            .map_err(AlertError::Filter)?;
        let time = match alert.clock {
            Clock::Arrival => "observed_time",
            Clock::Event => "event_time",
        };
        let by: Vec<String> = alert.by.iter().map(|name| format!("\"{name}\"")).collect();
        let shown = if by.is_empty() { String::new() } else { format!("{}, ", by.join(", ")) };
        let grouped = if by.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {} LIMIT {}", by.join(", "), groups_max.saturating_add(1))
        };
        // Alerts are events as well: a rule that counted its own would never end.
        let sql = format!(
            "SELECT {shown}{} AS {VALUE} FROM events WHERE ({condition}) AND NOT (source = 'kronika' AND dataset = 'alerts') \
             AND {time} >= $alert_from AND {time} < $alert_to{grouped}",
            measure(alert.metric, alert.of.as_deref())
        );
        let mut values = values.into_map();
        values.insert("alert_from".into(), from.clone().into());
        values.insert("alert_to".into(), to.clone().into());
        Ok(Self { sql, values, from, to })
    }
}

/// The aggregate of a metric.
fn measure(metric: Metric, of: Option<&str>) -> String {
    let Some(of) = of else { return "count(*)".to_owned() };
    let (value, number) = match of.strip_prefix("attributes.") {
        Some(path) => {
            let mut names: Vec<String> =
                path.split('.').map(|name| format!("'{}'", name.replace('\'', "''"))).collect();
            let last = names.pop().unwrap_or_default();
            let inner: String = names.iter().map(|name| format!("->{name}")).collect();
            let text = format!("(attributes{inner}->>{last})");
            (text.clone(), format!("TRY_CAST({text} AS DOUBLE)"))
        }
        None => (format!("\"{of}\""), format!("CAST(\"{of}\" AS DOUBLE)")),
    };
    match metric {
        Metric::Count => "count(*)".to_owned(),
        Metric::Distinct => format!("count(DISTINCT {value})"),
        Metric::Sum => format!("sum({number})"),
        Metric::Avg => format!("avg({number})"),
        Metric::Min => format!("min({number})"),
        Metric::Max => format!("max({number})"),
    }
}

/// Whether `sql` has the placeholder `$name`.
fn mentions(sql: &str, name: &str) -> bool {
    let whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let needle = format!("${name}");
    sql.match_indices(&needle).any(|(at, _)| whole(&sql[at + needle.len()..]))
}

/// What an answer with `columns` says.
///
/// # Errors
/// It has no column `value`, a value is no number, or there are more groups than `groups_max`.
pub fn read(columns: &[OutColumn], batches: &[RecordBatch], groups_max: usize) -> Result<Measured, AlertError> {
    if !columns.iter().any(|column| column.name == VALUE) {
        return Err(AlertError::Answer(format!("it has no column `{VALUE}`")));
    }
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows > groups_max {
        return Err(AlertError::Answer(format!("it has more than {groups_max} groups (alerts.groups_max)")));
    }
    let writer = ObjectWriter::new(columns);
    let mut found = Measured::with_capacity(rows);
    let mut wrong = None;
    for batch in batches {
        writer.write(batch, |_, object| match row(object) {
            Ok(row) => found.push(row),
            Err(error) => wrong = Some(error),
        });
    }
    wrong.map_or(Ok(found), Err)
}

fn row(object: &[u8]) -> Result<(Map<String, Value>, Option<f64>), AlertError> {
    let read = serde_json::from_slice::<Map<String, Value>>(object);
    let mut group = read.map_err(|error| AlertError::Answer(error.to_string()))?;
    let value = match group.shift_remove(VALUE) {
        None => None,
        Some(Value::Number(number)) => number.as_f64(),
        // 64-bit numbers and decimals come as their digits.
        Some(Value::String(digits)) => Some(digits.parse::<f64>().map_err(|_| {
            AlertError::Answer(format!(
                "`{VALUE}` is `{}`, which is no number",
                digits.chars().take(40).collect::<String>()
            ))
        })?),
        Some(Value::Bool(value)) => Some(f64::from(u8::from(value))),
        Some(other) => return Err(AlertError::Answer(format!("`{VALUE}` is {other}, which is no number"))),
    };
    Ok((group, value.filter(|value| !value.is_nan())))
}

/// An instant as SQL and people read it.
pub(super) fn instant(ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
