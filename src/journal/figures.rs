//! Figures over a selection: facets, histograms, aggregates; each one statement.

use chrono::{DateTime, Utc};

use super::columns::single;
use super::compile::{Values, literal};
use super::dimension::dimension;
use super::{JournalError, Selection, Statement};
use crate::event::calendar::Step;

/// Most groups of one dimension, and most dimensions.
const DIMENSIONS_MAX: usize = 4;

/// What is computed of each group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// How many events.
    Count,
    /// Sum of a number.
    Sum,
    /// Mean of a number.
    Avg,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// How many different values.
    Distinct,
    /// The value below which this share of all lies, exactly.
    Percentile(f64),
}

impl Metric {
    /// Names, for messages.
    pub const FORMS: &str =
        "`count`, `sum`, `avg`, `min`, `max`, `distinct`, `p50`, `p90`, `p95`, `p99` or any `p0` to `p100`";

    /// Reads a metric's name.
    ///
    /// # Errors
    /// It is none of [`Metric::FORMS`].
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        let percent = || text.strip_prefix('p')?.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
        Ok(match text {
            "count" => Self::Count,
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            "distinct" => Self::Distinct,
            _ => match percent() {
                Some(percent) => Self::Percentile(percent / 100.0),
                None => return Err(JournalError::value("metric", format!("`{text}` is none of {}", Self::FORMS))),
            },
        })
    }

    /// The metric as SQL over `of`, which all but a count need.
    fn sql(self, of: Option<&str>) -> Result<String, JournalError> {
        let of = || of.ok_or_else(|| JournalError::value("of", "names the column that the metric is of"));
        Ok(match self {
            Self::Count => "count(*)".to_owned(),
            Self::Sum => format!("sum({})", of()?),
            Self::Avg => format!("avg({})", of()?),
            Self::Min => format!("min({})", of()?),
            Self::Max => format!("max({})", of()?),
            Self::Distinct => format!("count(DISTINCT {})", of()?),
            Self::Percentile(share) => {
                format!("percentile_cont({share:?}) WITHIN GROUP (ORDER BY CAST({} AS DOUBLE))", of()?)
            }
        })
    }
}

/// A value that events can be grouped by or computed of: a column, a part of `attributes`, or a word of the filters that
/// has one value for each event.
fn value(selection: &Selection, parameter: &str, name: &str, number: bool) -> Result<String, JournalError> {
    if let Some(value) = dimension(name, selection.clock()) {
        return Ok(value);
    }
    let Some(path) = name.strip_prefix("attributes.").filter(|path| !path.is_empty()) else {
        return single(parameter, name).map(str::to_owned);
    };
    let keys: Vec<String> = path.split('.').map(literal).collect();
    let function = if number { "json_get_float" } else { "json_as_text" };
    Ok(format!("{function}(attributes, {})", keys.join(", ")))
}

/// How often each value of a column is there: the `top` most frequent ones.
///
/// # Errors
/// No such column, or a value that a filter cannot take.
pub fn facet(selection: &Selection, field: &str, top: usize, hidden: &[String]) -> Result<Statement, JournalError> {
    let mut values = Values::default();
    let field = value(selection, "fields", field, false)?;
    let condition = selection.condition(&mut values, hidden)?;
    // Every group is counted, so that the number of values and of all events is known besides the first ones.
    let sql = format!(
        "SELECT value, count, count(*) OVER () AS values, CAST(sum(count) OVER () AS BIGINT) AS events \
         FROM (SELECT {field} AS value, count(*) AS count FROM events WHERE {condition} GROUP BY 1) \
         ORDER BY count DESC, value NULLS LAST LIMIT {top}"
    );
    Ok(Statement::new(sql, values))
}

/// The first and the last time of a selection.
///
/// # Errors
/// A value that a filter cannot take.
pub fn span(selection: &Selection, hidden: &[String]) -> Result<Statement, JournalError> {
    let mut values = Values::default();
    let condition = selection.condition(&mut values, hidden)?;
    let sql = format!("SELECT min(event_time) AS first, max(event_time) AS last FROM events WHERE {condition}");
    Ok(Statement::new(sql, values))
}

