//! The engine's own jobs, as tasks of the source `kronika`.
//!
//! They are no events: the engine keeps them for itself and hands them over as [`OwnTask`]s, which become rows of the
//! same statement that makes tasks of events, so that filters, order and pages hold for all. (Exports are not among
//! them: they tell of themselves in events.)

use super::{COLUMNS, Statement, instant};

/// Source of the engine's own tasks.
pub const OWN_SOURCE: &str = "kronika";

/// A job of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnTask {
    /// Its id.
    pub id: String,
    /// What kind: `flush`, `compaction`, ….
    pub kind: String,
    /// `in_progress`, `done`, `failed` or `canceled`.
    pub status: &'static str,
    /// What it works on.
    pub subject: String,
    /// How much is done, in the unit of its kind.
    pub done: u64,
    /// How much there is to do, where that is known.
    pub total: Option<u64>,
    /// When it began, in µs since 1970.
    pub started_us: i64,
    /// When it ended; `None` while it runs.
    pub ended_us: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it came to, as JSON.
    pub result: Option<String>,
}

impl OwnTask {
    /// The task as it was at a moment; `None` before it began.
    #[must_use]
    pub fn as_of(mut self, moment_us: i64) -> Option<Self> {
        if self.ended_us.is_some_and(|ended| ended > moment_us) {
            (self.status, self.ended_us) = ("in_progress", None);
            (self.error, self.result, self.done) = (None, None, 0);
        }
        (self.started_us <= moment_us).then_some(self)
    }
}

/// Between two tasks, and between two parts of one: in no text of theirs.
const TASK: char = '\u{1e}';
const PART: char = '\u{1f}';

/// Parts of a task in [`text_of`], by column.
const PARTS: [&str; 9] = [
    "task_id",
    "task_type",
    "task_status",
    "task_progress",
    "task_done_count",
    "error_message",
    "task_result",
    "started_at",
    "event_time",
];
/// Of the subject.
const MESSAGE: usize = PARTS.len() + 1;

/// A task in one line.
fn text_of(task: &OwnTask, now_us: i64) -> String {
    let percent =
        task.total.filter(|total| *total > 0).map(|total| (100 * u128::from(task.done) / u128::from(total)).min(100));
    let parts = [
        task.id.clone(),
        task.kind.clone(),
        task.status.to_owned(),
        percent.map(|percent| percent.to_string()).unwrap_or_default(),
        task.done.to_string(),
        task.error.clone().unwrap_or_default(),
        task.result.clone().unwrap_or_default(),
        task.started_us.to_string(),
        task.ended_us.unwrap_or(now_us.max(task.started_us)).to_string(),
        task.subject.clone(),
    ];
    parts.map(|part| part.replace([TASK, PART], " ")).join(&PART.to_string())
}

/// The tasks as rows with the columns that tasks of events have, none of them hidden; their texts are values of
/// `ask`.
pub(super) fn rows(ask: &mut Statement, tasks: &[OwnTask], now_us: i64) -> String {
    let text = tasks.iter().map(|task| text_of(task, now_us)).collect::<Vec<_>>().join(&TASK.to_string());
    let text = ask.value("own_tasks", text);
    let columns: Vec<String> = COLUMNS.iter().map(|(name, ..)| format!("        {} AS {name}", column(name))).collect();
    format!(
        "SELECT
        CAST(NULL AS VARCHAR) AS tenant_id,
        '{OWN_SOURCE}' AS source,
        {} AS task_id,
{}
    FROM (SELECT unnest(string_to_array(CAST({text} AS VARCHAR), chr(30))) AS own)",
        column("task_id"),
        columns.join(",\n")
    )
}

/// What a column of an own task is made of.
fn column(name: &str) -> String {
    let part = |at: usize| format!("nullif(split_part(own, chr(31), {at}), '')");
    let at = PARTS.iter().position(|part| *part == name).map(|at| part(at + 1));
    match (name, at) {
        ("started_at" | "event_time", Some(us)) => instant(&us),
        ("task_progress", Some(percent)) => format!("CAST({percent} AS REAL)"),
        ("task_done_count", Some(count)) => format!("CAST({count} AS BIGINT)"),
        (_, Some(text)) => text,
        ("dataset", None) => "'jobs'".to_owned(),
        ("message", None) => part(MESSAGE),
        ("actor_type", None) => "'system'".to_owned(),
        ("actor_id", None) => format!("'{OWN_SOURCE}'"),
        ("reports", None) => "0".to_owned(),
        (_, None) => "NULL".to_owned(),
    }
}
