//! `/api/v1/session`: a browser signs in with a key, and is from then on known by a cookie.
//!
//! The key is sent once and not kept by the browser; the cookie is no script's to read. What a session may do is
//! what its key may do: every route takes the cookie where no key is sent.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::browser;
use super::caller::AnyKey;
use super::extract::{ApiJson, ApiQuery};
use super::problem::{ApiError, Problem};
use super::trail::Trail;
use crate::access::{AccessError, Caller, Denied, KeyId, Scope};
use crate::engine::{Engine, now_s};
use crate::error::Kind;
use crate::event::names::ProjectName;

/// What a browser signs in with: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// An API key.
    #[serde(default)]
    key: Option<String>,
    /// A link's token, which is what stands behind `#link=` in its address; good for one session.
    #[serde(default)]
    link: Option<String>,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionAnswer {
    key: SessionKey,
    /// Whether the key sees less than everything of its project.
    restricted: bool,
    /// When the session ends; of a request that came with a key, when that expires.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The projects that a request may choose.
    projects: Vec<String>,
    signed_in_with: SignedInWith,
}

/// The key of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionKey {
    /// Public id.
    #[schema(value_type = String)]
    id: KeyId,
    /// What the key is for, for people.
    name: String,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// Its project; none for admin keys.
    #[schema(value_type = Option<String>)]
    project: Option<ProjectName>,
}

/// What vouched for the request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SignedInWith {
    /// The cookie.
    Session,
    /// A key that was sent with it.
    Key,
}

/// A link that begins one session.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkAnswer {
    /// To be opened as `/login#link=LINK`: what stands behind `#` reaches no server and no log.
    link: String,
    /// Until when it can be used.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Which sessions end.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SignOut {
    /// Whether all sessions and links of the key end, in every browser.
    #[serde(default)]
    everywhere: bool,
}

/// Signs a browser in with a key or a one-time link: the answer sets its cookie.
///
/// A session that the browser had ends. What the new one may do is what its key may do, as long as the key is valid.
#[utoipa::path(post, path = "/api/v1/session", tag = "access", operation_id = "begin_session", request_body = SignIn,
    responses((status = 200, body = SessionAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(()))]
pub(super) async fn begin_session(
    State(engine): State<Engine>,
    parts: Parts,
    ApiJson(with): ApiJson<SignIn>,
) -> Result<Response, ApiError> {
    let trail = Trail::of(&parts)?;
    browser::check_sign_in(&parts)?;
    let (keys, source) = (engine.keys(), trail.source());
    let found = match (&with.key, &with.link) {
        (Some(key), None) => keys.authenticate(key, source, now_s()),
        (None, Some(link)) => keys.redeem_link(link, source, now_s()),
        _ => {
            return Err(ApiError::new(Kind::Invalid, "invalid_sign_in", "send either `key` or `link`")
                .hint("a body is {\"key\": \"krn_…\"} or {\"link\": \"…\"}"));
        }
    };
    let denied = |denied: Denied| {
        trail.denied(&denied);
        AccessError::from(denied)
    };
    let caller = found.map_err(denied)?;
    trail.recognised(&caller);
    engine.admit(&caller, None)?;
    let (token, expires_at) = keys.begin_session(&caller.key, now_s())?;
    if let Some(old) = browser::token(&parts.headers) {
        keys.end_session(old)?;
    }
    trail.changes_access(
        json!({"expires_at": text(expires_at), "with": if with.key.is_some() { "key" } else { "link" }}),
    );
    let cookie = browser::cookie(token.reveal(), expires_at - now_s(), &engine.config().server)?;
    let answer = answer(&engine, &caller, Some(expires_at), SignedInWith::Session);
    Ok(([(header::SET_COOKIE, cookie)], Json(answer)).into_response())
}

/// Who is signed in: by the cookie, or by the key that is sent.
#[utoipa::path(get, path = "/api/v1/session", tag = "access", operation_id = "get_session",
    responses((status = 200, body = SessionAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(super) async fn get_session(State(engine): State<Engine>, known: AnyKey) -> Result<Json<SessionAnswer>, ApiError> {
    let (until, with) = match known.session_until {
        Some(until) => (Some(until), SignedInWith::Session),
        None => (engine.keys().get(&known.caller.key, now_s())?.expires_at, SignedInWith::Key),
    };
    Ok(Json(answer(&engine, &known.caller, until, with)))
}

/// Signs a browser out, or with `everywhere` all that are signed in with its key.
#[utoipa::path(delete, path = "/api/v1/session", tag = "access", operation_id = "end_session", params(SignOut),
    responses((status = 204, description = "Signed out"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(super) async fn end_session(
    State(engine): State<Engine>,
    known: AnyKey,
    parts: Parts,
    ApiQuery(which): ApiQuery<SignOut>,
) -> Result<Response, ApiError> {
    let ended = match (which.everywhere, browser::token(&parts.headers), known.session_until) {
        (true, ..) => engine.keys().end_sessions(&known.caller.key)?,
        (false, Some(token), Some(_)) => usize::from(engine.keys().end_session(token)?),
        _ => {
            return Err(ApiError::new(Kind::Invalid, "no_session", "the request came with a key: it has no session")
                .hint("`?everywhere=true` ends all sessions of the key; revoking the key ends them as well"));
        }
    };
    known.trail.changes_access(json!({"everywhere": which.everywhere, "sessions": ended}));
    let cookie = browser::cookie("", 0, &engine.config().server)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Makes a link that signs a browser in once, with the caller's key: for another device, or for a colleague who
/// shall not have the key.
#[utoipa::path(post, path = "/api/v1/session/links", tag = "access", operation_id = "make_session_link",
    responses((status = 200, body = LinkAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(super) async fn make_session_link(
    State(engine): State<Engine>,
    known: AnyKey,
) -> Result<Json<LinkAnswer>, ApiError> {
    let (link, expires_at) = engine.keys().make_link(&known.caller.key, now_s())?;
    let expires_at = text(expires_at);
    known.trail.changes_access(json!({"expires_at": expires_at}));
    Ok(Json(LinkAnswer { link: link.reveal().to_owned(), expires_at }))
}

fn answer(engine: &Engine, caller: &Caller, until: Option<i64>, signed_in_with: SignedInWith) -> SessionAnswer {
    SessionAnswer {
        key: SessionKey {
            id: caller.key.clone(),
            name: caller.name.to_string(),
            scopes: caller.scopes.clone(),
            project: caller.project.clone(),
        },
        restricted: caller.restriction.is_some(),
        expires_at: until.map(text),
        projects: projects(engine, caller),
        signed_in_with,
    }
}

/// The projects that a caller may choose; `_audit` where it may read that.
fn projects(engine: &Engine, caller: &Caller) -> Vec<String> {
    let own = match &caller.project {
        Some(own) => vec![own.clone()],
        None => engine.projects(),
    };
    let is_own = own.iter().any(ProjectName::is_audit);
    let reads_audit = caller.may(Scope::AuditRead) && caller.restriction.is_none() && !is_own;
    own.into_iter().chain(reads_audit.then(ProjectName::audit)).map(|name| name.to_string()).collect()
}

/// Seconds since 1970 as the API has times.
fn text(seconds: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
