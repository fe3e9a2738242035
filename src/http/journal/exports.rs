//! `/api/v1/exports`: files made of events in the background.

use std::convert::Infallible;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{Stream, StreamExt};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::watch;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::serving::{Chunks, File};
use crate::engine::{Engine, NewExportError};
use crate::http::caller::{Authorized, Export as Exporter};
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::{ApiError, Problem};
use crate::journal::exports::{Export, ExportError, Failure, NewExport, What};

/// Shortest time between two events of progress.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// Bytes that are read of a file at a time.
const BLOCK: usize = 256 << 10;

/// An export.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ExportAnswer {
    /// Its name.
    id: String,
    /// `enqueued`, `in_progress`, `done`, `failed` or `canceled`.
    status: &'static str,
    /// The kind of file.
    format: &'static str,
    /// The filter, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Value>,
    /// The query, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    /// Columns of a filter's rows.
    columns: Vec<String>,
    /// Order of a filter's rows.
    order: &'static str,
    /// Id of the key that asked for it.
    key: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was begun.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    /// When its file goes.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// How far it is.
    progress: ProgressAnswer,
    /// What it made.
    file: Option<FileAnswer>,
    /// Why it failed.
    error: Option<FailureAnswer>,
}

/// How far an export is.
#[derive(Debug, Serialize, ToSchema)]
struct ProgressAnswer {
    /// Rows on disk.
    rows: u64,
    /// Rows that were counted before; null of queries.
    rows_total: Option<u64>,
    /// Bytes on disk.
    bytes: u64,
    /// Files of an archive on disk.
    files: u64,
    /// Share of the rows, 0 to 1; null where nobody can tell.
    fraction: Option<f64>,
}

/// A file that can be downloaded.
#[derive(Debug, Serialize, ToSchema)]
struct FileAnswer {
    name: String,
    content_type: String,
    size: u64,
    sha256: String,
}

/// Why an export failed.
#[derive(Debug, Serialize, ToSchema)]
struct FailureAnswer {
    /// Stable code, as of problems.
    code: String,
    message: String,
}

fn instant(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

impl ExportAnswer {
    fn new(export: &Export, keep: Duration) -> Self {
        let (filter, sql) = match &export.spec.what {
            What::Filter(filter) => (Some(filter.clone()), None),
            What::Sql { sql, .. } => (None, Some(sql.clone())),
        };
        let progress = &export.progress;
        let file = export.file.clone().map(|file| FileAnswer {
            name: file.name,
            content_type: file.content_type,
            size: file.size,
            sha256: file.sha256,
        });
        let error = export.failure.clone().map(|Failure { code, message }| FailureAnswer { code, message });
        Self {
            id: export.id.as_str().to_owned(),
            status: export.status.as_str(),
            format: export.spec.format.name(),
            filter,
            sql,
            columns: export.spec.columns.clone(),
            order: export.spec.order.as_str(),
            key: export.by.key.as_str().to_owned(),
            created_at: instant(export.created_us),
            started_at: export.started_us.map(instant),
            finished_at: export.finished_us.map(instant),
            expires_at: export.expires_us(keep).map(instant),
            progress: ProgressAnswer {
                rows: progress.rows,
                rows_total: progress.rows_total,
                bytes: progress.bytes,
                files: progress.files,
                fraction: progress.fraction(export.status),
            },
            file,
            error,
        }
    }
}

fn shown(engine: &Engine, export: &Export) -> ExportAnswer {
    ExportAnswer::new(export, engine.config().exports.keep.0)
}

/// Ask for an export: events of a filter, or the rows of a query, as one file. It is made in the background.
#[utoipa::path(post, path = "/api/v1/exports", tag = "journal", operation_id = "create_export", request_body = NewExport,
    responses((status = 202, body = ExportAnswer, description = "It waits for its turn; `Location` says where to look"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["export"])))]
pub(in crate::http) async fn create_export(
    State(engine): State<Engine>,
    caller: Authorized<Exporter>,
    ApiJson(new): ApiJson<NewExport>,
) -> Result<Response, ApiError> {
    if let Some(sql) = &new.sql {
        caller.trail.asks(sql, new.params.as_ref().unwrap_or(&Value::Null), None);
    }
    let export = engine.create_export(&caller.caller, &caller.project(), new).await?;
    let spec = json!({"id": export.id.as_str(), "format": export.spec.format.name(), "columns": export.spec.columns, "order": export.spec.order.as_str()});
    caller.trail.changes(Value::Null, spec);
    let place = HeaderValue::from_str(&format!("/api/v1/exports/{}", export.id.as_str()));
    let mut response = (StatusCode::ACCEPTED, Json(shown(&engine, &export))).into_response();
    if let Ok(place) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// The exports that the key may have, newest first.
#[utoipa::path(get, path = "/api/v1/exports", tag = "journal", operation_id = "list_exports",
    responses((status = 200, body = Vec<ExportAnswer>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["export"])))]
pub(in crate::http) async fn list_exports(
    State(engine): State<Engine>,
    caller: Authorized<Exporter>,
) -> Json<Vec<ExportAnswer>> {
    let all = engine.exports(&caller.caller, &caller.project());
    Json(all.iter().map(|export| shown(&engine, export)).collect())
}

