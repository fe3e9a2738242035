//! Legal holds: events that must stay, whatever a policy or an erasure says.
//!
//! A hold is of one project. Each part that it names narrows it; all of them must fit. Modules and days
//! are whole partitions; an object or an actor is found row by row.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::RetentionError;
use super::subject::Test;
use crate::event::names::ProjectName;

/// Longest reason of a hold or an erasure, in characters.
pub(super) const REASON_MAX: usize = 1_000;
/// Modules that a hold may name.
const MODULES_MAX: usize = 100;
/// Longest name of an object or actor, in characters.
const NAME_MAX: usize = 1_024;

/// A hold that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Why: a case, an order of a court. It is shown to every admin key.
    pub reason: String,
    /// Only events of these modules; the empty name is that of events without a module.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// Only events from this day on, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "2026-01-01")]
    pub from: Option<NaiveDate>,
    /// Only events up to this day, which is covered as well, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "2026-12-31")]
    pub to: Option<NaiveDate>,
    /// Only events of this object, as `type:id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "order:55042")]
    pub object: Option<String>,
    /// Only events of this actor, by `actor_id` or `actor_email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// [`NewHold`] for the document of the API: as a part of a [`Hold`] it must not forbid the other parts.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only described")]
struct Held {
    /// The project.
    project: String,
    /// Why.
    reason: String,
    /// Only events of these modules.
    #[schema(nullable = false, required = false)]
    modules: Vec<String>,
    /// Only events from this day on, UTC.
    #[schema(example = "2026-01-01")]
    from: Option<String>,
    /// Only events up to this day, which is covered as well, UTC.
    #[schema(example = "2026-12-31")]
    to: Option<String>,
    /// Only events of this object, as `type:id`.
    #[schema(example = "order:55042")]
    object: Option<String>,
    /// Only events of this actor, by `actor_id` or `actor_email`.
    actor: Option<String>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lifted {
    /// Public id of the key that lifted it.
    pub by: String,
    /// When, RFC 3339.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// What is held, and why.
    #[serde(flatten)]
    #[schema(value_type = Held)]
    pub what: NewHold,
    /// Public id of the key that placed it.
    pub placed_by: String,
    /// When, RFC 3339.
    pub placed_at: String,
    /// Its end; absent while it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
}

/// How much of a partition a hold covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Covers {
    Nothing,
    All,
    /// The rows that pass one of the tests.
    Rows,
}

impl NewHold {
    /// Refuses what no hold may say.
    ///
    /// # Errors
    /// [`RetentionError::Hold`].
    pub fn check(&self) -> Result<(), RetentionError> {
        check_reason(&self.reason).map_err(RetentionError::Hold)?;
        let wrong = |what: &str| Err(RetentionError::Hold(what.to_owned()));
        if self.modules.len() > MODULES_MAX {
            return wrong("a hold names at most 100 modules");
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            return wrong("`from` is after `to`");
        }
        if self
            .object
            .as_ref()
            .is_some_and(|object| object.split_once(':').is_none_or(|(kind, id)| kind.is_empty() || id.is_empty()))
        {
            return wrong("`object` is written as `type:id`");
        }
        let named = [&self.object, &self.actor];
        if named.into_iter().flatten().any(|name| name.is_empty() || name.chars().count() > NAME_MAX) {
            return wrong("`object` and `actor` have 1 to 1024 characters");
        }
        Ok(())
    }

    /// Whether it names rows, not whole partitions.
    pub(super) fn names_rows(&self) -> bool {
        self.object.is_some() || self.actor.is_some()
    }

    /// What it covers of a partition.
    pub(super) fn covers(&self, date: i32, module: Option<&str>) -> Covers {
        let days = |date: &NaiveDate| i32::try_from((*date - NaiveDate::default()).num_days()).unwrap_or(i32::MAX);
        let outside = self.from.as_ref().is_some_and(|from| date < days(from))
            || self.to.as_ref().is_some_and(|to| date > days(to))
            || !self.modules.is_empty() && !self.modules.iter().any(|name| name == module.unwrap_or(""));
        match (outside, self.names_rows()) {
            (true, _) => Covers::Nothing,
            (false, false) => Covers::All,
            (false, true) => Covers::Rows,
        }
    }

    /// Tests of a row that all must pass; each passes when one of its alternatives does.
    pub(super) fn tests(&self) -> Vec<Vec<Test>> {
        let object = self.object.iter().map(|object| vec![Test::object(object)]);
        let actor =
            self.actor.iter().map(|actor| vec![Test::text("actor_id", actor), Test::text("actor_email", actor)]);
        object.chain(actor).collect()
    }
}

impl Hold {
    /// Whether it is in force for `project`.
    #[must_use]
    pub fn holds(&self, project: &ProjectName) -> bool {
        self.lifted.is_none() && self.what.project == *project
    }

    /// Ends it.
    ///
    /// # Errors
    /// It has ended already, or the reason cannot be one.
    pub fn lift(&mut self, lifted: Lifted) -> Result<(), RetentionError> {
        check_reason(&lifted.reason).map_err(RetentionError::Hold)?;
        if self.lifted.is_some() {
            return Err(RetentionError::Lifted(self.id.clone()));
        }
        self.lifted = Some(lifted);
        Ok(())
    }

    /// Whether it holds everything of its project.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let what = &self.what;
        what.modules.is_empty() && what.from.is_none() && what.to.is_none() && !what.names_rows()
    }
}

/// What is wrong with a reason.
pub(super) fn check_reason(reason: &str) -> Result<(), String> {
    let length = reason.trim().chars().count();
    if length == 0 || reason.chars().count() > REASON_MAX || reason.chars().any(char::is_control) {
        return Err(format!("`reason` has 1 to {REASON_MAX} characters, none of them a control character"));
    }
    Ok(())
}
