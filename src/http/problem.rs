//! The one border where errors become HTTP: `application/problem+json` (RFC 9457) with stable codes.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::trail::ErrorCode;
use super::{catalogue, observe};
use crate::access::AccessError;
use crate::engine::audit::AuditError;
use crate::engine::jobs::JobError;
use crate::engine::{AdmissionError, AlertFailure, AppendError, EngineError, RestoreError, TailError, TrialError};
use crate::error::{Kind, Report};
use crate::event::mapping::MappingError;
use crate::journal::JournalError;
use crate::journal::alerts::AlertError;
use crate::journal::catalog::CatalogError;
use crate::journal::lookup::LookupError;
use crate::journal::saved::SavedError;
use crate::journal::screens::ScreenError;
use crate::journal::views::ViewError;
use crate::journal::webhook::OutboxError;
use crate::query::QueryError;

/// When to ask again after an object store did not answer, in seconds.
const STORE_RETRY_S: u64 = 5;

/// A refused request.
#[derive(Debug)]
pub(super) struct ApiError(Box<Refusal>);

#[derive(Debug)]
struct Refusal {
    kind: Kind,
    code: &'static str,
    detail: String,
    hint: Option<String>,
    retry_after_s: Option<u64>,
    /// Whether the caller's key is not for what was sent.
    not_allowed: bool,
    /// Further members of the problem document.
    more: Map<String, Value>,
}

/// An error document as the OpenAPI document describes it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Problem {
    /// Kind of problem: its place on the page of errors.
    #[serde(rename = "type")]
    #[schema(example = "/api/errors#unauthenticated")]
    pub type_uri: String,
    /// The code in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// Stable code for programs.
    pub code: String,
    /// What to do.
    pub hint: Option<String>,
    /// The path that was asked for.
    pub instance: String,
    /// Id of the request, as the server's log has it.
    pub request_id: String,
}

impl ApiError {
    /// An error that arises at the border itself.
    pub(super) fn new(kind: Kind, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let (hint, retry_after_s, not_allowed, more) = (None, None, false, Map::new());
        Self(Box::new(Refusal { kind, code, detail, hint, retry_after_s, not_allowed, more }))
    }

    /// A fault of the program; `what` goes to the log.
    pub(super) fn internal(what: &'static str) -> Self {
        tracing::error!(what, "internal error");
        Self::new(Kind::Internal, "internal", "an internal error; the server's log says more")
    }

    /// Adds what to do.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(super) fn with(mut self, member: &str, value: impl Serialize) -> Self {
        self.0.more.insert(member.to_string(), json!(value));
        self
    }

    pub(super) fn of(error: &(impl Report + std::error::Error)) -> Self {
        let detail = match error.kind() {
            // The chain may name paths: it goes to the log, not to the caller.
            Kind::Internal => {
                tracing::error!(code = error.code(), error = %chain(error), "internal error");
                "an internal error; the server's log says more".to_string()
            }
            Kind::Unavailable => {
                tracing::error!(code = error.code(), error = %chain(error), "unavailable");
                error.to_string()
            }
            _ => chain(error),
        };
        let mut problem = Self::new(error.kind(), error.code(), detail);
        problem.0.hint = error.hint();
        problem
    }

    fn status(&self) -> StatusCode {
        status_of(self.0.kind, self.0.code)
    }
}

