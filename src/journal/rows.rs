//! Rows of an answer as JSON objects, for what is made of few of them.

use futures::TryStreamExt;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Statement;
use super::lookup::LookupError;
use crate::query::{Answer, End, Format, Limits, QueryError, Session, encode, objects};

/// A row: its columns by name, values as `docs/queries.md` says; 64-bit integers as text.
pub type Row = Map<String, Value>;

/// All rows of an answer, and whether some are missing because of a cap.
///
/// # Errors
/// As the answer's.
pub async fn rows(answer: Answer) -> Result<(Vec<Row>, bool), QueryError> {
    let end = answer.end();
    let bytes = encode(answer, Format::Ndjson)
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await?;
    let cut = end.get().is_some_and(|outcome| outcome.truncated);
    let lines = serde_json::Deserializer::from_slice(&bytes).into_iter::<Row>();
    let mut rows: Vec<Row> = lines.collect::<Result<_, _>>().map_err(|error| QueryError::Internal(error.into()))?;
    if cut {
        // The line that says so.
        rows.pop();
    }
    Ok((rows, cut))
}

/// A text of a row.
#[must_use]
pub fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column).and_then(Value::as_str)
}

/// A 64-bit integer of a row.
#[must_use]
pub fn int(row: &Row, column: &str) -> Option<i64> {
    match row.get(column)? {
        Value::String(digits) => digits.parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// Told of what is asked, for the record.
pub trait Note: Sync {
    /// A statement is about to run.
    fn asks(&self, ask: &Statement);
    /// Its end will be told there.
    fn answered(&self, end: End);
}

/// Asks on somebody's behalf; all its statements see the same events.
pub struct Reader<'a> {
    /// Of the caller: it sees what the caller's key may see.
    pub session: &'a Session,
    /// Of each statement.
    pub limits: Limits,
    /// Told of each.
    pub note: &'a dyn Note,
}

impl Reader<'_> {
    /// Rows of a statement, and whether some are missing because of a cap.
    ///
    /// # Errors
    /// As the query's.
    pub async fn rows(&self, ask: &Statement) -> Result<(Vec<Row>, bool), QueryError> {
        self.note.asks(ask);
        let answer = self.session.run(&ask.sql, ask.params(), self.limits).await?;
        self.note.answered(answer.end());
        rows(answer).await
    }

    /// Events of a statement, as lists show them.
    ///
    /// # Errors
    /// As [`Reader::all`].
    pub async fn events(&self, ask: &Statement) -> Result<Vec<Box<RawValue>>, LookupError> {
        self.note.asks(ask);
        let answer = self.session.run(&ask.sql, ask.params(), self.limits).await?;
        self.note.answered(answer.end());
        let (batches, outcome) = answer.collect().await?;
        if outcome.truncated {
            return Err(LookupError::TooLarge);
        }
        let mut events = Vec::new();
        for batch in batches {
            events.extend(objects(&batch, &[])?);
        }
        Ok(events)
    }

    /// All rows of a statement.
    ///
    /// # Errors
    /// As the query's; [`LookupError::TooLarge`] where it was cut.
    pub async fn all(&self, ask: &Statement) -> Result<Vec<Row>, LookupError> {
        match self.rows(ask).await? {
            (rows, false) => Ok(rows),
            (_, true) => Err(LookupError::TooLarge),
        }
    }
}
