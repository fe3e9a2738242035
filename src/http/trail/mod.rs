//! What a request leaves in the audit journal: gathered on its way, recorded when its answer is known.
//!
//! ```text
//! recorded (middleware) ─ Trail in the request ─▶ Authorized ─▶ handler ─▶ recorded ─▶ answer
//!                          who, from where          may, what it is about    what it came to
//! ```
//!
//! Handlers only say what nobody else knows: the statement, the receipt, the object before and after.

mod answer;
mod finish;
mod operations;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use parking_lot::Mutex;
use serde_json::Value;
use uuid::Uuid;

use super::observe;
use super::problem::ApiError;
use super::source::source_of;
use crate::access::{Caller, Denied, Scope};
use crate::engine::audit::{Actor, AuditEvent, Origin, Received};
use crate::engine::{Engine, Receipt, now_us};
use crate::event::names::ProjectName;
use crate::query::End;

pub(super) use answer::ErrorCode;

/// Longest text of a request that the journal takes, in characters.
const TEXT_MAX: usize = 256;

/// What a request leaves; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Trail(Arc<Mutex<Facts>>);

/// A question, as it was put.
#[derive(Debug)]
enum Asked {
    Sql(String, Value),
    Named(String, Vec<(String, String)>),
}

/// What is known of a request so far.
#[derive(Debug)]
struct Facts {
    started: Instant,
    started_us: i64,
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    source: Option<IpAddr>,
    user_agent: Option<HeaderValue>,
    /// Why the key opened nothing.
    denied: Option<Denied>,
    actor: Option<Actor>,
    project: Option<ProjectName>,
    /// The scope that the route needs.
    needed: Option<Scope>,
    /// The project that the header names.
    chosen: Option<ProjectName>,
    /// The scope that the caller was found to have.
    scope: Option<Scope>,
    asked: Option<Asked>,
    query_id: Option<String>,
    end: Option<End>,
    received: Received,
    not_allowed: bool,
    /// Whether a browser was signed in or out, or a link was made that will do so.
    access_changed: bool,
    before: Value,
    after: Value,
    /// Joins the two events of a call that changes something.
    correlation: Option<String>,
}

/// Records what a request came to, before its answer where that must be.
pub(super) async fn recorded(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let trail = Trail::begin(&parts, &engine);
    parts.extensions.insert(trail.clone());
    // A client that goes away drops this future: what it did is recorded all the same.
    let unfinished = finish::Unfinished::new(&engine, &trail);
    let response = next.run(Request::from_parts(parts, body)).await;
    unfinished.finish(response).await
}

impl Trail {
    fn begin(parts: &Parts, engine: &Engine) -> Self {
        Self(Arc::new(Mutex::new(Facts {
            started: Instant::now(),
            started_us: now_us(),
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            route: parts.extensions.get::<MatchedPath>().cloned(),
            source: source_of(parts, &engine.config().server.trusted_proxies),
            user_agent: parts.headers.get(header::USER_AGENT).cloned(),
            denied: None,
            actor: None,
            project: None,
            needed: None,
            chosen: None,
            scope: None,
            asked: None,
            query_id: None,
            end: None,
            received: Received::default(),
            not_allowed: false,
            access_changed: false,
            before: Value::Null,
            after: Value::Null,
            correlation: None,
        })))
    }

    /// The trail of a request.
    pub(super) fn of(parts: &Parts) -> Result<Self, ApiError> {
        let trail = parts.extensions.get::<Self>().cloned();
        trail.ok_or_else(|| ApiError::internal("a request without a trail"))
    }

    /// The address that sent the request; `None` where nobody can tell.
    pub(super) fn source(&self) -> Option<IpAddr> {
        self.0.lock().source
    }

    /// The key opened nothing.
    pub(super) fn denied(&self, denied: &Denied) {
        self.0.lock().denied = Some(denied.clone());
    }

    /// Who calls.
    pub(super) fn recognised(&self, caller: &Caller) {
        let mut facts = self.0.lock();
        facts.actor = Some(Actor { key: caller.key.clone(), name: Arc::clone(&caller.name) });
        facts.project.clone_from(&caller.project);
    }

