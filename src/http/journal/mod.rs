//! Routes of the journal: lists, details, figures. Each turns its parameters into a statement of
//! [`crate::journal`], runs it as the caller, and answers JSON; with `explain=sql` it only says what it would run.

pub(super) mod alerts;
pub(super) mod attachments;
pub(super) mod bodies;
pub(super) mod catalog;
pub(super) mod changes;
mod detail;
pub(super) mod exports;
mod figures;
pub(super) mod filters;
mod history;
mod list;
pub(super) mod objects;
pub(super) mod people;
mod run;
pub(super) mod screens;
mod serving;
pub(super) mod sessions;
pub(super) mod tail;
pub(super) mod tasks;
pub(super) mod views;
pub(super) mod webhooks;

use arrow::record_batch::RecordBatch;
use axum::Json;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::caller::{Authorized, Query};
use super::problem::ApiError;
use super::query::PARTIAL;
use crate::engine::Engine;
use crate::error::Kind;
use crate::event::names::ProjectName;
use crate::journal::{JournalError, Period, Selection, Statement, Term};
use crate::query::{Limits, Missing, QueryError, Session, objects};

pub(super) use detail::{__path_event, event};
pub(super) use figures::{__path_aggregate, __path_facets, __path_histogram, aggregate, facets, histogram};
pub(super) use list::{__path_filter_fields, __path_list_events, filter_fields, list_events};

/// Parameters as they stand behind the `?`, those of a route taken out one by one.
pub(super) struct Given(pub(super) Vec<(String, String)>);

impl Given {
    /// The value of a parameter that can be given once.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let mut found = None;
        let mut twice = false;
        self.0.retain_mut(|(key, value)| {
            let is = key == name;
            if is {
                twice |= found.replace(std::mem::take(value)).is_some();
            }
            !is
        });
        match twice {
            true => Err(JournalError::value(name, "is given twice").into()),
            false => Ok(found),
        }
    }

    /// A whole number between 1 and `most`.
    pub(super) fn take_count(&mut self, name: &str, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.take(name)? else { return Ok(default.min(most)) };
        let number = text.parse::<usize>().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| JournalError::value(name, format!("is a number from 1 to {most}, not `{text}`")).into())
    }

    /// Names behind commas.
    pub(super) fn take_names(&mut self, name: &str) -> Result<Vec<String>, ApiError> {
        let text = self.take(name)?.unwrap_or_default();
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// Whether an answer without stored events that cannot be read will do.
    pub(super) fn take_partial(&mut self) -> Result<bool, ApiError> {
        self.take_flag("partial", false)
    }

    /// `true` or `false`.
    pub(super) fn take_flag(&mut self, name: &'static str, default: bool) -> Result<bool, ApiError> {
        match self.take(name)?.as_deref() {
            None => Ok(default),
            Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(JournalError::value(name, format!("is `true` or `false`, not `{other}`")).into()),
        }
    }

    /// Whether `explain=sql` stands there.
    pub(super) fn take_explain(&mut self) -> Result<bool, ApiError> {
        match self.take("explain")?.as_deref() {
            None => Ok(false),
            Some("sql") => Ok(true),
            Some(other) => Err(JournalError::value("explain", format!("is `sql`, not `{other}`")).into()),
        }
    }

    /// As [`Given::selection`], and the filter that `saved` names must hold as well.
    pub(super) fn selection_with_saved(
        mut self,
        engine: &Engine,
        caller: &Authorized<Query>,
    ) -> Result<Selection, ApiError> {
        let saved = self.take("saved")?;
        let mut selection = self.selection()?;
        if let Some(name) = saved {
            let saved = engine.saved_selection(&caller.caller, &caller.project(), &name)?;
            if selection.period == Period::Unsaid {
                selection.period = saved.period;
            }
            selection.zone = selection.zone.or(saved.zone);
            selection.filter.terms.push(Term::All(vec![saved.filter]));
        }
        Ok(selection)
    }

    /// What is left as filters and a period; nothing may remain.
    pub(super) fn selection(mut self) -> Result<Selection, ApiError> {
        let selection = Selection::from_pairs(&mut self.0, Utc::now())?;
        match self.0.first() {
            None => Ok(selection),
            Some((key, _)) => {
                let mut probe = crate::journal::Filter::default();
                Err(probe
                    .add(key, Vec::new())
                    .err()
                    .map_or_else(|| ApiError::internal("a filter was left"), Into::into))
            }
        }
    }
}

