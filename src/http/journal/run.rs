//! What the routes of the journal share: asking as the caller, and saying what was asked.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::error::Kind;
use crate::http::caller::Authorized;
use crate::http::problem::ApiError;
use crate::http::trail::Trail;
use crate::journal::lookup::Ask;
use crate::journal::rows::{Note, Reader, Row};
use crate::query::{End, Limits, Session};

/// A caller's view of its project, for all statements of one request.
pub(super) struct Asking {
    session: Session,
    limits: Limits,
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
    fn asks(&self, ask: &Ask) {
        if !std::mem::replace(&mut self.noted.lock().0, true) {
            self.trail.asks(&ask.sql, &Value::Object(ask.values.clone()), None);
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
        let project = caller.project();
        let turn = engine.turn(&caller.caller, &project).await?;
        let session = engine.session_for(&caller.caller, &project)?.in_turn(turn);
        let restriction = caller.caller.reader(&project).restriction;
        let hidden = restriction.map(|restriction| restriction.hidden()).unwrap_or_default();
        let note = First { trail: caller.trail.clone(), noted: parking_lot::Mutex::default() };
        Ok(Self { session, limits: Limits::of(&engine.config().query), note, hidden })
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { session: &self.session, limits: self.limits, note: &self.note }
    }
}

/// The SQL of a list, for `?explain=sql`.
pub(super) fn explained(ask: &Ask) -> Response {
    Json(json!({"sql": ask.sql, "params": ask.values})).into_response()
}

/// Cuts a list of one row more than was asked for; whether there was one.
pub(super) fn cut(rows: &mut Vec<Row>, limit: usize) -> bool {
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

/// A `limit` of a list.
pub(super) fn limit(given: Option<usize>, default: usize, most: usize) -> Result<usize, ApiError> {
    match given {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => {
            Err(ApiError::new(Kind::Invalid, "invalid_parameter", format!("`limit` is 1 to {most}, not {limit}")))
        }
    }
}

/// Work that may take a while, on a thread where nobody waits for it.
pub(super) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ApiError::internal("a comparison did not come back"))
}

/// Parameters behind the `?` that are not read yet.
pub(in crate::http) struct Pairs(pub(super) Vec<(String, String)>);

impl Pairs {
    /// The one value of a parameter.
    pub(super) fn take(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let mut found = self.all(name);
        if found.len() > 1 {
            return Err(invalid(format!("`{name}` is given {} times", found.len())));
        }
        Ok(found.pop())
    }

    /// All values of a parameter.
    pub(super) fn all(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(given, _)| given == name).map(|(_, value)| value).collect()
    }

    /// A parameter that is a number.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<usize>, ApiError> {
        let text = self.take(name)?;
        text.map(|text| text.parse().map_err(|_| invalid(format!("`{name}` is a number, not `{text}`")))).transpose()
    }

    /// Refuses what nobody has read.
    pub(super) fn finish(&self, allowed: &[&str]) -> Result<(), ApiError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(invalid(format!("there is no parameter `{name}`; there are {}", allowed.join(", ")))),
        }
    }
}

fn invalid(detail: String) -> ApiError {
    ApiError::new(Kind::Invalid, "invalid_parameter", detail)
}

/// Where a page ended, as its caller gets it.
pub(super) fn cursor_of(place: &Value) -> String {
    crate::access::hex(place.to_string().as_bytes())
}

/// Where the page before ended.
pub(super) fn cursor_to(text: &str) -> Result<Value, ApiError> {
    let wrong = || invalid("`cursor` is no `next` of this list".into());
    let digits = text.as_bytes();
    if !digits.is_ascii() || digits.len() % 2 != 0 {
        return Err(wrong());
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    let place: Value = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(wrong)?;
    if place.is_object() { Ok(place) } else { Err(wrong()) }
}

impl Pairs {
    /// TEMP
    pub(super) fn selection(&mut self, ask: &mut Ask) -> Result<Option<String>, ApiError> {
        self.condition(ask, &["source", "event_type", "object_type", "session_id"])
    }

    /// TEMP
    pub(super) fn condition(&mut self, ask: &mut Ask, fields: &[&str]) -> Result<Option<String>, ApiError> {
        let mut parts = Vec::new();
        for (at, (name, value)) in std::mem::take(&mut self.0).into_iter().enumerate() {
            let (field, not) = match name.strip_suffix('!') { Some(field) => (field.to_owned(), true), None => (name, false) };
            if !fields.contains(&field.as_str()) { return Err(invalid(format!("there is no filter `{field}`; there are {}", fields.join(", ")))); }
            let value = ask.value(&format!("p{at}"), value);
            parts.push(format!("{field} {} {value}", if not { "<>" } else { "=" }));
        }
        Ok((!parts.is_empty()).then(|| parts.join(" AND ")))
    }
}
