//! Axum's extractors with our errors.

use axum::RequestPartsExt;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::body::document;
use super::problem::ApiError;
use crate::engine::Engine;
use crate::error::Kind;

/// Parameters behind the `?`.
pub(super) struct ApiQuery<T>(pub(super) T);

/// Parameters of the path.
pub(super) struct ApiPath<T>(pub(super) T);

/// A body that is small.
pub(super) struct ApiBytes(pub(super) Vec<u8>);

/// A JSON object as the body.
pub(super) struct ApiJson<T>(pub(super) T);

impl<T: DeserializeOwned + Send + 'static> FromRequestParts<Engine> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Engine) -> Result<Self, ApiError> {
        let found: Result<Query<T>, QueryRejection> = parts.extract().await;
        found.map(|Query(value)| Self(value)).map_err(|error| invalid("invalid_parameter", error.body_text()))
    }
}

impl<T: DeserializeOwned + Send + 'static> FromRequestParts<Engine> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Engine) -> Result<Self, ApiError> {
        let found: Result<Path<T>, PathRejection> = parts.extract().await;
        found.map(|Path(value)| Self(value)).map_err(|error| invalid("invalid_path", error.body_text()))
    }
}

impl<T: DeserializeOwned> FromRequest<Engine> for ApiJson<T> {
    type Rejection = ApiError;

    /// Reads the body as JSON whatever its Content-Type says: the route takes nothing else, and `curl -d`
    /// names another.
    async fn from_request(request: Request, engine: &Engine) -> Result<Self, ApiError> {
        let ApiBytes(bytes) = ApiBytes::from_request(request, engine).await?;
        // An array would be taken for the members in their order.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|first| *first != b'{') {
            return Err(invalid("invalid_json", "the body is no JSON object".into()));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| invalid("invalid_json", error.to_string()))
    }
}

impl FromRequest<Engine> for ApiBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Engine) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        document(&parts.headers, body).await.map(Self)
    }
}

fn invalid(code: &'static str, detail: String) -> ApiError {
    ApiError::new(Kind::Invalid, code, detail)
}
