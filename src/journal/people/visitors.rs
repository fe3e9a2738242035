//! A visitor, whoever it turned out to be.
//!
//! ```text
//! visitor id ─ events with an e-mail ─▶ e-mail ─ events with other visitor ids ─▶ visitor ids ─▶ …
//! ```
//!
//! Links are followed inside of one source of one tenant, both ways, until nothing new comes or there are too many:
//! an id that everybody shares would otherwise join all.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::journal::lookup::{LookupError, Narrow};
use crate::journal::rows::{Reader, Row, text};
use crate::journal::{Filter, JournalError, Statement, Term};

/// Most ids and e-mails of one visitor.
pub const VISITOR_LINKS_MAX: usize = 200;
/// Most rounds of following.
const ROUNDS_MAX: usize = 8;
/// Columns of a link.
const LINK: &str = "tenant_id, source, visitor_id, actor_email, actor_type, actor_id";
/// Kinds of actors that are visitors who were recognised; ids of others are not theirs alone.
const PERSON_TYPES: [&str; 3] = ["customer", "visitor", "user"];
/// The same as a condition.
const PERSONS: &str = "actor_type IN ('customer', 'visitor', 'user')";

/// One id or e-mail in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
pub struct Identity {
    /// Account, shop or school inside the source system.
    pub tenant_id: String,
    /// The source system.
    pub source: String,
    /// `visitor_id`, `actor_email` or `actor_id`.
    pub kind: String,
    /// The id or e-mail, as it is written.
    pub value: String,
}

/// All that a visitor is.
#[derive(Debug, Default)]
pub struct Links {
    /// Its ids and e-mails.
    pub identities: BTreeSet<Identity>,
    /// Whether there are more than were followed.
    pub more: bool,
}

/// What is asked first: what the id or e-mail is seen with.
#[must_use]
pub fn visitor_statement(id: &str, narrow: &Narrow) -> Statement {
    let mut ask = Statement::default();
    let given = ask.value("id", id);
    let narrow = narrow.condition(&mut ask);
    let email = if id.contains('@') { format!(" OR lower(actor_email) = lower({given})") } else { String::new() };
    ask.sql = format!(
        "SELECT DISTINCT {LINK}\nFROM events\nWHERE (visitor_id = {given}{email}){narrow}\nORDER BY {LINK}\nLIMIT {}",
        10 * VISITOR_LINKS_MAX
    );
    ask
}

/// Follows a visitor from what [`visitor_statement`] asks.
///
/// # Errors
/// Nobody has the id; as the query's.
pub async fn follow(reader: &Reader<'_>, id: &str, first: &Statement) -> Result<Links, LookupError> {
    let mut links = Links::default();
    let mut rows = reader.all(first).await?;
    if rows.is_empty() {
        return Err(LookupError::NoVisitor(id.to_owned()));
    }
    for _ in 0..ROUNDS_MAX {
        let before = links.identities.len();
        rows.iter().flat_map(of_row).for_each(|identity| {
            links.identities.insert(identity);
        });
        if links.identities.len() > VISITOR_LINKS_MAX {
            links.identities = links.identities.into_iter().take(VISITOR_LINKS_MAX).collect();
            links.more = true;
            return Ok(links);
        }
        if links.identities.len() == before {
            return Ok(links);
        }
        let mut ask = Statement::default();
        let condition = links.condition(&mut ask);
        ask.sql = format!("SELECT DISTINCT {LINK}\nFROM events\nWHERE {condition}\nLIMIT {}", 10 * VISITOR_LINKS_MAX);
        rows = reader.all(&ask).await?;
    }
    links.more = true;
    Ok(links)
}

fn of_row(row: &Row) -> Vec<Identity> {
    let value = |column| text(row, column).unwrap_or_default();
    let one = |kind: &str, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty())?;
        let place = |column| text(row, column).unwrap_or_default().to_owned();
        Some(Identity { tenant_id: place("tenant_id"), source: place("source"), kind: kind.to_owned(), value })
    };
    let person = PERSON_TYPES.contains(&value("actor_type"));
    let found = [
        one("visitor_id", text(row, "visitor_id").map(str::to_owned)),
        one("actor_email", text(row, "actor_email").map(str::to_owned)),
        one("actor_id", text(row, "actor_id").filter(|_| person).map(str::to_owned)),
    ];
    found.into_iter().flatten().collect()
}

