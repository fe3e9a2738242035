//! Bodies as they were meant: read within a limit, decompressed within the same limit.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;

use super::problem::ApiError;
use super::transport::Slow;
use crate::config::ByteCount;
use crate::error::Kind;
use crate::event::parse::BodyFormat;

/// Compressed bodies above this size are unpacked on a thread of their own.
const INLINE_MAX: usize = 64 << 10;
/// Largest JSON document of a route that is no body of events.
const DOCUMENT_MAX: ByteCount = ByteCount(2 << 20);
/// Most bytes of a refused body that are still read, so that its sender comes to read the answer.
const DISCARD_MAX: u64 = 128 << 20;
/// Longest time that this may take.
const DISCARD_TIME: Duration = Duration::from_secs(5);
/// Largest zstd window accepted: 128 MiB.
const WINDOW_LOG_MAX: u32 = 27;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Coding {
    Identity,
    Gzip,
    Zstd,
    Deflate,
}

/// Reads a body of at most `limit` bytes, before and after decompression.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: ByteCount) -> Result<Vec<u8>, ApiError> {
    let coding = coding(headers)?;
    let sent = collect(headers, body, limit, too_large).await?;
    if coding == Coding::Identity {
        return Ok(sent);
    }
    if sent.len() <= INLINE_MAX {
        return decompress(&sent, coding, limit);
    }
    tokio::task::spawn_blocking(move || decompress(&sent, coding, limit))
        .await
        .map_err(|_| ApiError::new(Kind::Internal, "internal", "decompression stopped"))?
}

/// Reads a document of a route that takes no events.
pub(super) async fn document(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, ApiError> {
    let too_large = |limit| {
        ApiError::new(Kind::TooLarge, "body_too_large", format!("the document is larger than {limit}"))
            .hint("send less in one document")
    };
    collect(headers, body, DOCUMENT_MAX, too_large).await
}

/// Refuses a body that is packed: what is kept by the hash of its bytes is kept as it is.
pub(super) fn must_be_plain(headers: &HeaderMap) -> Result<(), ApiError> {
    match coding(headers)? {
        Coding::Identity => Ok(()),
        _ => Err(ApiError::new(Kind::UnsupportedMedia, "unsupported_encoding", "files are taken as they are")
            .hint("send the file without Content-Encoding")),
    }
}

fn coding(headers: &HeaderMap) -> Result<Coding, ApiError> {
    let values: Vec<&str> =
        headers.get_all(header::CONTENT_ENCODING).iter().map(|value| value.to_str().unwrap_or("?").trim()).collect();
    match values.join(", ").to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Coding::Identity),
        "gzip" | "x-gzip" => Ok(Coding::Gzip),
        "zstd" => Ok(Coding::Zstd),
        "deflate" => Ok(Coding::Deflate),
        other => Err(ApiError::new(
            Kind::UnsupportedMedia,
            "unsupported_encoding",
            format!("content encoding `{other}` is not understood"),
        )
        .hint("send gzip, zstd or deflate, applied once, or no Content-Encoding")),
    }
}

