//! From what is known of a request to what is recorded of it.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::answer::{Counted, ErrorCode};
use super::{Asked, Facts, Trail};
use crate::access::{Reason, Scope};
use crate::engine::Engine;
use crate::engine::audit::{self, Actor, AuditEvent, QueryCall, QueryCost, QueryEnd, RefusalKind};
use crate::event::names::ProjectName;
use crate::http::problem::ApiError;

/// Route of the figures: asked for every few seconds, it counts as use of the key.
const METRICS: &str = "/metrics";
/// End of the route that gives what was exported.
const FILE: &str = "/file";
/// Route that takes events in.
const EVENTS: &str = "/api/v1/events";

/// How an answer to a question ended.
pub(super) struct QueryRecord {
    pub(super) status: &'static str,
    pub(super) error_code: Option<&'static str>,
    pub(super) http_status: u16,
    pub(super) bytes: u64,
}

/// A request that is not recorded yet; dropped, it is recorded as one whose client went away.
pub(super) struct Unfinished(Option<(Engine, Trail)>);

/// What an answer says.
#[derive(Debug, Clone, Copy)]
struct Said {
    status: StatusCode,
    code: Option<ErrorCode>,
}

impl Said {
    fn failed(self) -> bool {
        self.status.is_client_error() || self.status.is_server_error()
    }
}

impl Unfinished {
    pub(super) fn new(engine: &Engine, trail: &Trail) -> Self {
        Self(Some((engine.clone(), trail.clone())))
    }

    /// Records what a request came to and gives its answer; another one where it must not go unrecorded.
    pub(super) async fn finish(mut self, response: Response) -> Response {
        let Some((engine, trail)) = self.0.take() else { return response };
        let said = Said { status: response.status(), code: response.extensions().get::<ErrorCode>().copied() };
        // Counted first: whoever waits below may be gone before the disk has answered.
        let streamed = count(&engine, &trail.0.lock(), said);
        refuse(&engine, &trail, said).await;
        let event = recorded_before_answer(&engine, &trail.0.lock(), said);
        if let Some(event) = event
            && let Err(error) = engine.record(event).await
        {
            return ApiError::from(error).into_response();
        }
        if !streamed {
            return response;
        }
        let unfinished = Self(Some((engine, trail)));
        response.map(|body| Body::new(Counted::new(body, said.status.as_u16(), unfinished)))
    }

    /// Counts a query whose answer has ended.
    pub(super) fn end_query(mut self, record: QueryRecord) {
        if let Some((engine, trail)) = self.0.take() {
            count_query(&engine, &trail.0.lock(), &record);
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some((engine, trail)) = self.0.take() else { return };
        let facts = trail.0.lock();
        facts.count(&engine, true, Some("canceled"));
        if facts.is_question() {
            let record = QueryRecord { status: "canceled", error_code: None, http_status: 0, bytes: 0 };
            count_query(&engine, &facts, &record);
        } else if facts.is_operation() {
            engine.record_later(facts.operation().with("status", "canceled").with("outcome", "unknown"));
        } else if facts.reads_audit() {
            engine.record_later(facts.audit_read(&engine).with("status", "canceled").with("outcome", "unknown"));
        }
    }
}

/// Counts a request; whether its answer is to be counted as well, once it is sent.
fn count(engine: &Engine, facts: &Facts, said: Said) -> bool {
    let error_code = said.code.map(|code| code.code);
    facts.count(engine, said.failed(), error_code);
    if facts.is_question() && said.failed() {
        let status = if error_code == Some("canceled") { "canceled" } else { "failed" };
        let record = QueryRecord { status, error_code, http_status: said.status.as_u16(), bytes: 0 };
        count_query(engine, facts, &record);
    }
    facts.is_question() && !said.failed()
}

/// The event without which the request is not answered.
fn recorded_before_answer(engine: &Engine, facts: &Facts, said: Said) -> Option<AuditEvent> {
    let event = if facts.is_operation() || facts.access_changed {
        let event =
            facts.operation().with("object_before", facts.before.clone()).with("object_after", facts.after.clone());
        match &facts.asked {
            Some(asked) => engine.describe_asked(event, asked.as_asked()),
            None => event,
        }
    } else if facts.reads_audit() {
        facts.audit_read(engine)
    } else {
        return None;
    };
    Some(facts.ended(event, said))
}

/// Records a refusal, if this is one.
async fn refuse(engine: &Engine, trail: &Trail, said: Said) {
    let (origin, kind, durable, event) = {
        let facts = trail.0.lock();
        let Some((kind, durable)) = facts.refusal(said) else { return };
        let (RefusalKind::Login(code) | RefusalKind::Denial(code)) = kind;
        let event = facts.refused(engine, kind, said).with("error_code", code);
        (facts.refused_origin(), kind, durable, event)
    };
    engine.record_refusal(&origin, kind, durable, move || event).await;
}

fn count_query(engine: &Engine, facts: &Facts, record: &QueryRecord) {
    let Some(asked) = &facts.asked else { return };
    let outcome = facts.end.as_ref().and_then(|end| end.get());
    let truncated = outcome.is_some_and(|outcome| outcome.truncated);
    let status = if record.status == "completed" && truncated { "truncated" } else { record.status };
    let stats = outcome.map(|outcome| outcome.stats).unwrap_or_default();
    engine.count_query(QueryCall {
        origin: &facts.origin(),
        asked: asked.as_asked(),
        id: facts.query_id.clone(),
        end: QueryEnd { status, error_code: record.error_code, http_status: record.http_status },
        cost: QueryCost {
            started_us: facts.started_us,
            duration: facts.started.elapsed(),
            rows: stats.rows,
            bytes: record.bytes,
            bytes_scanned: stats.bytes_scanned,
        },
    });
}

impl Asked {
    fn as_asked(&self) -> audit::Asked<'_> {
        match self {
            Self::Sql(sql, params) => audit::Asked::Sql(sql, params),
            Self::Named(name, given) => audit::Asked::Named(name, given),
        }
    }
}