/// One export, with how far it is.
#[utoipa::path(get, path = "/api/v1/exports/{id}", tag = "journal", operation_id = "get_export", params(("id" = String, Path)),
    responses((status = 200, body = ExportAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["export"])))]
pub(in crate::http) async fn get_export(
    State(engine): State<Engine>,
    caller: Authorized<Exporter>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<ExportAnswer>, ApiError> {
    let export = engine.watch_export(&caller.caller, &caller.project(), &id)?;
    let answer = shown(&engine, &export.borrow());
    Ok(Json(answer))
}

/// Stop an export, or remove one that has ended.
#[utoipa::path(delete, path = "/api/v1/exports/{id}", tag = "journal", operation_id = "delete_export", params(("id" = String, Path)),
    responses((status = 200, body = ExportAnswer, description = "As it was; one that was running is `canceled` a moment later, and its files are gone"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["export"])))]
pub(in crate::http) async fn delete_export(
    State(engine): State<Engine>,
    caller: Authorized<Exporter>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<ExportAnswer>, ApiError> {
    let export = engine.delete_export(&caller.caller, &caller.project(), &id).await?;
    Ok(Json(shown(&engine, &export)))
}

/// How far an export is, as server-sent events: `progress` whenever that changes, and the last one is `end`.
#[utoipa::path(get, path = "/api/v1/exports/{id}/events", tag = "journal", operation_id = "watch_export", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/event-stream", description = "Data of each event is the export"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["export"])))]
pub(in crate::http) async fn watch_export(
    State(engine): State<Engine>,
    caller: Authorized<Exporter>,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, ApiError> {
    let changes = engine.watch_export(&caller.caller, &caller.project(), &id)?;
    let events =
        events(changes, engine.config().exports.keep.0, caller.caller.ended.clone(), engine.exports_unwatched());
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn events(
    changes: watch::Receiver<Export>,
    keep: Duration,
    ended: CancellationToken,
    stopping: CancellationToken,
) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(Some((changes, false)), move |state| {
        let (ended, stopping) = (ended.clone(), stopping.clone());
        async move {
            let (mut changes, again) = state?;
            if again {
                let changed = async {
                    tokio::time::sleep(TELL_EVERY).await;
                    changes.changed().await
                };
                tokio::select! {
                    biased;
                    () = ended.cancelled() => return None,
                    // The caller asks the next server.
                    () = stopping.cancelled() => return None,
                    changed = changed => changed.ok()?,
                }
            }
            let export = changes.borrow_and_update().clone();
            let last = export.status.is_final();
            let data = json!(ExportAnswer::new(&export, keep)).to_string();
            let event = Event::default().event(if last { "end" } else { "progress" }).data(data);
            Some((Ok(event), (!last).then_some((changes, true))))
        }
    })
}

/// The file of an export that is done.
#[utoipa::path(get, path = "/api/v1/exports/{id}/file", tag = "journal", operation_id = "download_export",
    params(("id" = String, Path), ("Range" = Option<String>, Header, description = "The rest of the file, such as `bytes=1000-`; with `If-Range` and its `ETag`")),
    responses((status = 200, content_type = "*/*", description = "The file; `ETag` and `Repr-Digest` have its SHA-256"),
        (status = 206, content_type = "*/*", description = "The part that `Range` asks for"),
        (status = 304, description = "The caller has it"),
        (status = 416, body = Problem, content_type = "application/problem+json", description = "No byte of the file is within the range"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["export"])))]
pub(in crate::http) async fn download_export(
    State(engine): State<Engine>,
    caller: Authorized<Exporter>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (export, path) = engine.export_file(&caller.caller, &caller.project(), &id)?;
    serve(&export, path, &headers, caller.caller.ended.clone()).await
}

/// The file of an export as an answer.
pub(super) async fn serve(
    export: &Export,
    path: PathBuf,
    headers: &HeaderMap,
    ended: CancellationToken,
) -> Result<Response, ApiError> {
    let Some(made) = &export.file else {
        return Err(ExportError::NotReady(export.status.as_str()).into());
    };
    let file = File {
        size: made.size,
        sha256: super::attachments::digest(&made.sha256),
        content_type: made.content_type.clone(),
        name: made.name.clone(),
        cut: false,
    };
    file.answer(headers, ended, |range| read(path, range)).await
}

async fn read(path: PathBuf, range: Range<u64>) -> Result<Chunks, ApiError> {
    let open = async {
        let mut file = tokio::fs::File::open(&path).await?;
        file.seek(std::io::SeekFrom::Start(range.start)).await?;
        Ok(file.take(range.end - range.start))
    };
    let part = open.await.map_err(|source| ExportError::Io { path, source })?;
    Ok(ReaderStream::with_capacity(part, BLOCK).map(|chunk| chunk.map_err(Into::into)).boxed())
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            // With the place in the text.
            ExportError::Query(error) => error.into(),
            error => Self::of(&error),
        }
    }
}

impl From<NewExportError> for ApiError {
    fn from(error: NewExportError) -> Self {
        match error {
            NewExportError::Export(error) => error.into(),
            NewExportError::Append(error) => error.into(),
            NewExportError::Engine(error) => error.into(),
            NewExportError::Access(error) => error.into(),
        }
    }
}
