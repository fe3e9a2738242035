//! What the routes of the journal share: asking as the caller, and saying what was asked.

use std::sync::Arc;

use serde_json::Value;

use super::{Given, Reading};
use crate::access::{hex, unhex};
use crate::engine::Engine;
use crate::error::Kind;
use crate::event::schema::SEQ;
use crate::http::caller::Authorized;
use crate::http::problem::ApiError;
use crate::http::trail::Trail;
use crate::journal::lookup::Narrow;
use crate::journal::rows::{Note, Reader};
use crate::journal::{LONG, Statement, columns};
use crate::query::End;

/// A caller's view of its project, for all statements of one request.
pub(super) struct Asking {
    reading: Reading,
    note: First,
    /// Columns that its key does not show.
    pub(super) hidden: Arc<[String]>,
}

/// Notes the first statement of a request: it is the one that the route is about.
struct First {
    trail: Trail,
    noted: parking_lot::Mutex<(bool, bool)>,
}

impl Note for First {
    fn asks(&self, ask: &Statement) {
        if !std::mem::replace(&mut self.noted.lock().0, true) {
            self.trail.asks(&ask.sql, &Value::Object(ask.params.clone()), None);
        }
    }

    fn answered(&self, end: End) {
        if !std::mem::replace(&mut self.noted.lock().1, true) {
            self.trail.answered(end);
        }
    }
}

impl Asking {
    /// Waits for the caller's turn and takes a snapshot of the project.
    pub(super) async fn begin<S>(engine: &Engine, caller: &Authorized<S>) -> Result<Self, ApiError> {
        let reading = Reading::begin(engine, caller, &caller.project()).await?;
        let hidden = reading.session.hidden();
        let note = First { trail: caller.trail.clone(), noted: parking_lot::Mutex::default() };
        Ok(Self { reading, note, hidden })
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { session: &self.reading.session, limits: self.reading.limits, note: &self.note }
    }
}

/// Cuts a list of one row more than was asked for; whether there was one.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: usize) -> bool {
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

/// Work that may take a while, on a thread where nobody waits for it.
pub(super) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::internal("a comparison did not come back"))
}

impl Given {
    /// All values of a parameter.
    pub(super) fn take_all(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(given, _)| given == name).map(|(_, value)| value).collect()
    }

    /// What tells things of one id apart.
    pub(super) fn take_narrow(&mut self) -> Result<Narrow, ApiError> {
        Ok(Narrow { tenant_id: self.take("tenant_id")?, source: self.take("source")?, dataset: None })
    }

    /// Refuses what is left.
    pub(super) fn finish(self, allowed: &[&str]) -> Result<(), ApiError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(invalid(format!("there is no parameter `{name}`; there are {}", allowed.join(", "))))
            }
        }
    }
}

fn invalid(detail: String) -> ApiError {
    ApiError::new(Kind::Invalid, "invalid_parameter", detail)
}

/// Where a page ended, as its caller gets it.
pub(super) fn cursor_of(place: &Value) -> String {
    hex(place.to_string().as_bytes())
}

/// Where the page before ended.
pub(super) fn cursor_to(text: &str) -> Result<Value, ApiError> {
    let wrong = || invalid("`cursor` is no `next` of this list".into());
    let place: Value = unhex(text).and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(wrong)?;
    if place.is_object() { Ok(place) } else { Err(wrong()) }
}

/// Columns of events that stand inside of another answer.
pub(super) fn event_columns(hidden: &[String]) -> String {
    let long = |name: &&str| !LONG.contains(name);
    columns(hidden).filter(long).chain([SEQ]).collect::<Vec<_>>().join(", ")
}
