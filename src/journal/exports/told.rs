//! An export as events of its own project, in the form of a task: asked for, begun, ended.

use serde_json::{Value, json};

use super::record::{Export, Status};
use super::spec::What;

/// How many events an export has by now.
#[must_use]
pub fn word_count(export: &Export) -> u32 {
    match export.status {
        Status::Enqueued => 1,
        Status::InProgress => 2,
        Status::Done | Status::Failed | Status::Canceled => 3,
    }
}

/// Event `number`, from 1, as a line of NDJSON; `expires_us` is when the file goes.
///
/// The same number always makes the same event, so that one that was sent twice is there once.
#[must_use]
pub fn told(export: &Export, number: u32, expires_us: Option<i64>) -> Vec<u8> {
    let id = export.id.as_str();
    let (status, time) = match number {
        1 => (Status::Enqueued, export.created_us),
        2 => (Status::InProgress, export.started_us.unwrap_or(export.created_us)),
        _ => (export.status, export.finished_us.unwrap_or(export.created_us)),
    };
    let (filters, object) = match &export.spec.what {
        What::Filter(filter) => (filter.clone(), "event"),
        What::Sql { sql, .. } => (json!({ "sql": sql }), "query"),
    };
    let parameters = json!({"order": export.spec.order.as_str(), "fields": export.spec.columns, "format": export.spec.format.name()});
    let mut event = json!({
        "event_id": format!("{id}:{number}"), "event_time": time, "sequence": number, "source": "kronika", "dataset": "exports",
        "module": "exports", "event_type": "export.created", "action": "export", "status": status.as_str(),
        "actor_type": "api_key", "actor_id": export.by.key.as_str(), "actor_name": export.by.name,
        "credential_type": "api_key", "credential_id": export.by.key.as_str(), "channel": "api",
        "object_type": "export", "object_id": id, "task_id": id, "task_type": format!("EXPORT.{}", object.to_uppercase()),
        "task_status": status.as_str(), "correlation_id": id,
        "attributes": {"export": {"exported_object": object, "parameters": parameters, "filters": filters}},
    });
    match status {
        Status::Enqueued | Status::InProgress => event["task_progress"] = json!(0),
        Status::Done | Status::Failed | Status::Canceled => ended(export, time, expires_us, &mut event),
    }
    let mut line = event.to_string().into_bytes();
    line.push(b'\n');
    line
}

fn ended(export: &Export, time: i64, expires_us: Option<i64>, event: &mut Value) {
    let done = export.status == Status::Done;
    event["outcome"] = json!(match export.status {
        Status::Done => "success",
        Status::Canceled => "unknown",
        _ => "failure",
    });
    event["task_progress"] = match export.progress.fraction(export.status) {
        // Whole percents come back as they were sent.
        Some(fraction) => json!((fraction * 100.0) as u64),
        None => Value::Null,
    };
    event["task_done_count"] = json!(export.progress.rows);
    event["duration_ns"] = json!(time.saturating_sub(export.started_us.unwrap_or(time)).saturating_mul(1_000));
    if let Some(failure) = &export.failure {
        event["error_code"] = json!(failure.code);
        event["error_message"] = json!(failure.message);
    }
    if let Some(file) = export.file.as_ref().filter(|_| done) {
        event["attachments"] = json!([{"role": "export", "name": file.name, "content_type": file.content_type, "size": file.size,
            "sha256": file.sha256, "ref": format!("export:{}", export.id.as_str()), "expires_at": expires_us.map(rfc3339)}]);
        event["task_result"] = json!({"rows": export.progress.rows, "bytes": file.size, "sha256": file.sha256});
    }
}

fn rfc3339(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
