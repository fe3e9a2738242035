//! The events of a server, read through its SQL in pages that fit its limits.
//!
//! A page is a range of `_seq` within a day: nothing has to be sorted, and one that the server cuts is asked
//! for again in halves. Events that arrive meanwhile have higher numbers and are in no page that was read.

use std::collections::BTreeSet;

use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use chrono::{Datelike, NaiveDate};
use futures::{StreamExt, pin_mut};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::progress::Ticker;
use super::rows::{Compared, Row};
use super::tally::{Log, Pass};
use crate::cli::CliError;
use crate::cli::client::{Call, Client, Repeat};
use crate::cli::query::answer::{self, Piece};

/// Most events of a page.
const PAGE_ROWS: u64 = 100_000;
/// How often a page whose answer breaks off is asked for.
const TRIES: u32 = 4;

/// 1970-01-01 in days of the common era.
const EPOCH: i32 = 719_163;

/// The date of a day since 1970.
pub(super) fn date(day: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(day.saturating_add(EPOCH)).unwrap_or(NaiveDate::MAX)
}

/// Which events are compared.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// First and last UTC date; none is open.
    pub(super) from: Option<NaiveDate>,
    pub(super) to: Option<NaiveDate>,
    pub(super) sources: Vec<String>,
    pub(super) modules: Vec<String>,
    /// Where not none: only these logs.
    pub(super) logs: Option<BTreeSet<Log>>,
}

impl Scope {
    /// Whether the event is compared.
    pub(super) fn has(&self, row: &Row) -> bool {
        let day = date(row.day);
        let any = |list: &[String], value: Option<&String>| {
            list.is_empty() || value.is_some_and(|value| list.contains(value))
        };
        let logged =
            |logs: &BTreeSet<Log>| logs.contains(&(row.tenant.clone(), row.source.clone(), row.dataset.clone()));
        self.from.is_none_or(|from| day >= from)
            && self.to.is_none_or(|to| day <= to)
            && any(&self.sources, Some(&row.source))
            && any(&self.modules, row.module.as_ref())
            && self.logs.as_ref().is_none_or(logged)
    }

    /// The condition as SQL, with its values.
    fn condition(&self) -> (String, Map<String, Value>) {
        let mut parts = vec!["true".to_owned()];
        let mut values = Map::new();
        let mut add = |name: &str, part: &str, value: Value| {
            parts.push(part.to_owned());
            values.insert(name.to_owned(), value);
        };
        if let Some(from) = &self.from {
            add("from", "date >= CAST($from AS DATE)", json!(from.to_string()));
        }
        if let Some(to) = &self.to {
            add("to", "date <= CAST($to AS DATE)", json!(to.to_string()));
        }
        let logged = |part: fn(&Log) -> &String| self.logs.iter().flatten().map(part).collect::<BTreeSet<_>>();
        let mut sources: BTreeSet<&String> = self.sources.iter().collect();
        if sources.is_empty() {
            sources = logged(|log| &log.1);
        }
        for (name, column, wanted) in [
            ("sources", "source", sources),
            ("modules", "module", self.modules.iter().collect()),
            ("tenants", "tenant_id", logged(|log| &log.0)),
            ("datasets", "dataset", logged(|log| &log.2)),
        ] {
            if !wanted.is_empty() {
                add(name, &format!("{column} = ANY(${name})"), json!(wanted));
            }
        }
        (parts.join(" AND "), values)
    }
}

/// One server as one side of a comparison.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) client: Client,
    pub(super) compared: Compared,
    /// What it is called in messages.
    pub(super) name: &'static str,
}

/// A range of numbers of one day, both ends included.
#[derive(Debug, Clone, Copy)]
struct Range {
    low: i64,
    high: i64,
}

impl Server {
    /// Hands all events of `scope` to `pass`; where `days` are given, of those only.
    ///
    /// # Errors
    /// The server refuses, or its answers break off again and again.
    pub(super) async fn read<P: Pass>(
        &self,
        scope: &Scope,
        days: Option<&BTreeSet<i32>>,
        mut pass: P,
        ticker: &mut Ticker,
    ) -> Result<P, CliError> {
        for (day, rows, range) in self.days(scope).await? {
            if days.is_some_and(|days| !days.contains(&day)) {
                continue;
            }
            let mut ranges = parts(range, rows.div_ceil(PAGE_ROWS));
            while let Some(range) = ranges.pop() {
                match self.page(scope, day, range).await? {
                    Some(rows) => {
                        ticker.add(rows.len(), self.name);
                        for row in rows.into_iter().filter(|row| scope.has(row)) {
                            pass.take(row)?;
                        }
                    }
                    None if range.low == range.high => {
                        let text = "one event is larger than the answers of the server may be (`query.bytes_max`)";
                        return Err(CliError::Answer(text.into()));
                    }
                    None => ranges.extend(parts(range, 2)),
                }
            }
        }
        Ok(pass)
    }