    /// Who calls, and what that takes.
    pub(super) fn called_by(&self, caller: &Caller, needed: Scope, chosen: Option<&ProjectName>) {
        self.recognised(caller);
        let mut facts = self.0.lock();
        facts.needed = Some(needed);
        facts.chosen = chosen.cloned();
    }

    /// The caller may do what it asks for. A call that changes something is on record before it begins.
    pub(super) async fn admitted(
        &self,
        engine: &Engine,
        scope: Scope,
        project: Option<ProjectName>,
    ) -> Result<(), ApiError> {
        let begun = {
            let mut facts = self.0.lock();
            facts.scope = Some(scope);
            facts.project = project;
            let changes = matches!(scope, Scope::Admin | Scope::Restore) && !facts.method.is_safe();
            changes.then(|| {
                facts.correlation = Some(Uuid::now_v7().to_string());
                facts.operation().with("status", "begun").with("outcome", "unknown")
            })
        };
        match begun {
            Some(event) => Ok(engine.record(event).await?),
            None => Ok(()),
        }
    }

    /// What is asked in SQL, with the caller's name for it.
    pub(super) fn asks(&self, sql: &str, params: &Value, id: Option<&String>) {
        let mut facts = self.0.lock();
        facts.asked = Some(Asked::Sql(sql.to_owned(), params.clone()));
        facts.query_id = id.cloned();
    }

    /// Which named query is asked.
    pub(super) fn asks_named(&self, name: &str, given: &[(String, String)]) {
        self.0.lock().asked = Some(Asked::Named(text(name), given.to_vec()));
    }

    /// Where the end of the answer will be told.
    pub(super) fn answered(&self, end: End) {
        self.0.lock().end = Some(end);
    }

    /// Bytes of events that came in.
    pub(super) fn received(&self, bytes: usize) {
        self.0.lock().received.bytes = bytes as u64;
    }

    /// What became of the events.
    pub(super) fn stored(&self, receipt: &Receipt) {
        let mut facts = self.0.lock();
        // An answer that was given before stored nothing now.
        if !receipt.replayed {
            facts.received.accepted = receipt.accepted;
            facts.received.rejected = receipt.rejected;
            facts.received.duplicates = receipt.duplicates;
        }
        facts.not_allowed = receipt.any_not_allowed();
    }

    /// The caller signed in or out, or made a link that signs in: recorded before the answer.
    pub(super) fn changes_access(&self, how: Value) {
        let mut facts = self.0.lock();
        (facts.access_changed, facts.after) = (true, how);
    }

    /// The object of the call before and after it, NULL where there is none; neither may hold a secret.
    pub(super) fn changes(&self, before: Value, after: Value) {
        let mut facts = self.0.lock();
        (facts.before, facts.after) = (before, after);
    }
}

impl Facts {
    fn route(&self) -> &str {
        self.route.as_ref().map_or("", |route| route.as_str())
    }

    fn origin(&self) -> Origin {
        Origin {
            actor: self.actor.clone(),
            project: self.project.clone(),
            source: self.source,
            method: observe::known(&self.method),
            route: self.route().into(),
        }
    }

    fn event(&self, module: &str, event_type: &str, action: &str) -> AuditEvent {
        let agent = self.user_agent.as_ref().and_then(|value| value.to_str().ok());
        let event = AuditEvent::new(module, event_type, action).from_origin(&self.origin());
        let event = event.with("event_time", self.started_us).with("user_agent", agent.map(text));
        event.with("url", operations::without_secrets(self.uri.path())).with("correlation_id", self.correlation.clone())
    }

    /// The call of an operator.
    fn operation(&self) -> AuditEvent {
        let operation = operations::of(&self.method, self.route());
        let (kind, id) = operations::object_of(self.route(), self.uri.path());
        let made = || self.after.get("id").or(self.after.get("name")).cloned();
        let id = id.map(Value::from).or_else(made);
        self.event(operation.module, operation.event_type, operation.action)
            .with("object_type", kind)
            .with("object_id", id)
    }
}

/// As much of a text as the journal takes, without control characters and keys.
fn text(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect();
    operations::without_secrets(&text)
}
