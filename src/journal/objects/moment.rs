//! States and differences of an object, as answers have them.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;

use super::state::{Origin, State, Status, Step, fold};
use super::{ObjectRef, state};
use crate::journal::Statement;
use crate::journal::changes::{Change, Op, diff, of_column};
use crate::journal::lookup::{LookupError, one_place};
use crate::journal::rows::{Reader, Row, int, text};
use crate::journal::tree::Node;

/// Events of an object, in order, with what is told of each.
#[derive(Debug)]
pub struct Moments {
    steps: Vec<Step>,
    events: Vec<Row>,
}

/// A moment, in µs since 1970, and as text.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The number.
    pub us: i64,
    /// RFC 3339.
    pub text: String,
}

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self::of(Utc::now())
    }

    fn of(time: DateTime<Utc>) -> Self {
        Self { us: time.timestamp_micros(), text: time.to_rfc3339_opts(SecondsFormat::AutoSi, true) }
    }

    /// Reads the parameter `name`; absent it is `now`. A day stands for its end in UTC.
    ///
    /// # Errors
    /// It is no moment.
    pub fn read(name: &'static str, given: Option<&str>, now: DateTime<Utc>) -> Result<Self, LookupError> {
        let Some(given) = given.filter(|given| *given != "now") else { return Ok(Self::of(now)) };
        if let Ok(time) = DateTime::parse_from_rfc3339(given) {
            return Ok(Self::of(time.to_utc()));
        }
        let day = given.parse::<NaiveDate>().ok().and_then(|day| day.succ_opt()?.and_hms_opt(0, 0, 0));
        match day {
            Some(next) => Ok(Self::of(next.and_utc() - TimeDelta::microseconds(1))),
            None => {
                let reason =
                    format!("`{given}` is no moment: write `2025-03-04T09:00:00+01:00`, `2025-03-04` or `now`");
                Err(LookupError::Parameter { name, reason })
            }
        }
    }
}

/// A field of a state.
#[derive(Debug, Serialize)]
pub struct FieldShown {
    /// Keys joined by `.`.
    pub path: String,
    /// `this_event` set it; or `a_later_event` says that this was its value before.
    pub known_from: &'static str,
    /// The event.
    #[serde(flatten)]
    pub event: Row,
}

/// An object at a moment.
#[derive(Debug, Serialize)]
pub struct StateShown {
    /// Account, shop or school inside the source system.
    pub tenant_id: Value,
    /// The source system.
    pub source: Value,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The moment.
    pub at: String,
    /// Whether it is there.
    pub status: Status,
    /// Whether the state is all of it.
    pub complete: bool,
    /// Why it may not be.
    pub incomplete_because: Vec<String>,
    /// What is known of it.
    pub state: Node,
    /// Where each field is known from.
    pub fields: Vec<FieldShown>,
    /// Events that were read.
    pub events: usize,
}

/// What differs between two moments.
#[derive(Debug, Serialize)]
pub struct DiffShown {
    /// Account, shop or school inside the source system.
    pub tenant_id: Value,
    /// The source system.
    pub source: Value,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The first moment.
    pub from: Side,
    /// The second moment.
    pub to: Side,
    /// Fields that differ.
    pub changes: Vec<DifferenceShown>,
    /// Its own events in between, in order.
    pub events: Vec<Row>,
}

/// One end of a difference.
#[derive(Debug, Serialize)]
pub struct Side {
    /// The moment.
    pub at: String,
    /// Whether it was there.
    pub status: Status,
    /// Whether all of it is known.
    pub complete: bool,
}

/// A field that differs.
#[derive(Debug, Serialize)]
pub struct DifferenceShown {
    /// Keys joined by `.`.
    pub path: String,
    /// What happened to it.
    pub op: Op,
    /// Its value at the first moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Node>,
    /// Its value at the second moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Node>,
    /// Events in between that changed it, or something in it.
    pub event_ids: Vec<String>,
}

/// What is asked for the states of an object.
#[must_use]
pub fn state_statement(object: &ObjectRef, events_max: usize) -> Statement {
    let mut ask = Statement::default();
    let own = object.own(&mut ask);
    ask.sql = format!(
        "SELECT
    tenant_id, source, event_id, event_time, event_type, action, actor_id, actor_name, outcome,
    CAST(event_time AS BIGINT) AS time_us, object_before, object_after, changes
FROM events
WHERE {own}
ORDER BY event_time, sequence, _seq
LIMIT {}",
        events_max.saturating_add(1)
    );
    ask
}

