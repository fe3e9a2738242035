//! The engine's own jobs, as tasks of the source `kronika`.
//!
//! What an own job stores as events (exports) is in the list like any other task. What it keeps for itself (flush,
//! compaction) is told by the engine as an [`OwnTask`].

use serde_json::{Value, json};

use crate::journal::rows::Row;

/// A job of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnTask {
    /// Its id: the same from step to step.
    pub id: String,
    /// What kind: `flush`, `compaction`.
    pub kind: String,
    /// `enqueued`, `in_progress`, `done`, `failed` or `canceled`.
    pub status: &'static str,
    /// When its last step began, in µs since 1970.
    pub started_us: i64,
    /// When it ended; `None` while it runs.
    pub ended_us: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Rows of such jobs, in the form of the others.
#[must_use]
pub fn own_rows(tasks: &[OwnTask], now_us: i64) -> Vec<Row> {
    tasks.iter().map(|task| one(task, now_us)).collect()
}

fn one(task: &OwnTask, now_us: i64) -> Row {
    let time = |us: i64| {
        chrono::DateTime::from_timestamp_micros(us)
            .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    };
    let updated = task.ended_us.unwrap_or(now_us);
    let row = json!({
        "tenant_id": null,
        "source": "kronika",
        "task_id": task.id,
        "dataset": "jobs",
        "task_type": task.kind,
        "task_status": task.status,
        "error_message": task.error,
        "started_at": time(task.started_us),
        "event_time": time(updated),
        "processing_ms": ((updated - task.started_us) / 1_000).to_string(),
        "started_by": {"actor_type": "system", "actor_id": "kronika"},
    });
    match row {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}