/// The status of a code; of some its kind alone would not do.
pub(super) fn status_of(kind: Kind, code: &str) -> StatusCode {
    match code {
        "method_not_allowed" => StatusCode::METHOD_NOT_ALLOWED,
        "range_not_satisfiable" => StatusCode::RANGE_NOT_SATISFIABLE,
        "view_changed" => StatusCode::PRECONDITION_FAILED,
        "version_missing" => StatusCode::PRECONDITION_REQUIRED,
        _ => match kind {
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Kind::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Kind::Unavailable | Kind::OutcomeUnknown => StatusCode::SERVICE_UNAVAILABLE,
            Kind::DeadlineExceeded => StatusCode::REQUEST_TIMEOUT,
            Kind::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let next = source.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = source.source();
    }
    text
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let refusal = *self.0;
        let mut document = Map::new();
        document.insert("type".into(), json!(catalogue::type_of(refusal.code)));
        document.insert("title".into(), json!(refusal.code.replace('_', " ")));
        document.insert("status".into(), json!(status.as_u16()));
        document.insert("detail".into(), json!(refusal.detail));
        document.insert("code".into(), json!(refusal.code));
        if let Some(hint) = refusal.hint.or_else(|| catalogue::advice(refusal.code).map(str::to_owned)) {
            document.insert("hint".into(), json!(hint));
        }
        if let Some(current) = observe::current() {
            document.insert("instance".into(), json!(current.path));
            document.insert("request_id".into(), json!(current.request_id));
        }
        document.extend(refusal.more);
        let mut response = (status, Json(document)).into_response();
        response.extensions_mut().insert(ErrorCode { code: refusal.code, not_allowed: refusal.not_allowed });
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = refusal.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<AppendError> for ApiError {
    fn from(error: AppendError) -> Self {
        let mut problem = Self::of(&error);
        match error {
            AppendError::Rejected { rejected, records, not_allowed, errors } => {
                problem.0.not_allowed = not_allowed;
                problem.with("rejected", rejected).with("records", records).with("errors", errors)
            }
            AppendError::Overloaded { retry_after_s, .. } => {
                problem.0.retry_after_s = Some(retry_after_s);
                problem
            }
            AppendError::OutcomeUnknown(_) => {
                problem.0.retry_after_s = Some(1);
                problem
            }
            AppendError::Body(_)
            | AppendError::UnknownProject(_)
            | AppendError::Reserved
            | AppendError::Mapping(_)
            | AppendError::KeyReused
            | AppendError::Wal(_)
            | AppendError::State(_)
            | AppendError::Redaction(_)
            | AppendError::Prepare(_) => problem,
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let mut problem = Self::of(&error);
        if error.kind() == Kind::Overloaded {
            problem.0.retry_after_s = Some(1);
        }
        if matches!(error, QueryError::StoreAway { .. }) {
            problem.0.retry_after_s = Some(STORE_RETRY_S);
        }
        match error.position() {
            Some(position) => problem.with("position", position),
            None => problem,
        }
    }
}

impl From<LookupError> for ApiError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Query(error) => error.into(),
            error => Self::of(&error),
        }
    }
}

impl From<RestoreError> for ApiError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Already => Self::of(&error),
            RestoreError::Lookup(error) => error.into(),
            RestoreError::Append(error) => error.into(),
            RestoreError::Outbox(error) => error.into(),
        }
    }
}

impl From<OutboxError> for ApiError {
    fn from(error: OutboxError) -> Self {
        Self::of(&error)
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let mut problem = Self::of(&error);
        if error.kind() == Kind::Overloaded {
            problem.0.retry_after_s = Some(1);
        }
        problem
    }
}

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        Self::of(&error)
    }
}

impl From<TrialError> for ApiError {
    fn from(error: TrialError) -> Self {
        match error {
            TrialError::Append(error) => error.into(),
            TrialError::Engine(error) => error.into(),
        }
    }
}

impl From<AuditError> for ApiError {
    fn from(error: AuditError) -> Self {
        let mut problem = Self::of(&error);
        problem.0.retry_after_s = Some(1);
        problem
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        let mut problem = Self::of(&error);
        if let AccessError::OverQuota { retry_after_s, .. } = error {
            problem.0.retry_after_s = Some(retry_after_s);
        }
        problem
    }
}

impl From<AdmissionError> for ApiError {
    fn from(error: AdmissionError) -> Self {
        match error {
            AdmissionError::Access(error) => error.into(),
            AdmissionError::Query(error) => error.into(),
        }
    }
}

impl From<TailError> for ApiError {
    fn from(error: TailError) -> Self {
        let mut problem = Self::of(&error);
        if error.kind() == Kind::Overloaded {
            problem.0.retry_after_s = Some(1);
        }
        problem
    }
}

impl From<AlertError> for ApiError {
    fn from(error: AlertError) -> Self {
        Self::of(&error)
    }
}

impl From<AlertFailure> for ApiError {
    fn from(error: AlertFailure) -> Self {
        match error {
            AlertFailure::Alert(error) => error.into(),
            AlertFailure::Query(error) => error.into(),
            AlertFailure::Access(error) => error.into(),
            AlertFailure::Engine(error) => error.into(),
        }
    }
}

impl From<SavedError> for ApiError {
    fn from(error: SavedError) -> Self {
        Self::of(&error)
    }
}

impl From<ViewError> for ApiError {
    fn from(error: ViewError) -> Self {
        Self::of(&error)
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        Self::of(&error)
    }
}

impl From<MappingError> for ApiError {
    fn from(error: MappingError) -> Self {
        Self::of(&error)
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        Self::of(&error)
    }
}

impl From<ScreenError> for ApiError {
    fn from(error: ScreenError) -> Self {
        Self::of(&error)
    }
}