async fn collect(
    headers: &HeaderMap,
    mut body: Body,
    limit: ByteCount,
    too_large: fn(ByteCount) -> ApiError,
) -> Result<Vec<u8>, ApiError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit.0) {
        discard(body).await;
        return Err(too_large(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(announced.unwrap_or(0)).unwrap_or(0));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreadable(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        if bytes.len() as u64 + data.len() as u64 > limit.0 {
            drop(bytes);
            discard(body).await;
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}

/// Reads on for a while: a client that is still sending when its connection is closed does not see the answer.
pub(super) async fn discard(mut body: Body) {
    let reading = async {
        let mut read = 0;
        while read < DISCARD_MAX
            && let Some(Ok(frame)) = body.frame().await
        {
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    };
    // Whether it ended or was left off, the answer is the same.
    let _ = tokio::time::timeout(DISCARD_TIME, reading).await;
}

/// Why a body did not come whole.
pub(super) fn unreadable(error: &(dyn std::error::Error + 'static)) -> ApiError {
    match Slow::among(error) {
        Some(slow) => ApiError::new(Kind::DeadlineExceeded, "body_too_slow", slow.to_string())
            .hint("send the body faster, or in smaller requests; nothing of it is stored"),
        None => ApiError::new(Kind::Invalid, "body_cut_off", format!("the body ended early: {error}"))
            .hint("nothing of it is stored; send it again"),
    }
}

fn decompress(sent: &[u8], coding: Coding, limit: ByteCount) -> Result<Vec<u8>, ApiError> {
    let broken = |error: std::io::Error| {
        ApiError::new(Kind::Invalid, "body_undecodable", format!("the body cannot be decompressed: {error}"))
            .hint("check Content-Encoding, and that the whole body was sent")
    };
    // One byte more than allowed tells a body at the limit from one beyond it.
    let most = limit.0 + 1;
    let mut out = Vec::with_capacity(sent.len().saturating_mul(4).min(limit.as_usize()));
    match coding {
        Coding::Identity => out.extend_from_slice(sent),
        Coding::Gzip => {
            flate2::read::MultiGzDecoder::new(sent).take(most).read_to_end(&mut out).map_err(broken)?;
        }
        Coding::Deflate if sent.first().is_some_and(|byte| byte & 0x0F == 8) => {
            flate2::read::ZlibDecoder::new(sent).take(most).read_to_end(&mut out).map_err(broken)?;
        }
        // Some senders mean the bare stream by `deflate`.
        Coding::Deflate => {
            flate2::read::DeflateDecoder::new(sent).take(most).read_to_end(&mut out).map_err(broken)?;
        }
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(sent).map_err(broken)?;
            decoder.window_log_max(WINDOW_LOG_MAX).map_err(broken)?;
            decoder.take(most).read_to_end(&mut out).map_err(|error| match declared_window(sent) {
                Some(window) if window > 1 << WINDOW_LOG_MAX => window_too_large(window),
                _ => broken(error),
            })?;
        }
    }
    if out.len() as u64 > limit.0 {
        return Err(too_large(limit));
    }
    Ok(out)
}

/// The window that the first zstd frame declares (RFC 8878, 3.1.1.1.2), where it has a descriptor of it.
fn declared_window(sent: &[u8]) -> Option<u64> {
    let [0x28, 0xB5, 0x2F, 0xFD, header, descriptor, ..] = sent else { return None };
    let single_segment = header & 0x20 != 0;
    let base = 1_u64 << (10 + (descriptor >> 3));
    (!single_segment).then(|| base + base / 8 * u64::from(descriptor & 7))
}

fn window_too_large(window: u64) -> ApiError {
    let most = 1_u64 << WINDOW_LOG_MAX;
    let detail = format!("the body was compressed with a window of {}; {} at most", ByteCount(window), ByteCount(most));
    ApiError::new(Kind::TooLarge, "window_too_large", detail)
        .hint(format!("compress it with a smaller window, such as `zstd --long={WINDOW_LOG_MAX}`"))
}

fn too_large(limit: ByteCount) -> ApiError {
    ApiError::new(Kind::TooLarge, "body_too_large", format!("the body is larger than {limit}, decompressed"))
        .hint("split it; the limit is the setting `ingest.body_max`")
}

/// The format that `Content-Type` names; without one, what the first byte tells.
pub(super) fn format(headers: &HeaderMap, body: &[u8]) -> Result<BodyFormat, ApiError> {
    let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = named.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(BodyFormat::Json),
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines"
        | "text/plain" => Ok(BodyFormat::Ndjson),
        // The second is what curl sends when it is told nothing.
        "" | "application/x-www-form-urlencoded" => Ok(guessed(body)),
        other => Err(ApiError::new(
            Kind::UnsupportedMedia,
            "unsupported_media_type",
            format!("content type `{other}` is not understood here"),
        )
        .hint("send application/json (an object or an array) or application/x-ndjson (an object a line)")),
    }
}

/// The format of a body of which nobody said it: an array is JSON, all else NDJSON.
pub(super) fn guessed(body: &[u8]) -> BodyFormat {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'[') { BodyFormat::Json } else { BodyFormat::Ndjson }
}

#[cfg(test)]
mod tests;
