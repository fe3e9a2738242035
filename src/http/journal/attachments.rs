//! `/api/v1/attachments`: files that belong to events, by the SHA-256 of their bytes.

use std::ops::Range;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures::TryStreamExt;
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Reading;
use super::serving::{Chunks, File};
use crate::access::{AccessError, Scope};
use crate::engine::{AttachmentError, Engine};
use crate::error::Kind;
use crate::event::names::ProjectName;
use crate::http::body;
use crate::http::caller::{Authorized, Ingest, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::files::{Attached, attached, content_type, safe_name};
use crate::table::BlobId;

/// How a file is to be taken.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct UploadParams {
    /// SHA-256 of the file, 64 hex digits: another one is refused.
    sha256: Option<String>,
    /// Its name; otherwise that of `Content-Disposition`.
    name: Option<String>,
}

/// A file that is stored; with `role`, an item of an event's `attachments`.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AttachmentAnswer {
    /// SHA-256 of its bytes.
    sha256: String,
    /// Their number.
    size: u64,
    /// Its type.
    content_type: String,
    /// A safe form of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What events have in `ref`.
    #[serde(rename = "ref")]
    kept: String,
}

/// Store a file that belongs to an event: a body too big for a column, a recording, a copy.
///
/// Then send the event, with the answer as an item of its `attachments`. Whoever can see the event can have the file.
#[utoipa::path(post, path = "/api/v1/attachments", tag = "journal", operation_id = "upload_attachment", params(UploadParams),
    request_body(content = String, content_type = "application/octet-stream", description = "The bytes, of any type; it is kept by its SHA-256"),
    responses((status = 201, body = AttachmentAnswer, description = "Stored"),
        (status = 200, body = AttachmentAnswer, description = "The same bytes were here already"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(in crate::http) async fn upload_attachment(
    State(engine): State<Engine>,
    caller: Authorized<Ingest>,
    ApiQuery(params): ApiQuery<UploadParams>,
    headers: HeaderMap,
    sent: Body,
) -> Result<(StatusCode, Json<AttachmentAnswer>), ApiError> {
    let announced = params.sha256.as_deref().map(blob_id).transpose()?;
    let kind = sent_type(&engine, &headers)?;
    body::must_be_plain(&headers)?;
    let project = caller.project();
    let sending = engine.admit_events(&caller.caller, &project)?;
    let incoming = receive(&engine, &headers, sent).await?;
    caller.caller.still_valid()?;
    let stored = engine.keep_attachment(&project, incoming, announced.as_ref()).await?;
    sending.count(stored.size, 0);
    let answer = AttachmentAnswer {
        kept: format!("blob:{}", stored.id),
        sha256: stored.id.to_string(),
        size: stored.size,
        content_type: kind,
        name: params.name.or_else(|| sent_name(&headers)).map(|name| safe_name(&name)),
    };
    Ok((if stored.known { StatusCode::OK } else { StatusCode::CREATED }, Json(answer)))
}

/// The type that the sender names, if such files are taken.
fn sent_type(engine: &Engine, headers: &HeaderMap) -> Result<String, ApiError> {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = content_type(sent).to_owned();
    let settings = &engine.config().attachments;
    if settings.takes(&kind) {
        return Ok(kind);
    }
    let detail = format!("files of the type `{kind}` are not taken here");
    Err(ApiError::new(Kind::UnsupportedMedia, "attachment_type", detail)
        .hint(format!("`attachments.types` allows {}", settings.types.join(", "))))
}

async fn receive(engine: &Engine, headers: &HeaderMap, mut sent: Body) -> Result<crate::engine::Incoming, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut incoming = match engine.begin_attachment(announced) {
        Ok(incoming) => incoming,
        Err(error) => {
            body::discard(sent).await;
            return Err(error.into());
        }
    };
    while let Some(frame) = sent.frame().await {
        let frame = frame.map_err(|error| body::unreadable(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        if let Err(error) = incoming.take(data) {
            body::discard(sent).await;
            return Err(error.into());
        }
    }
    Ok(incoming)
}

/// `filename` of a `Content-Disposition`, its extended form first.
fn sent_name(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get(header::CONTENT_DISPOSITION)?.to_str().ok()?;
    let parameter = |wanted: &str| {
        sent.split(';').skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let extended = parameter("filename*").and_then(|value| {
        let encoded = value.get(.."utf-8''".len()).filter(|start| start.eq_ignore_ascii_case("utf-8''"));
        let encoded = encoded.map(|start| &value[start.len()..])?.replace('+', "%2B");
        url::form_urlencoded::parse(format!("n={encoded}").as_bytes()).next().map(|(_, name)| name.into_owned())
    });
    extended.or_else(|| parameter("filename"))
}

/// Which event the file belongs to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AttachmentParams {
    /// Id of an event that names the file: it is found sooner, and the file has the name and type of that event.
    event: Option<String>,
}

/// A file that an event names in `attachments`, under the rights of the event.
#[utoipa::path(get, path = "/api/v1/attachments/{sha256}", tag = "journal", operation_id = "get_attachment",
    params(("sha256" = String, Path), AttachmentParams,
        ("Range" = Option<String>, Header, description = "A part of the file, such as `bytes=0-999`")),
    responses((status = 200, content_type = "*/*", description = "The file, in its own type"),
        (status = 206, content_type = "*/*", description = "The part that `Range` asks for"),
        (status = 304, description = "The caller has it: `If-None-Match` names its `ETag`"),
        (status = 416, body = Problem, content_type = "application/problem+json", description = "No byte of the file is within the range"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn get_attachment(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(sha256): ApiPath<String>,
    ApiQuery(params): ApiQuery<AttachmentParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = blob_id(&sha256)?;
    let reading = Reading::begin(&engine, &caller, &caller.project()).await?;
    let batches = reading.rows(&caller, &attached(&id, params.event.as_deref())).await?;
    let Some(found) = Attached::read(&batches) else {
        return Err(ApiError::new(
            Kind::NotFound,
            "attachment_not_found",
            format!("no event that you can see names the file {id}"),
        ));
    };
    if let Some(export) = found.kept.as_deref().and_then(|kept| kept.strip_prefix("export:")) {
        return exported(&engine, &caller, export, &headers).await;
    }
    let file = Named { name: found.name, content_type: found.content_type, id };
    file.answer(&engine, &caller, &headers).await
}

/// The file of an export, which is for keys that may export.
async fn exported(
    engine: &Engine,
    caller: &Authorized<Query>,
    export: &str,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    if !caller.caller.may(Scope::Export) {
        return Err(AccessError::Forbidden { needed: Scope::Export }.into());
    }
    let (export, path) = engine.export_file(&caller.caller, &caller.project(), export)?;
    super::exports::serve(&export, path, headers, caller.caller.ended.clone()).await
}

/// A stored file as an event names it.
pub(super) struct Named {
    pub(super) name: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) id: BlobId,
}

impl Named {
    /// The file, or the part of it that the caller asks for.
    pub(super) async fn answer(
        self,
        engine: &Engine,
        caller: &Authorized<Query>,
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        let (project, id) = (caller.project(), self.id);
        let Some(size) = engine.attachment_size(&project, &id).await? else {
            let detail = format!("events name the file {id}, but it was not stored here");
            return Err(ApiError::new(Kind::NotFound, "attachment_not_stored", detail));
        };
        let file = File {
            size,
            sha256: digest(id.as_str()),
            content_type: content_type(self.content_type.as_deref()).to_owned(),
            name: self.name.unwrap_or_else(|| id.to_string()),
            cut: false,
        };
        let read = |range: Range<u64>| read(engine, project, id, range);
        file.answer(headers, caller.caller.ended.clone(), read).await
    }
}

async fn read(engine: &Engine, project: ProjectName, id: BlobId, range: Range<u64>) -> Result<Chunks, ApiError> {
    let chunks = engine.read_attachment(&project, &id, range).await?;
    Ok(Box::pin(chunks.map_err(Into::into)))
}

/// A digest of its 64 hex digits.
pub(super) fn digest(hex: &str) -> [u8; 32] {
    let mut digest = [0; 32];
    for (byte, digits) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let value = std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        *byte = value.unwrap_or(0);
    }
    digest
}

fn blob_id(sent: &str) -> Result<BlobId, ApiError> {
    BlobId::try_from(sent).map_err(|error| ApiError::new(Kind::Invalid, "invalid_sha256", error))
}

impl From<AttachmentError> for ApiError {
    fn from(error: AttachmentError) -> Self {
        Self::of(&error)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_name_is_read_in_both_forms() {
        let cases: &[(&str, Option<&str>)] = &[
            ("attachment; filename=\"a b.txt\"", Some("a b.txt")),
            ("attachment; filename=a.txt", Some("a.txt")),
            ("attachment; filename=\"x.txt\"; filename*=UTF-8''%C5%BC+1.txt", Some("ż+1.txt")),
            ("attachment", None),
        ];
        for (sent, want) in cases {
            let headers = HeaderMap::from_iter([(header::CONTENT_DISPOSITION, HeaderValue::from_str(sent).unwrap())]);
            assert_eq!(sent_name(&headers).as_deref(), *want, "{sent}");
        }
    }
}