    /// The days with how many events each has, and their smallest and largest number.
    async fn days(&self, scope: &Scope) -> Result<Vec<(i32, u64, Range)>, CliError> {
        let (condition, values) = scope.condition();
        let sql = format!(
            "SELECT date, count(*) AS events, min(_seq) AS low, max(_seq) AS high FROM events \
             WHERE {condition} GROUP BY date ORDER BY date"
        );
        let call = Call::post("/api/v1/query", Repeat::Always).json(&json!({"sql": sql, "params": values}));
        let answer: Days = self.client.json(&call).await?;
        if answer.truncated {
            return Err(CliError::Answer("the list of days was cut at `query.rows_max`; narrow it with --from".into()));
        }
        answer.rows.into_iter().map(|row| row.read()).collect()
    }

    /// The events of a range; `None` where they are too many for one answer.
    async fn page(&self, scope: &Scope, day: i32, range: Range) -> Result<Option<Vec<Row>>, CliError> {
        let mut tried = 1;
        loop {
            match self.once(scope, day, range).await {
                Err(CliError::Incomplete(_)) if tried < TRIES => tried += 1,
                other => return other,
            }
        }
    }

    async fn once(&self, scope: &Scope, day: i32, range: Range) -> Result<Option<Vec<Row>>, CliError> {
        let (condition, mut values) = scope.condition();
        values.insert("day".into(), json!(date(day).to_string()));
        values.insert("low".into(), json!(range.low));
        values.insert("high".into(), json!(range.high));
        let sql = format!(
            "SELECT {} FROM events WHERE {condition} AND date = CAST($day AS DATE) \
             AND _seq BETWEEN $low AND $high LIMIT {}",
            self.compared.select_list(),
            PAGE_ROWS * 2
        );
        let question = json!({"sql": sql, "params": values, "format": "arrow"});
        let call = Call::post("/api/v1/query", Repeat::Always).json(&question).header("te", "trailers");
        let pieces = answer::pieces(self.client.send(&call).await?);
        pin_mut!(pieces);
        let (mut decoder, mut rows, mut cut) = (StreamDecoder::new(), Vec::new(), false);
        while let Some(piece) = pieces.next().await {
            match piece? {
                Piece::Truncated => cut = true,
                Piece::Bytes(bytes) => {
                    let mut buffer = Buffer::from(bytes);
                    while let Some(batch) = decoder.decode(&mut buffer).map_err(unreadable)? {
                        self.compared.each(&batch, &mut |row| rows.push(row))?;
                    }
                }
            }
        }
        decoder.finish().map_err(unreadable)?;
        Ok((!cut && (rows.len() as u64) < PAGE_ROWS * 2).then_some(rows))
    }
}

fn unreadable(error: arrow::error::ArrowError) -> CliError {
    CliError::Answer(Box::new(error))
}

/// `range` in about `count` parts of the same width.
fn parts(range: Range, count: u64) -> Vec<Range> {
    let width = range.high.abs_diff(range.low);
    let step = (width / count.max(1)).max(1).min(i64::MAX as u64) as i64;
    let mut parts = Vec::new();
    let mut low = range.low;
    loop {
        let high = low.saturating_add(step - 1);
        // The rest that is left over by the division goes into the last part.
        if high >= range.high || parts.len() as u64 + 1 >= count {
            parts.push(Range { low, high: range.high });
            return parts;
        }
        parts.push(Range { low, high });
        low = high + 1;
    }
}

/// The answer to the question for days.
#[derive(Debug, Deserialize)]
struct Days {
    rows: Vec<Day>,
    #[serde(default)]
    truncated: bool,
}

/// A date, and three 64-bit integers as text.
#[derive(Debug, Deserialize)]
struct Day(NaiveDate, String, String, String);

impl Day {
    fn read(self) -> Result<(i32, u64, Range), CliError> {
        let wrong = |error: std::num::ParseIntError| CliError::Answer(error.into());
        let range = Range { low: self.2.parse().map_err(wrong)?, high: self.3.parse().map_err(wrong)? };
        Ok((self.0.num_days_from_ce() - EPOCH, self.1.parse().map_err(wrong)?, range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_a_range_without_gap_or_overlap() {
        for (low, high, count) in
            [(0, 0, 1), (5, 5, 2), (0, 1, 2), (0, 9, 3), (-4, 96, 7), (0, 3, 100), (i64::MIN, i64::MAX, 2)]
        {
            let parts = parts(Range { low, high }, count);
            assert_eq!((parts[0].low, parts[parts.len() - 1].high), (low, high));
            assert!(parts.windows(2).all(|two| two[0].high + 1 == two[1].low && two[0].low <= two[0].high));
            assert!(parts.len() as u64 <= count, "{low} {high} {count}: {}", parts.len());
            // Halving must come to an end.
            assert!(low == high || count < 2 || parts.len() > 1, "{low} {high} {count}");
        }
    }
}
