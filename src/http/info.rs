//! `/api/v1/info`: what a client should know of the server before it sends or asks anything.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::AnyKey;
use crate::config::Config;
use crate::engine::{COMMIT, Engine, FORMAT};
use crate::table::MODEL_VERSION;

/// What this server can do, by names that stay.
const FEATURES: [&str; 9] = [
    "ingest.ndjson",
    "ingest.idempotency-key",
    "ingest.mappings",
    "ingest.dead-letters",
    "query.sql",
    "query.named",
    "query.cancel",
    "keys.rotation",
    "keys.restrictions",
];

/// A server's description of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Info {
    /// Version of the program.
    #[schema(value_type = String, example = "0.1.0")]
    version: &'static str,
    /// Commit that it was built from, where the build knew it.
    #[schema(value_type = Option<String>)]
    commit: Option<&'static str>,
    /// What it can do.
    #[schema(value_type = Vec<String>)]
    features: Vec<&'static str>,
    formats: Formats,
    limits: Limits,
}

/// Versions of what it keeps and speaks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Formats {
    /// Version of the HTTP API.
    #[schema(value_type = String, example = "v1")]
    api: &'static str,
    /// Version of the data directory's layout.
    data_directory: u32,
    /// Version of the event model: its columns.
    event_model: u32,
    /// Content types that events are taken in.
    #[schema(value_type = Vec<String>)]
    events: [&'static str; 2],
    /// Encodings of bodies.
    #[schema(value_type = Vec<String>)]
    encodings: [&'static str; 3],
    /// Formats of answers.
    #[schema(value_type = Vec<String>)]
    answers: [&'static str; 5],
}

/// Limits that a client must keep to; sizes in bytes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Limits {
    /// Largest body, decompressed.
    body_max_bytes: u64,
    /// Longest event.
    line_max_bytes: u64,
    /// Most events in a body.
    events_max: u32,
    /// How long an Idempotency-Key is known, at least.
    idempotency_keep_seconds: u64,
    /// Longest SQL text.
    sql_max_bytes: u64,
    /// Most rows of an answer.
    rows_max: u64,
    /// Most bytes of an answer, in memory form.
    answer_max_bytes: u64,
    /// Longest query.
    query_timeout_seconds: f64,
}

impl Limits {
    fn of(config: &Config) -> Self {
        Self {
            body_max_bytes: config.ingest.body_max.0,
            line_max_bytes: config.ingest.line_max.0,
            events_max: config.ingest.events_max,
            idempotency_keep_seconds: config.ingest.idempotency_keep.0.as_secs(),
            sql_max_bytes: config.query.sql_max.0,
            rows_max: config.query.rows_max,
            answer_max_bytes: config.query.bytes_max.0,
            query_timeout_seconds: config.query.timeout.0.as_secs_f64(),
        }
    }
}

/// Version, features, formats and limits of the server; for any key.
#[utoipa::path(get, path = "/api/v1/info", tag = "operation", operation_id = "info",
    responses((status = 200, body = Info)), security(("key" = [])))]
pub(super) async fn info(State(engine): State<Engine>, _caller: AnyKey) -> Json<Info> {
    Json(Info {
        version: env!("CARGO_PKG_VERSION"),
        commit: COMMIT,
        features: FEATURES.to_vec(),
        formats: Formats {
            api: "v1",
            data_directory: FORMAT,
            event_model: MODEL_VERSION,
            events: ["application/json", "application/x-ndjson"],
            encodings: ["gzip", "zstd", "deflate"],
            answers: ["json", "ndjson", "csv", "arrow", "parquet"],
        },
        limits: Limits::of(engine.config()),
    })
}