impl Links {
    /// All events of the visitor as a filter of lists.
    ///
    /// # Errors
    /// A fault of ours: a filter that there is none of.
    pub fn filter(&self) -> Result<Term, JournalError> {
        let places: BTreeSet<(&str, &str)> =
            self.identities.iter().map(|identity| (identity.tenant_id.as_str(), identity.source.as_str())).collect();
        let mut any = Vec::new();
        for (tenant, source) in places {
            for kind in ["visitor_id", "actor_email", "actor_id"] {
                let here = |identity: &&Identity| {
                    identity.kind == kind && identity.tenant_id == tenant && identity.source == source
                };
                let values: Vec<String> =
                    self.identities.iter().filter(here).map(|identity| identity.value.clone()).collect();
                if values.is_empty() {
                    continue;
                }
                let mut filter = Filter::default();
                filter.add("tenant_id", vec![tenant.to_owned()])?;
                filter.add("source", vec![source.to_owned()])?;
                filter.add(kind, values)?;
                if kind == "actor_id" {
                    filter.add("actor_type", PERSON_TYPES.map(str::to_owned).to_vec())?;
                }
                any.push(filter);
            }
        }
        Ok(Term::Any(any))
    }

    /// The condition of all events of the visitor.
    #[must_use]
    pub fn condition(&self, ask: &mut Statement) -> String {
        let places: BTreeSet<(&str, &str)> =
            self.identities.iter().map(|identity| (identity.tenant_id.as_str(), identity.source.as_str())).collect();
        let mut number = 0;
        let parts: Vec<String> = places
            .into_iter()
            .map(|(tenant, source)| {
                number += 1;
                let place = number;
                let (at_tenant, at_source) =
                    (ask.value(&format!("t{place}"), tenant), ask.value(&format!("s{place}"), source));
                let lists = [
                    ("visitor_id", "visitor_id", ""),
                    ("actor_email", "lower(actor_email)", ""),
                    ("actor_id", "actor_id", PERSONS),
                ];
                let any: Vec<String> = lists
                    .iter()
                    .filter_map(|(kind, column, also)| {
                        let of_kind = self.identities.iter().filter(|identity| {
                            identity.kind == *kind && identity.tenant_id == tenant && identity.source == source
                        });
                        let values: Vec<String> = of_kind
                            .enumerate()
                            .map(|(at, identity)| {
                                let email = *kind == "actor_email";
                                let value = if email { identity.value.to_lowercase() } else { identity.value.clone() };
                                ask.value(&format!("{kind}_{place}_{at}"), value)
                            })
                            .collect();
                        let also = if also.is_empty() { String::new() } else { format!(" AND {also}") };
                        (!values.is_empty()).then(|| format!("{column} IN ({}){also}", values.join(", ")))
                    })
                    .collect();
                format!("tenant_id = {at_tenant} AND source = {at_source} AND ({})", any.join(" OR "))
            })
            .collect();
        format!("({})", parts.join(" OR "))
    }
}

/// What is asked for a visitor at a glance.
#[must_use]
pub fn visitor_summary(links: &Links) -> Statement {
    let mut ask = Statement::default();
    let condition = links.condition(&mut ask);
    ask.sql = format!(
        "SELECT
    count(*) AS events,
    count(DISTINCT session_id) AS sessions,
    min(event_time) AS first_event_at,
    max(event_time) AS last_event_at,
    min(event_time) FILTER (WHERE actor_email IS NOT NULL) AS identified_at,
    count(*) FILTER (WHERE actor_email IS NULL AND visitor_id IS NOT NULL) AS anonymous_events
FROM events
WHERE {condition}"
    );
    ask
}