/// What a request reads with: one snapshot, seen by its caller.
pub(super) struct Reading {
    session: Session,
    limits: Limits,
    /// What its answers were made without, where that will do.
    missing: Option<Mutex<Missing>>,
}

/// Stored events that an answer was made without, as they could not be read. Restricted keys are not told how many.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(in crate::http) struct MissingEvents {
    /// Files that are damaged or cannot be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    /// Events in them; some may not have been asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
}

impl Reading {
    /// Waits for the caller's turn.
    pub(super) async fn begin<S>(
        engine: &Engine,
        caller: &Authorized<S>,
        project: &ProjectName,
    ) -> Result<Self, ApiError> {
        let turn = engine.turn(&caller.caller, project).await?;
        let session = engine.session_for(&caller.caller, project)?.in_turn(turn);
        Ok(Self { session, limits: Limits::of(&engine.config().query), missing: None })
    }

    /// The same, whose answers may be without stored events that cannot be read.
    pub(super) fn partly(self, partial: bool) -> Self {
        Self { missing: partial.then(Mutex::default), ..self }
    }

    /// What its answers so far were made without.
    pub(super) fn missing(&self) -> Option<MissingEvents> {
        let missing = *self.missing.as_ref()?.lock();
        let told = self.session.reader().restriction.is_none();
        let of = |count: u64| told.then_some(count);
        (missing.files > 0).then(|| MissingEvents { files: of(missing.files), events: of(missing.rows) })
    }

    /// The session.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// All rows of a statement, which the audit journal hears of. An answer that would be cut is refused.
    pub(super) async fn rows(
        &self,
        caller: &Authorized<Query>,
        statement: &Statement,
    ) -> Result<Vec<RecordBatch>, ApiError> {
        caller.trail.asks(&statement.sql, &Value::Object(statement.params.clone()), None);
        let (sql, params) = (&statement.sql, statement.params());
        let (batches, outcome) = match &self.missing {
            None => {
                let answer = self.session.run(sql, params, self.limits).await?;
                caller.trail.answered(answer.end());
                answer.collect().await?
            }
            Some(known) => {
                let begun = |end| caller.trail.answered(end);
                let (batches, outcome, missing) = self.session.collect_partial(sql, params, self.limits, begun).await?;
                let mut known = known.lock();
                if missing.files > known.files {
                    *known = missing;
                }
                (batches, outcome)
            }
        };
        if outcome.truncated {
            let detail = "the answer is larger than `query.rows_max` or `query.bytes_max`";
            return Err(ApiError::new(Kind::TooLarge, "answer_too_large", detail));
        }
        Ok(batches)
    }

    /// The rows as JSON objects.
    pub(super) async fn objects(
        &self,
        caller: &Authorized<Query>,
        statement: &Statement,
        without: &[&str],
    ) -> Result<Vec<Box<RawValue>>, ApiError> {
        let mut rows = Vec::new();
        for batch in self.rows(caller, statement).await? {
            rows.extend(objects(&batch, without)?);
        }
        Ok(rows)
    }

    /// The rows as JSON values.
    pub(super) async fn values(
        &self,
        caller: &Authorized<Query>,
        statement: &Statement,
    ) -> Result<Vec<Value>, ApiError> {
        let rows = self.objects(caller, statement, &[]).await?;
        rows.iter().map(|row| value_of(row)).collect()
    }
}

/// An answer that says what it was made without, if it was.
pub(super) fn partial(mut response: Response, missing: Option<MissingEvents>) -> Response {
    if missing.is_some() {
        response.headers_mut().insert(PARTIAL, HeaderValue::from_static("true"));
    }
    response
}

/// A row as a JSON value.
pub(super) fn value_of(row: &RawValue) -> Result<Value, ApiError> {
    serde_json::from_str(row.get()).map_err(|error| QueryError::Internal(Box::new(error)).into())
}

/// What `explain=sql` answers.
pub(super) fn explained(statements: &[Statement]) -> Response {
    match statements {
        [one] => Json(one).into_response(),
        several => Json(json!({ "statements": several })).into_response(),
    }
}

/// 64-bit integers are texts in our JSON: the number in one.
pub(super) fn integer(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_default()
}

/// How long an answer of figures may be taken from the cache of a browser without asking.
pub(super) const NO_CACHE: &str = "private, no-cache";
