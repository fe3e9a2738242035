//! The HTTP border: thin routes that decode, authorize, call the engine and encode.
//!
//! Every route is registered once, in [`router`], with its OpenAPI description; the scope that a
//! route needs is the type of its caller.

mod admin;
mod body;
mod browser;
mod caller;
mod catalogue;
mod document;
mod erasures;
mod events;
mod extract;
mod holds;
mod info;
mod jobs;
mod journal;
mod keys;
mod ledger;
mod mappings;
mod observe;
mod page;
mod pages;
mod problem;
mod projects;
mod query;
mod redaction;
mod retention;
mod schema;
mod session;
mod source;
mod trail;
mod transport;

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::engine::Engine;

pub use transport::{Tls, TlsError};

/// All routes over an engine, and the document that describes them.
pub fn router(engine: Engine) -> (Router, utoipa::openapi::OpenApi) {
    let (routes, document) = OpenApiRouter::with_openapi(document::base())
        .routes(routes!(events::append_events, journal::list_events))
        .routes(routes!(ledger::get_ledger))
        .routes(routes!(ledger::list_ledger_batches))
        .routes(routes!(ledger::list_dead_letters))
        .routes(routes!(ledger::download_dead_letters))
        .routes(routes!(ledger::replay_dead_letters))
        .routes(routes!(query::query))
        .routes(routes!(query::cancel))
        .routes(routes!(schema::get_schema))
        .routes(routes!(query::list))
        .routes(routes!(query::named))
        .routes(routes!(mappings::list))
        .routes(routes!(mappings::get, mappings::put, mappings::delete))
        .routes(routes!(mappings::test))
        .routes(routes!(mappings::trial))
        .routes(routes!(projects::list_projects, projects::create_project))
        .routes(routes!(projects::delete_project))
        .routes(routes!(projects::get_project_quota, projects::set_project_quota))
        .routes(routes!(projects::get_project_storage))
        .routes(routes!(redaction::get_redaction, redaction::put_redaction))
        .routes(routes!(retention::list_retention))
        .routes(routes!(retention::get_retention, retention::set_retention))
        .routes(routes!(retention::plan_retention))
        .routes(routes!(retention::run_retention))
        .routes(routes!(holds::list_holds, holds::place_hold))
        .routes(routes!(holds::get_hold))
        .routes(routes!(holds::lift_hold))
        .routes(routes!(erasures::list_erasures, erasures::create_erasure))
        .routes(routes!(erasures::preview_erasure))
        .routes(routes!(erasures::get_erasure, erasures::cancel_erasure))
        .routes(routes!(keys::list_keys, keys::create_key))
        .routes(routes!(keys::get_key, keys::revoke_key))
        .routes(routes!(keys::rotate_key))
        .routes(routes!(keys::set_key_quota))
        .routes(routes!(session::begin_session, session::get_session, session::end_session))
        .routes(routes!(session::make_session_link))
        .routes(routes!(admin::flush))
        .routes(routes!(admin::compact))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::get_job))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(jobs::begin_import))
        .routes(routes!(jobs::report_import))
        .routes(routes!(info::info))
        .routes(routes!(admin::livez))
        .routes(routes!(admin::readyz))
        .routes(routes!(admin::metrics))
        .merge(journal_routes())
        .split_for_parts();
    let document = document::finished(document);
    let served = document.clone();
    let routes = routes
        .route("/api/openapi.json", get(move || std::future::ready(axum::Json(served.clone()))))
        .route(catalogue::PAGE_PATH, get(catalogue::page))
        .merge(pages::api())
        .merge(page::files())
        .fallback(admin::no_route)
        .method_not_allowed_fallback(admin::no_method)
        .layer(middleware::from_fn(browser::linked))
        .layer(CatchPanicLayer::custom(admin::panicked))
        .layer(middleware::from_fn(admin::in_our_words))
        .layer(middleware::from_fn_with_state(engine.clone(), trail::recorded))
        .layer(middleware::from_fn_with_state(engine.clone(), observe::observed))
        .with_state(engine);
    (routes, document)
}

