//! `/`: the page, whose files are inside the program: those of `ui/`, prepared by its build (`build/page`).
//!
//! A debug build serves `ui/` from disk as it is; with `KRONIKA_PAGE=prepared` in its environment, the prepared page;
//! with `compressed`, that as releases send it.
//!
//! A view has a path of its own, so that a link names it; the server gives every one of them the same
//! `index.html`, and the page's own script looks at the path. Nothing here needs a key or is recorded: the files
//! are the same for everybody, and all data comes through the API.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use memory_serve::CacheControl;

/// The document of every view.
const INDEX: &str = "/index.html";

/// Paths of views besides `/`.
const VIEWS: [&str; 21] = [
    "/login",
    "/tasks",
    "/tasks/{*rest}",
    "/jobs",
    "/sql",
    "/dashboards",
    "/dashboards/{*rest}",
    "/events/{*rest}",
    "/objects/{*rest}",
    "/actors/{*rest}",
    "/visitors/{*rest}",
    "/sessions",
    "/sessions/{*rest}",
    "/screens",
    "/screens/{*rest}",
    "/ingest",
    "/ingest/{*rest}",
    "/alerts",
    "/admin",
    "/admin/{*rest}",
    "/ui/kit",
];

/// What browsers let the page do: run its own modules and styles, ask this server, show files of events; markup
/// made of text is no script, whatever the text.
const HEADERS: [(HeaderName, &str); 2] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// What the journal needs besides, which browsers then fetch together with the page's start.
const JOURNAL: &str = "</app/views/journal.js>; rel=modulepreload, </style/journal.css>; rel=preload; as=style, \
                       </style/grid.css>; rel=preload; as=style";

/// The page and its files. To be called once in a process: the files stay in memory.
pub(super) fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    // Asked for again each time (304 while nothing changed): after an upgrade no browser runs last week's modules.
    let files = chosen().html_cache_control(CacheControl::NoCache).cache_control(CacheControl::NoCache);
    let files = VIEWS.into_iter().fold(files, |files, view| files.add_alias(view, INDEX));
    files.into_router().layer(middleware::from_fn(fenced))
}

/// The prepared page.
#[cfg(not(page_on_disk))]
fn chosen() -> memory_serve::MemoryServe {
    memory_serve::load!("prepared")
}

/// The page on disk: as it is written, prepared, or prepared and compressed anew at each request, as releases send it.
#[cfg(page_on_disk)]
fn chosen() -> memory_serve::MemoryServe {
    match std::env::var("KRONIKA_PAGE").as_deref() {
        Ok("prepared") => memory_serve::load!("prepared"),
        Ok("compressed") => memory_serve::load!("prepared").enable_brotli(true).enable_gzip(true),
        _ => memory_serve::load!("source"),
    }
}

/// Adds [`HEADERS`], and what the view that is asked for needs.
async fn fenced(request: Request, next: Next) -> Response {
    let is_journal = request.uri().path() == "/" || request.uri().path().starts_with("/events/");
    let mut response = next.run(request).await;
    if is_journal {
        response.headers_mut().insert(header::LINK, HeaderValue::from_static(JOURNAL));
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
