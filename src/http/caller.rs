//! Who calls: every handler that answers with data takes an [`Authorized`] with the scope it needs.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::problem::ApiError;
use super::source::source_of;
use crate::access::{AccessError, Caller, Scope};
use crate::engine::{Engine, now_s};
use crate::error::Kind;
use crate::event::names::ProjectName;

/// Header by which an admin key chooses a project.
pub(super) const PROJECT_HEADER: &str = "kronika-project";

/// A scope as a type.
pub(super) trait Needs: Send + Sync {
    /// The scope.
    const SCOPE: Scope;
}

/// Sends events.
pub(super) struct Ingest;
/// Asks questions.
pub(super) struct Query;
/// Runs the server.
pub(super) struct Admin;

impl Needs for Ingest {
    const SCOPE: Scope = Scope::Ingest;
}

impl Needs for Query {
    const SCOPE: Scope = Scope::Query;
}

impl Needs for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// A caller whose key has the scope `S`.
pub(super) struct Authorized<S> {
    pub(super) caller: Caller,
    chosen: Option<ProjectName>,
    scope: PhantomData<S>,
}

impl<S> Authorized<S> {
    /// The project of this request: the key's own, or what an admin chose, or `default`.
    pub(super) fn project(&self) -> ProjectName {
        let own = self.caller.project.as_ref().or(self.chosen.as_ref());
        own.cloned().unwrap_or_else(ProjectName::default_project)
    }

    /// The project that the header names, if it names one.
    pub(super) fn chosen(&self) -> Option<&ProjectName> {
        self.chosen.as_ref()
    }
}

impl<S: Needs> FromRequestParts<Engine> for Authorized<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, ApiError> {
        let key = sent_key(&parts.headers).ok_or(AccessError::Unauthenticated)?;
        let source = source_of(parts, &engine.config().server.trusted_proxies);
        let caller = engine.keys().authenticate(key, source, now_s())?;
        if !caller.may(S::SCOPE) {
            return Err(AccessError::Forbidden { needed: S::SCOPE }.into());
        }
        let chosen = chosen_project(&parts.headers)?;
        match (&caller.project, &chosen) {
            (Some(own), Some(other)) if own != other => {
                Err(ApiError::new(Kind::Forbidden, "forbidden", "this key belongs to another project")
                    .hint("leave the header Kronika-Project out, or use a key of that project"))
            }
            _ => Ok(Self { caller, chosen, scope: PhantomData }),
        }
    }
}

/// The key that a request came with.
pub(super) fn sent_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
    bearer.or_else(|| headers.get("x-api-key").and_then(|value| value.to_str().ok()))
}

fn chosen_project(headers: &HeaderMap) -> Result<Option<ProjectName>, ApiError> {
    let Some(value) = headers.get(PROJECT_HEADER) else { return Ok(None) };
    let wrong = |detail: String| ApiError::new(Kind::Invalid, "invalid_project", detail);
    let text = value.to_str().map_err(|_| wrong("the header Kronika-Project is no text".into()))?;
    ProjectName::try_from(text).map(Some).map_err(|error| wrong(error.to_string()))
}