/// Events in each step of the calendar, of each value of `by`.
///
/// # Errors
/// No such column, or a value that a filter cannot take.
pub fn histogram(
    selection: &Selection,
    step: Step,
    by: Option<&str>,
    hidden: &[String],
) -> Result<Statement, JournalError> {
    let mut values = Values::default();
    let zone = selection.zone().name();
    let time = format!("local_bin('{step}', event_time, '{zone}')");
    let by = by.map(|by| value(selection, "by", by, false)).transpose()?;
    let condition = selection.condition(&mut values, hidden)?;
    let sql = match by {
        None => format!("SELECT {time} AS time, count(*) AS count FROM events WHERE {condition} GROUP BY 1 ORDER BY 1"),
        Some(by) => format!(
            "SELECT {time} AS time, {by} AS series, count(*) AS count FROM events WHERE {condition} GROUP BY 1, 2 ORDER BY 1, 2"
        ),
    };
    Ok(Statement::new(sql, values))
}

/// What an aggregate is of.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// The metric.
    pub metric: Metric,
    /// Of what it is.
    pub of: Option<String>,
    /// What events are grouped by.
    pub by: Vec<String>,
    /// In steps of time, besides.
    pub step: Option<Step>,
    /// Groups with the largest values, which are given.
    pub top: usize,
}

impl Aggregate {
    /// One row a group and step: `time` where there are steps, the groups under their names, `value`.
    ///
    /// # Errors
    /// No such column, too many groups, or a value that a filter cannot take.
    pub fn statement(&self, selection: &Selection, hidden: &[String]) -> Result<Statement, JournalError> {
        if self.by.len() > DIMENSIONS_MAX {
            return Err(JournalError::value("by", format!("names at most {DIMENSIONS_MAX} columns")));
        }
        let mut values = Values::default();
        let number = !matches!(self.metric, Metric::Distinct);
        let of = self.of.as_deref().map(|of| value(selection, "of", of, number)).transpose()?;
        let metric = self.metric.sql(of.as_deref())?;
        let mut groups = Vec::new();
        for by in &self.by {
            groups.push(value(selection, "by", by, false)?);
        }
        let condition = selection.condition(&mut values, hidden)?;
        let names: Vec<String> = (1..=groups.len()).map(|at| format!("g{at}")).collect();
        let named: Vec<String> = groups.iter().zip(&names).map(|(group, name)| format!("{group} AS {name}")).collect();
        let top = self.top;
        let grouped = |select: &[String], by: usize| {
            let positions: Vec<String> = (1..=by).map(|at| at.to_string()).collect();
            let group = if by == 0 { String::new() } else { format!(" GROUP BY {}", positions.join(", ")) };
            format!("SELECT {} FROM events WHERE {condition}{group}", select.join(", "))
        };
        let with = |mut columns: Vec<String>| {
            columns.push(format!("{metric} AS value"));
            columns
        };
        let sql = match self.step {
            None => {
                let inner = grouped(&with(named), groups.len());
                format!("{inner} ORDER BY value DESC NULLS LAST{} LIMIT {top}", comma(&names))
            }
            Some(step) => {
                let time = format!("local_bin('{step}', event_time, '{}') AS time", selection.zone().name());
                let stepped = grouped(&with([vec![time], named.clone()].concat()), groups.len() + 1);
                if groups.is_empty() {
                    format!("{stepped} ORDER BY time")
                } else {
                    let largest = grouped(&with(named), groups.len());
                    let same: Vec<String> =
                        names.iter().map(|name| format!("s.{name} IS NOT DISTINCT FROM t.{name}")).collect();
                    format!(
                        "SELECT s.* FROM ({stepped}) s JOIN ({largest} ORDER BY value DESC NULLS LAST{} LIMIT {top}) t \
                         ON {} ORDER BY s.time, s.value DESC NULLS LAST",
                        comma(&names),
                        same.join(" AND ")
                    )
                }
            }
        };
        Ok(Statement::new(sql, values))
    }
}

/// Further columns of an ORDER BY.
fn comma(names: &[String]) -> String {
    names.iter().map(|name| format!(", {name} NULLS LAST")).collect()
}

/// Beginnings of all steps from `first` to `last` on the clocks of the selection's zone; no more than `most`.
#[must_use]
pub fn steps(
    selection: &Selection,
    step: Step,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    most: usize,
) -> Option<Vec<i64>> {
    let zone = selection.zone();
    let (mut at, mut starts) = (first, Vec::new());
    while at <= last {
        if starts.len() == most {
            return None;
        }
        let (from, to) = step.bucket(at, zone);
        starts.push(from.timestamp_micros());
        at = to;
    }
    Some(starts)
}
