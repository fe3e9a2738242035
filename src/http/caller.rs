//! Who calls: every handler that answers with data takes an [`Authorized`] with the scope it needs.
//!
//! A key vouches for a request, or, where none is sent, the cookie of a session ([`super::browser`]).

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::browser::{self, Linked};
use super::problem::ApiError;
use super::trail::Trail;
use crate::access::{AccessError, Caller, Denied, Reason, Scope, SignedIn};
use crate::engine::{AppendError, Engine, now_s};
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
/// Asks products to restore what was deleted.
pub(super) struct Restore;
/// Takes data out in bulk.
pub(super) struct Export;
/// Runs the server.
pub(super) struct Admin;

impl Needs for Ingest {
    const SCOPE: Scope = Scope::Ingest;
}

impl Needs for Query {
    const SCOPE: Scope = Scope::Query;
}

impl Needs for Restore {
    const SCOPE: Scope = Scope::Restore;
}

impl Needs for Export {
    const SCOPE: Scope = Scope::Export;
}

impl Needs for Admin {
    const SCOPE: Scope = Scope::Admin;
}

/// A caller whose key has the scope `S`.
pub(super) struct Authorized<S> {
    pub(super) caller: Caller,
    /// What the request leaves in the audit journal.
    pub(super) trail: Trail,
    chosen: Option<ProjectName>,
    scope: PhantomData<S>,
}

impl<S> Authorized<S> {
    /// The project of this request: the chosen one, or the key's own, or `default`.
    pub(super) fn project(&self) -> ProjectName {
        let own = self.chosen.as_ref().or(self.caller.project.as_ref());
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
        let trail = Trail::of(parts)?;
        let Known { caller, .. } = authenticated(parts, engine, &trail)?;
        let chosen = chosen_project(parts);
        let named = chosen.as_ref().map_or(None, Option::as_ref);
        let about = named.or(caller.project.as_ref());
        let about_audit = about.is_some_and(ProjectName::is_audit);
        let needed = if about_audit && S::SCOPE == Scope::Query { Scope::AuditRead } else { S::SCOPE };
        trail.called_by(&caller, needed, named);
        if !caller.may(needed) {
            return Err(AccessError::Forbidden { needed }.into());
        }
        let chosen = chosen?;
        check_project(&caller, chosen.as_ref(), needed)?;
        let this = Self { caller, trail, chosen, scope: PhantomData };
        let about = (S::SCOPE != Scope::Admin).then(|| this.project());
        engine.admit(&this.caller, about.as_ref())?;
        // What an admin does without naming a project is about the server.
        let project = if needed == Scope::Admin { this.chosen.clone() } else { Some(this.project()) };
        this.trail.admitted(engine, needed, project).await?;
        Ok(this)
    }
}

/// Anybody with a valid key, whatever it is for.
pub(super) struct AnyKey {
    pub(super) caller: Caller,
    /// What the request leaves in the audit journal.
    pub(super) trail: Trail,
    /// When the session ends that vouches for the request, in seconds since 1970; none where a key does.
    pub(super) session_until: Option<i64>,
}

impl FromRequestParts<Engine> for AnyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, engine: &Engine) -> Result<Self, ApiError> {
        let trail = Trail::of(parts)?;
        let Known { caller, session_until } = authenticated(parts, engine, &trail)?;
        trail.recognised(&caller);
        engine.admit(&caller, None)?;
        Ok(Self { caller, trail, session_until })
    }
}

/// Who a request is from.
struct Known {
    caller: Caller,
    session_until: Option<i64>,
}

fn authenticated(parts: &Parts, engine: &Engine, trail: &Trail) -> Result<Known, ApiError> {
    let denied = |denied: Denied| {
        trail.denied(&denied);
        AccessError::from(denied)
    };
    let (keys, source) = (engine.keys(), trail.source());
    if let Some(key) = sent_key(&parts.headers) {
        let caller = keys.authenticate(key, source, now_s()).map_err(denied)?;
        return Ok(Known { caller, session_until: None });
    }
    let token = browser::token(&parts.headers).ok_or(Denied::new(Reason::Missing)).map_err(denied)?;
    let SignedIn { caller, expires_at } = keys.signed_in(token, source, now_s()).map_err(denied)?;
    trail.recognised(&caller);
    browser::check_same_origin(parts)?;
    Ok(Known { caller, session_until: Some(expires_at) })
}

/// Refuses a project that the caller, who has the scope `needed`, must not choose.
fn check_project(caller: &Caller, chosen: Option<&ProjectName>, needed: Scope) -> Result<(), ApiError> {
    let own = caller.project.as_ref();
    let project = chosen.or(own);
    if project.is_some_and(ProjectName::is_audit) {
        let foreign = own.is_some_and(|own| !own.is_audit());
        return match needed {
            // Whoever asks of the journal sees what its own project's restrictions hide.
            Scope::AuditRead if foreign && caller.restriction.is_some() => Err(ApiError::new(
                Kind::Forbidden,
                "restricted_key",
                "a restricted key of a project cannot read `_audit`",
            )
            .hint("make a key of the project `_audit`; it can be restricted as well")),
            Scope::AuditRead | Scope::Admin => Ok(()),
            Scope::Ingest | Scope::Query | Scope::Export | Scope::Restore => Err(AppendError::Reserved.into()),
        };
    }
    match (own, chosen) {
        (Some(own), Some(other)) if own != other => {
            Err(ApiError::new(Kind::Forbidden, "forbidden", "this key belongs to another project")
                .hint("leave the header Kronika-Project out, or use a key of that project"))
        }
        _ => Ok(()),
    }
}

/// The key that a request came with.
pub(super) fn sent_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key.trim());
    bearer.or_else(|| headers.get("x-api-key").and_then(|value| value.to_str().ok()))
}

/// The project that the header names, or the link of a browser.
fn chosen_project(parts: &Parts) -> Result<Option<ProjectName>, ApiError> {
    let wrong = |detail: &str| ApiError::new(Kind::Invalid, "invalid_project", detail);
    let sent = parts.headers.get(PROJECT_HEADER).map(|value| value.to_str());
    let sent = sent.transpose().map_err(|_| wrong("the header Kronika-Project is no text"))?;
    let linked = parts.extensions.get::<Linked>().map_or(&[][..], |Linked(named)| named.as_slice());
    let mut named = sent.into_iter().chain(linked.iter().map(String::as_str));
    let Some(first) = named.next() else { return Ok(None) };
    if named.any(|other| other != first) {
        return Err(wrong("the request names two projects: in the header and in its address, or twice in the address")
            .hint("leave the parameter kronika-project out where the header Kronika-Project is sent"));
    }
    ProjectName::try_from(first).map(Some).map_err(|error| wrong(&error.to_string()))
}