/// Reads the events of an object, all of one source.
///
/// # Errors
/// It has none, or more than `events_max`, or several sources have it; the query fails.
pub async fn load(
    reader: &Reader<'_>,
    object: &ObjectRef,
    ask: &Statement,
    events_max: usize,
) -> Result<Moments, LookupError> {
    let rows = reader.all(ask).await?;
    if rows.len() > events_max {
        return Err(LookupError::TooManyEvents(events_max));
    }
    if one_place(&object.reference(), &rows, &["tenant_id", "source"])?.is_none() {
        return Err(LookupError::NoObject { kind: object.kind.clone(), id: object.id.clone() });
    }
    let (steps, events) = rows.into_iter().map(step_of).unzip();
    Ok(Moments { steps, events })
}

fn step_of(mut row: Row) -> (Step, Row) {
    let snapshot = |value: Option<Value>| value.as_ref().and_then(Value::as_str).and_then(Node::parse);
    let step = Step {
        time_us: int(&row, "time_us").unwrap_or(0),
        event_id: text(&row, "event_id").unwrap_or_default().to_owned(),
        action: text(&row, "action").unwrap_or_default().to_owned(),
        failed: text(&row, "outcome") == Some("failure"),
        before: snapshot(row.remove("object_before")),
        after: snapshot(row.remove("object_after")),
        changes: row.remove("changes").map(|listed| of_column(&listed)).unwrap_or_default(),
    };
    row.remove("time_us");
    (step, row)
}

impl Moments {
    /// The state at a moment.
    #[must_use]
    pub fn at(&self, time_us: i64) -> State {
        fold(&self.steps, time_us)
    }

    fn value(&self, column: &str) -> Value {
        self.events.first().and_then(|event| event.get(column)).cloned().unwrap_or_default()
    }

    fn event(&self, at: usize) -> Row {
        let mut event = self.events.get(at).cloned().unwrap_or_default();
        for known in ["tenant_id", "source", "outcome"] {
            event.remove(known);
        }
        event
    }

    /// The state at a moment, to be shown.
    #[must_use]
    pub fn shown(&self, object: &ObjectRef, moment: &Moment) -> StateShown {
        let state = self.at(moment.us);
        let field = |(path, origin): (&String, &Origin)| FieldShown {
            path: path.clone(),
            known_from: if origin.later { "a_later_event" } else { "this_event" },
            event: self.event(origin.step),
        };
        StateShown {
            tenant_id: self.value("tenant_id"),
            source: self.value("source"),
            kind: object.kind.clone(),
            id: object.id.clone(),
            at: moment.text.clone(),
            status: state.status,
            complete: state.whole,
            fields: state.fields.iter().map(field).collect(),
            incomplete_because: state.reasons,
            state: Node::Object(state.object),
            events: self.steps.len(),
        }
    }

    /// What differs between two moments, to be shown.
    #[must_use]
    pub fn between(&self, object: &ObjectRef, from: &Moment, to: &Moment) -> DiffShown {
        let (first, second) = (self.at(from.us), self.at(to.us));
        let within = |step: &Step| step.time_us > from.us && step.time_us <= to.us;
        let between: Vec<usize> = (0..self.steps.len()).filter(|at| within(&self.steps[*at])).collect();
        let changes = diff(&first.object, &second.object);
        let steps = between.iter().filter_map(|at| self.steps.get(*at)).filter(|step| !step.failed);
        let touched: Vec<Touched<'_>> = steps.map(Touched::of).collect();
        let side = |moment: &Moment, state: &State| Side {
            at: moment.text.clone(),
            status: state.status,
            complete: state.whole,
        };
        DiffShown {
            tenant_id: self.value("tenant_id"),
            source: self.value("source"),
            kind: object.kind.clone(),
            id: object.id.clone(),
            from: side(from, &first),
            to: side(to, &second),
            changes: changes.into_iter().map(|change| difference(change, &touched)).collect(),
            events: between.iter().map(|at| self.event(*at)).collect(),
        }
    }
}

/// An event between two moments, and what it changed.
struct Touched<'m> {
    event_id: &'m str,
    /// Whether it set the whole object.
    whole: bool,
    paths: Vec<String>,
}

impl<'m> Touched<'m> {
    fn of(step: &'m Step) -> Self {
        let snapshots = match (&step.before, &step.after) {
            (Some(Node::Object(before)), Some(Node::Object(after))) => diff(before, after),
            _ => Vec::new(),
        };
        Self {
            event_id: &step.event_id,
            whole: matches!(step.action.as_str(), "create" | "restore") && step.after.is_some(),
            paths: step.changes.iter().chain(&snapshots).map(|change| change.path.clone()).collect(),
        }
    }
}

fn difference(change: Change, between: &[Touched<'_>]) -> DifferenceShown {
    let touches =
        |touched: &&Touched<'_>| touched.whole || touched.paths.iter().any(|path| state::overlap(path, &change.path));
    let event_ids = between.iter().filter(touches).map(|touched| touched.event_id.to_owned()).collect();
    DifferenceShown { path: change.path, op: change.op, before: change.before, after: change.after, event_ids }
}