impl Facts {
    /// Counts the request as one of its key, and what it sent.
    fn count(&self, engine: &Engine, failed: bool, error_code: Option<&'static str>) {
        let Some(actor) = &self.actor else { return };
        let received = audit::Received { error_code, ..self.received };
        let received = self.is_ingest().then_some(&received);
        engine.count_request(actor, self.project.as_ref(), self.source, failed, received);
    }

    /// Whether somebody was let through who operates the server, takes data out in bulk, or restores.
    fn is_operation(&self) -> bool {
        let polls = self.method.is_safe() && !self.route().ends_with(FILE);
        match self.scope {
            Some(Scope::Admin) => self.route() != METRICS,
            // Whoever waits for an export asks for its state every second: counted as use of the key.
            Some(Scope::Export) => !polls,
            Some(Scope::Restore) => true,
            _ => false,
        }
    }

    /// Whether somebody who may reads the journal itself: recorded once, and not counted as well.
    fn reads_audit(&self) -> bool {
        self.scope == Some(Scope::AuditRead)
    }

    fn is_question(&self) -> bool {
        self.asked.is_some() && !self.reads_audit() && self.scope != Some(Scope::Export)
    }

    fn is_ingest(&self) -> bool {
        self.scope == Some(Scope::Ingest) && self.route() == EVENTS
    }

    /// What kind of refusal this is, and whether it is recorded before the answer.
    fn refusal(&self, said: Said) -> Option<(RefusalKind, bool)> {
        let code = said.code.map_or("forbidden", |code| code.code);
        if self.is_operation() {
            return None;
        }
        match (&self.denied, said.status) {
            (Some(denied), StatusCode::UNAUTHORIZED) => {
                let known = denied.name.is_some();
                Some((RefusalKind::Login(denied.reason.as_str()), known && denied.reason != Reason::Missing))
            }
            (_, StatusCode::FORBIDDEN) => Some((RefusalKind::Denial(code), true)),
            (None, StatusCode::UNAUTHORIZED) if self.actor.is_some() && self.asked.is_none() => {
                Some((RefusalKind::Denial(code), true))
            }
            _ if self.not_allowed || said.code.is_some_and(|code| code.not_allowed) => {
                Some((RefusalKind::Denial("module_or_tenant_not_allowed"), true))
            }
            _ => None,
        }
    }

    /// Who was refused: also the holder of a key that opened nothing, as far as its id tells.
    fn refused_origin(&self) -> audit::Origin {
        let named = self.denied.as_ref().and_then(|denied| Some((denied.key.clone()?, denied.name.clone()?)));
        let origin = self.origin();
        match named {
            Some((key, name)) => audit::Origin { actor: Some(Actor { key, name }), ..origin },
            None => origin,
        }
    }

    fn refused(&self, engine: &Engine, kind: RefusalKind, said: Said) -> AuditEvent {
        let (event_type, action) = match kind {
            RefusalKind::Login(_) => ("access.login_failed", "login"),
            RefusalKind::Denial(_) => ("access.denied", operation_verb(self)),
        };
        let event = self.event("access", event_type, action).from_origin(&self.refused_origin());
        // An id that no key has is all that is known of who it was.
        let unknown = self.denied.as_ref().filter(|denied| denied.name.is_none()).and_then(|denied| denied.key.clone());
        let event = event
            .with("credential_id", unknown.map(|key| key.to_string()))
            .attribute("needed_scope", self.needed.map(Scope::as_str))
            .attribute("asked_project", self.chosen.as_ref().map(ProjectName::as_str));
        let event = match &self.asked {
            Some(asked) => engine.describe_asked(event, asked.as_asked()),
            None => {
                let (kind, id) = super::operations::object_of(self.route(), self.uri.path());
                event.with("object_type", kind).with("object_id", id)
            }
        };
        self.ended(event, said)
    }

    fn audit_read(&self, engine: &Engine) -> AuditEvent {
        let event = self.event("access", "audit.read", "read").with("tenant_id", ProjectName::AUDIT);
        match &self.asked {
            Some(asked) => engine.describe_asked(event, asked.as_asked()),
            None => event,
        }
    }

    /// What the answer says; of answers that are streamed, how they begin.
    fn ended(&self, event: AuditEvent, said: Said) -> AuditEvent {
        let failed = said.failed();
        event
            .with("outcome", if failed { "failure" } else { "success" })
            .with("status", if failed { "failed" } else { "completed" })
            .with("error_code", said.code.map(|code| code.code))
            .with("http_status", said.status.as_u16())
            .with("duration_ns", audit::nanos(self.started.elapsed()))
    }
}

fn operation_verb(facts: &Facts) -> &'static str {
    match facts.method {
        axum::http::Method::GET | axum::http::Method::HEAD => "read",
        _ => super::operations::of(&facts.method, facts.route()).action,
    }
}
