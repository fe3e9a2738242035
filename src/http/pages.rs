//! `/api/docs`: the API as a page to read and try, its files inside the program.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where it is.
const PATH: &str = "/api/docs";
/// The page runs its own script and styles, and asks this server only; its icons are in its styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The page and its files.
pub(super) fn api<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let config = Config::new(["/api/openapi.json"]).validator_url("none").persist_authorization(false);
    let page: Router<S> = SwaggerUi::new(PATH).config(config).into();
    page.layer(middleware::from_fn(relaxed))
}

/// Lets browsers run the page, and nothing but it.
async fn relaxed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
