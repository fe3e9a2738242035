//! The tail's words as server-sent events.
//!
//! | event | data | `id` |
//! |---|---|---|
//! | (message) | the event as a JSON object, without its NULLs | its position |
//! | (none: a comment) | heartbeat, first line | how far the stream is |
//! | `dropped` | `{"after","through","events"}` | `through` |
//! | `end` | `{"reason", …}` | |

use std::io::Write;

use bytes::Bytes;
use serde_json::Value;

use super::Position;

/// How long a client should wait before it comes back, in ms.
const RETRY_MS: u32 = 1_000;

/// Appends an event.
pub fn row(position: Position, object: &[u8], out: &mut Vec<u8>) {
    // A `Vec` takes every write.
    let _ = write!(out, "id: {position}\ndata: ");
    out.extend_from_slice(object);
    out.extend_from_slice(b"\n\n");
}

/// What a stream begins with: how soon to come back, and from where.
#[must_use]
pub fn hello(position: Position) -> Bytes {
    format!("retry: {RETRY_MS}\nid: {position}\n: tail\n\n").into()
}

/// Says that the stream lives and how far it is; clients that come back go on from there.
#[must_use]
pub fn heartbeat(position: Position) -> Bytes {
    format!("id: {position}\n: alive\n\n").into()
}

/// Says that `events` matching events after one position and up to another were left out.
#[must_use]
pub fn dropped(after: Position, through: Position, events: Option<u64>) -> Bytes {
    let data = serde_json::json!({"after": after.to_string(), "through": through.to_string(), "events": events});
    format!("event: dropped\nid: {through}\ndata: {data}\n\n").into()
}

/// Says why nothing more comes.
#[must_use]
pub fn end(data: &Value) -> Bytes {
    format!("event: end\ndata: {data}\n\n").into()
}
