//! `/api/v1/catalog`: what the source systems call their modules, kinds of events, filters and values.

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::catalog::{self, Search};

/// The language of titles.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CatalogParams {
    /// Language of the member `text` of titles and meanings: `original` (default), `pl`, `ru` or `en`.
    lang: Option<String>,
}

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SearchParams {
    /// Words that a hit must have, in any language: of ids, titles, keys, values, meanings.
    #[param(required = true, min_length = 1, max_length = 200)]
    q: Option<String>,
    /// Language of the member `text` of titles and meanings: `original` (default), `pl`, `ru` or `en`.
    lang: Option<String>,
    /// Most hits, 1 to 500; 100 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The source systems that have a catalogue, with counts.
#[utoipa::path(get, path = "/api/v1/catalog", tag = "catalog", operation_id = "list_catalogs", params(CatalogParams),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn list(
    _caller: Authorized<Query>,
    ApiQuery(params): ApiQuery<CatalogParams>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(catalog::overview(catalog::language(params.lang.as_deref())?)))
}

/// The whole catalogue of a source system.
#[utoipa::path(get, path = "/api/v1/catalog/{source}", tag = "catalog", operation_id = "get_catalog",
    params(("source" = String, Path, description = "Value of the column `source`"), CatalogParams),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn get(
    _caller: Authorized<Query>,
    ApiPath(source): ApiPath<String>,
    ApiQuery(params): ApiQuery<CatalogParams>,
) -> Result<Json<Value>, ApiError> {
    let language = catalog::language(params.lang.as_deref())?;
    let document = catalog::of(&source)?.document(language);
    document.map(Json).map_err(|_| ApiError::internal("a catalogue that is no JSON"))
}

/// Search in all catalogues and dictionaries: titles, ids, keys, values, statuses, error codes.
#[utoipa::path(get, path = "/api/v1/catalog/search", tag = "catalog", operation_id = "search_catalogs", params(SearchParams),
    responses((status = 200, body = Object, description = "`total` and the first `hits`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn search(
    _caller: Authorized<Query>,
    ApiQuery(params): ApiQuery<SearchParams>,
) -> Result<Json<Value>, ApiError> {
    let language = catalog::language(params.lang.as_deref())?;
    let search = Search::new(params.q.as_deref().unwrap_or_default(), language, params.limit)?;
    let found = catalog::search(&search);
    Ok(Json(json!({"total": found.total, "hits": found.hits})))
}
