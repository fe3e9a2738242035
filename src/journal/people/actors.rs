//! One actor: the names that it had, and what it did, counted.

use serde::Serialize;
use serde_json::Value;

use crate::journal::lookup::{LookupError, Narrow};
use crate::journal::rows::{Reader, Row, int, text};
use crate::journal::{Filter, Statement, Term};

/// Most identities, actions and modules that are told.
const TOLD_MAX: usize = 1_000;

/// An actor at a glance.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Actor {
    /// The id or e-mail that was asked for.
    pub id: String,
    /// Its events.
    pub events: i64,
    /// Time of the first.
    #[schema(value_type = Option<String>)]
    pub first_event_at: Value,
    /// Time of the last.
    #[schema(value_type = Option<String>)]
    pub last_event_at: Value,
    /// Every combination of id, name and e-mail that it had, by source: with first, last and number of events.
    #[schema(value_type = Vec<Object>)]
    pub identities: Vec<Row>,
    /// Events by action.
    #[schema(value_type = Vec<Object>)]
    pub actions: Vec<Row>,
    /// Events by source and module.
    #[schema(value_type = Vec<Object>)]
    pub modules: Vec<Row>,
}

/// The condition of an actor's events: by its id, or by its e-mail in any case.
#[must_use]
pub(super) fn actor_condition(ask: &mut Statement, id: &str, narrow: &Narrow, hidden: &[String]) -> String {
    let given = ask.value("id", id);
    let by_email = !hidden.iter().any(|column| column == "actor_email") && id.contains('@');
    let email = if by_email { format!(" OR lower(actor_email) = lower({given})") } else { String::new() };
    format!("(actor_id = {given}{email}){}", narrow.condition(ask))
}

/// What is asked first: who the actor is, by source.
#[must_use]
pub fn actor_statement(id: &str, narrow: &Narrow, hidden: &[String]) -> Statement {
    let mut ask = Statement::default();
    let condition = actor_condition(&mut ask, id, narrow, hidden);
    let all = ["tenant_id", "source", "actor_type", "actor_id", "actor_name", "actor_email"];
    let columns: Vec<&str> = all.into_iter().filter(|column| !hidden.iter().any(|hidden| hidden == column)).collect();
    let columns = columns.join(", ");
    ask.sql = format!(
        "SELECT {columns}, count(*) AS events, min(event_time) AS first_seen, max(event_time) AS last_seen
FROM events
WHERE {condition}
GROUP BY {columns}
ORDER BY last_seen DESC, {columns}
LIMIT {TOLD_MAX}"
    );
    ask
}

fn counted_by(columns: &str, id: &str, narrow: &Narrow, hidden: &[String]) -> Statement {
    let mut ask = Statement::default();
    let condition = actor_condition(&mut ask, id, narrow, hidden);
    ask.sql = format!(
        "SELECT {columns}, count(*) AS events, min(event_time) AS first_event_at, max(event_time) AS last_event_at
FROM events
WHERE {condition}
GROUP BY {columns}
ORDER BY events DESC, {columns}
LIMIT {TOLD_MAX}"
    );
    ask
}

/// The actor at a glance.
///
/// # Errors
/// No event has it; as the query's.
pub async fn actor(reader: &Reader<'_>, id: &str, narrow: &Narrow, hidden: &[String]) -> Result<Actor, LookupError> {
    let identities = reader.all(&actor_statement(id, narrow, hidden)).await?;
    if identities.is_empty() {
        return Err(LookupError::NoActor(id.to_owned()));
    }
    let actions = reader.all(&counted_by("action", id, narrow, hidden)).await?;
    let modules = reader.all(&counted_by("source, module", id, narrow, hidden)).await?;
    let times =
        |column: &str| actions.iter().filter_map(|row| text(row, column)).map(str::to_owned).collect::<Vec<_>>();
    Ok(Actor {
        id: id.to_owned(),
        events: actions.iter().filter_map(|row| int(row, "events")).sum(),
        first_event_at: times("first_event_at").into_iter().min().into(),
        last_event_at: times("last_event_at").into_iter().max().into(),
        identities,
        actions,
        modules,
    })
}

/// The events of an actor as a filter of lists.
///
/// # Errors
/// No event has it; as the query's.
pub async fn actor_filter(reader: &Reader<'_>, id: &str, hidden: &[String]) -> Result<Term, LookupError> {
    let rows = reader.all(&actor_statement(id, &Narrow::default(), hidden)).await?;
    if rows.is_empty() {
        return Err(LookupError::NoActor(id.to_owned()));
    }
    // Filters compare every letter: each spelling is one value.
    let same = |email: &&str| email.to_lowercase() == id.to_lowercase();
    let mut emails: Vec<String> =
        rows.iter().filter_map(|row| text(row, "actor_email")).filter(same).map(str::to_owned).collect();
    emails.sort();
    emails.dedup();
    let mut by_id = Filter::default();
    by_id.add("actor_id", vec![id.to_owned()])?;
    let mut any = vec![by_id];
    if !emails.is_empty() {
        let mut by_email = Filter::default();
        by_email.add("actor_email", emails)?;
        any.push(by_email);
    }
    Ok(Term::Any(any))
}
