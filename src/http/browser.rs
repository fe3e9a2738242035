//! What requests of browsers have: the cookie of a session, the site that made them, the project of a link.
//!
//! A browser sends its cookie with whatever any page asks of this server, so that a request that only the cookie
//! vouches for must come from a page of this server itself:
//!
//! | `Sec-Fetch-Site` | `Origin` | read | change |
//! |---|---|---|---|
//! | `same-origin` | any | yes | yes |
//! | `none` (an address that was typed, a bookmark) | any | yes | no |
//! | anything else | any | no | no |
//! | absent (older browsers, plain HTTP) | this host | yes | yes |
//! | absent | another one, `null`, several | no | no |
//! | absent | absent | yes | no |

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use url::form_urlencoded;

use super::caller::{PROJECT_HEADER, sent_key};
use super::problem::ApiError;
use crate::config;
use crate::error::Kind;

/// Name of the cookie.
const COOKIE: &str = "kronika_session";
/// Header by which a browser says what made the request; no script can set it.
const FETCH_SITE: &str = "sec-fetch-site";

/// The projects that a link named; more than one only where it contradicts itself.
#[derive(Debug, Clone)]
pub(super) struct Linked(pub(super) Vec<String>);

/// The token of the session that a request came with.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = sent.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == COOKIE).map(|(_, value)| value.trim())
}

/// The cookie of a session that lasts `seconds`; with none the browser drops the one it has.
pub(super) fn cookie(token: &str, seconds: i64, server: &config::Server) -> Result<HeaderValue, ApiError> {
    // Over a network without TLS it would be kept back, and with TLS it must not leave in the clear.
    let secure = if server.tls_cert.is_some() || server.behind_proxy { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).map_err(|_| ApiError::internal("a cookie that is no header"))
}

/// Refuses a request that its cookie alone vouches for, unless a page of this server made it.
pub(super) fn check_same_origin(parts: &Parts) -> Result<(), ApiError> {
    if is_same_origin(&parts.method, &parts.headers, host(parts)) { Ok(()) } else { Err(cross_site()) }
}

/// Refuses to sign a browser in on behalf of another site's page. A program, which names no site, may.
pub(super) fn check_sign_in(parts: &Parts) -> Result<(), ApiError> {
    if is_same_origin(&Method::GET, &parts.headers, host(parts)) { Ok(()) } else { Err(cross_site()) }
}

fn cross_site() -> ApiError {
    ApiError::new(
        Kind::Forbidden,
        "cross_site",
        "a page of another site, or something that names no site, made this request",
    )
    .hint("open the page of this server itself; programs send a key: `Authorization: Bearer KEY`")
}

/// The table above.
fn is_same_origin(method: &Method, headers: &HeaderMap, host: Option<&str>) -> bool {
    let reads = method.is_safe();
    if let Some(site) = headers.get(FETCH_SITE) {
        return match site.as_bytes() {
            b"same-origin" => true,
            b"none" => reads,
            _ => false,
        };
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => reads,
        (Some(origin), None) => origin.to_str().is_ok_and(|origin| is_of(origin, host)),
        _ => false,
    }
}

/// The name and port that the client asked for this server with.
fn host(parts: &Parts) -> Option<&str> {
    let sent = || parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    parts.uri.authority().map(|authority| authority.as_str()).or_else(sent)
}

fn is_of(origin: &str, host: Option<&str>) -> bool {
    let Some(((scheme, theirs), ours)) = origin.split_once("://").zip(host) else { return false };
    let default = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    let bare = |text: &str| text.strip_suffix(default).unwrap_or(text).to_ascii_lowercase();
    bare(theirs) == bare(ours)
}

/// Takes the parameter `kronika-project` out of what a browser with a session asks for, where no header can be sent:
/// downloads, links. No route sees it among its own.
pub(super) async fn linked(mut request: Request, next: Next) -> Response {
    let by_cookie = sent_key(request.headers()).is_none() && token(request.headers()).is_some();
    if by_cookie && let Some((named, rest)) = without_project(request.uri()) {
        *request.uri_mut() = rest;
        request.extensions_mut().insert(Linked(named));
    }
    next.run(request).await
}

/// The projects that an address names, and the address without them.
fn without_project(uri: &Uri) -> Option<(Vec<String>, Uri)> {
    let mut named = Vec::new();
    let is_other = |pair: &&str| {
        let project = form_urlencoded::parse(pair.as_bytes()).find(|(name, _)| name == PROJECT_HEADER);
        named.extend(project.as_ref().map(|(_, value)| value.to_string()));
        project.is_none()
    };
    let others: Vec<&str> = uri.query()?.split('&').filter(is_other).collect();
    if named.is_empty() {
        return None;
    }
    let path = match others.join("&") {
        rest if rest.is_empty() => uri.path().to_owned(),
        rest => format!("{}?{rest}", uri.path()),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().ok()?);
    Some((named, Uri::from_parts(parts).ok()?))
}

#[cfg(test)]
mod tests;