/// Routes of the journal.
fn journal_routes() -> OpenApiRouter<Engine> {
    OpenApiRouter::new()
        .routes(routes!(journal::event))
        .routes(routes!(journal::filter_fields))
        .routes(routes!(journal::facets))
        .routes(routes!(journal::histogram))
        .routes(routes!(journal::aggregate))
        .routes(routes!(journal::attachments::upload_attachment))
        .routes(routes!(journal::attachments::get_attachment))
        .routes(routes!(journal::bodies::get_request))
        .routes(routes!(journal::bodies::get_response))
        .routes(routes!(journal::exports::list_exports, journal::exports::create_export))
        .routes(routes!(journal::exports::get_export, journal::exports::delete_export))
        .routes(routes!(journal::exports::watch_export))
        .routes(routes!(journal::exports::download_export))
        .routes(routes!(journal::catalog::list))
        .routes(routes!(journal::catalog::search))
        .routes(routes!(journal::catalog::get))
        .routes(routes!(journal::screens::list))
        .routes(routes!(journal::screens::page))
        .routes(routes!(journal::changes::event_changes))
        .routes(routes!(journal::changes::list))
        .routes(routes!(journal::objects::object_history))
        .routes(routes!(journal::people::actor))
        .routes(routes!(journal::people::actor_history))
        .routes(routes!(journal::people::visitor))
        .routes(routes!(journal::people::visitor_history))
        .routes(routes!(journal::sessions::list))
        .routes(routes!(journal::sessions::derived))
        .routes(routes!(journal::sessions::one))
        .routes(routes!(journal::tasks::list))
        .routes(routes!(journal::tasks::one))
        .routes(routes!(journal::objects::object))
        .routes(routes!(journal::objects::object_state))
        .routes(routes!(journal::objects::object_diff))
        .routes(routes!(journal::objects::object_children))
        .routes(routes!(journal::objects::preview_restore, journal::objects::restore))
        .routes(routes!(journal::webhooks::list_webhooks))
        .routes(routes!(journal::webhooks::put_webhook, journal::webhooks::delete_webhook))
        .routes(routes!(journal::webhooks::list_deliveries))
        .routes(routes!(journal::webhooks::get_delivery))
        .routes(routes!(journal::webhooks::retry_delivery))
        .routes(routes!(journal::tail::tail))
        .routes(routes!(journal::filters::list_filters, journal::filters::create_filter))
        .routes(routes!(journal::filters::get_filter, journal::filters::put_filter, journal::filters::delete_filter))
        .routes(routes!(journal::views::list_views, journal::views::create_view))
        .routes(routes!(journal::views::get_view, journal::views::put_view, journal::views::delete_view))
        .routes(routes!(journal::alerts::list_alerts, journal::alerts::create_alert))
        .routes(routes!(journal::alerts::list_alert_templates))
        .routes(routes!(journal::alerts::get_alert, journal::alerts::put_alert, journal::alerts::delete_alert))
        .routes(routes!(journal::alerts::test_alert))
}

/// Serves until `stop` resolves, then lets the requests that are running finish.
///
/// # Errors
/// The listener failed.
pub async fn serve(
    listener: TcpListener,
    engine: Engine,
    tls: Option<Tls>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let settings = Arc::new(engine.config().server.clone());
    let is_tls = tls.is_some();
    let (routes, _) = router(engine);
    let patience = Arc::clone(&settings);
    let routes = routes
        .layer(middleware::map_request(move |request: Request| {
            std::future::ready(transport::patient(request, &patience))
        }))
        .layer(middleware::from_fn(move |request, next| transport::secured(is_tls, request, next)));
    transport::serve(listener, routes, tls, &settings, stop).await
}
