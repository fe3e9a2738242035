//! What a comparison says: groups that differ, events that make the difference, a last line.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::file::Troubles;
use super::server::date;
use super::tally::{Differences, Group, Sum, Tally, Why};
use crate::cli::CliError;
use crate::cli::output::{self, Column, Table};

/// The outcome of a comparison.
pub(super) struct Report {
    pub(super) here: Tally,
    pub(super) there: Tally,
    pub(super) groups: BTreeMap<Group, (Sum, Sum)>,
    pub(super) found: Differences,
    pub(super) troubles: Troubles,
    /// Most groups and events that are listed.
    pub(super) limit: usize,
}

impl Report {
    /// Whether both sides hold the same, and all of the file could be compared.
    pub(super) fn is_equal(&self) -> bool {
        self.groups.is_empty() && self.troubles.unreadable_count == 0 && self.troubles.timeless == 0
    }

    fn all_groups(&self) -> usize {
        let only_there = self.there.groups.keys().filter(|group| !self.here.groups.contains_key(group)).count();
        self.here.groups.len() + only_there
    }

    /// One line that says all.
    pub(super) fn summary(&self) -> String {
        let mut parts = Vec::new();
        if !self.groups.is_empty() {
            parts.push(format!("{} of {} groups differ", self.groups.len(), self.all_groups()));
        }
        for why in Why::ALL {
            let count = self.found.counts.get(&why).copied().unwrap_or_default();
            if count > 0 {
                parts.push(format!("{count} {}", why.name()));
            }
        }
        if self.troubles.unreadable_count > 0 {
            parts.push(format!("{} records of the file are no events", self.troubles.unreadable_count));
        }
        if self.troubles.timeless > 0 {
            parts.push(format!("{} events of the file have no time and were not compared", self.troubles.timeless));
        }
        parts.join(", ")
    }

    /// Shows it to people.
    ///
    /// # Errors
    /// Standard output is gone.
    pub(super) fn show(&self) -> Result<(), CliError> {
        if !self.groups.is_empty() {
            output::print(&self.groups_table().render(output::terminal_width()))?;
            self.say_more(self.groups.len(), "groups")?;
        }
        if !self.found.first.is_empty() {
            output::print(&self.events_table().render(output::terminal_width()))?;
            let all: u64 = self.found.counts.values().sum();
            self.say_more(usize::try_from(all).unwrap_or(usize::MAX), "events")?;
        }
        for (record, why) in self.troubles.unreadable.iter().take(self.limit) {
            output::note(&format!("  record {record}: {why}"));
        }
        let (groups, here, there) = (self.all_groups(), self.here.rows, self.there.rows);
        let verdict = if self.is_equal() { "equal" } else { "different" };
        output::say(&format!("{verdict}: {groups} groups of day, source and module, {here} events here, {there} there"))
    }

    fn say_more(&self, count: usize, what: &str) -> Result<(), CliError> {
        match count.checked_sub(self.limit) {
            Some(more @ 1..) => output::say(&format!("… and {more} more {what}; --list shows more")),
            _ => Ok(()),
        }
    }

    fn groups_table(&self) -> Table {
        let row = |(group, (here, there)): (&Group, &(Sum, Sum))| {
            let why = if here.rows == there.rows { "content" } else { "count" };
            vec![
                Some(date(group.day).to_string()),
                Some(group.source.clone()),
                group.module.clone(),
                Some(here.rows.to_string()),
                Some(there.rows.to_string()),
                Some(why.to_owned()),
            ]
        };
        let rows = self.groups.iter().take(self.limit).map(row).collect();
        let names = [("day", false), ("source", false), ("module", false), ("here", true), ("there", true)];
        Table { columns: columns(&[&names[..], &[("differs in", false)]].concat()), rows }
    }

    fn events_table(&self) -> Table {
        let row = |one: &super::tally::Difference| {
            let (tenant, source, dataset) = one.log.clone();
            let day = date(one.day).to_string();
            let why = one.why.name().to_owned();
            [why, day, tenant, source, dataset, one.id.clone()].map(Some).to_vec()
        };
        let rows = self.found.first.iter().map(row).collect();
        let names = ["event", "day", "tenant_id", "source", "dataset", "event_id"].map(|name| (name, false));
        Table { columns: columns(&names), rows }
    }

    /// The same as one JSON document.
    pub(super) fn to_json(&self) -> Value {
        let side = |sum: &Sum| json!({"events": sum.rows, "hash": format!("{:032x}", sum.content)});
        let group = |(group, (here, there)): (&Group, &(Sum, Sum))| {
            json!({"day": date(group.day).to_string(), "source": group.source, "module": group.module,
                "here": side(here), "there": side(there)})
        };
        let event = |one: &super::tally::Difference| {
            let (tenant, source, dataset) = &one.log;
            json!({"why": one.why.name(), "day": date(one.day).to_string(), "tenant_id": tenant, "source": source,
                "dataset": dataset, "event_id": one.id})
        };
        let counts: BTreeMap<&str, u64> =
            Why::ALL.iter().map(|why| (why.name(), self.found.counts.get(why).copied().unwrap_or_default())).collect();
        json!({
            "equal": self.is_equal(),
            "groups": self.all_groups(),
            "here": self.here.rows,
            "there": self.there.rows,
            "differing": self.groups.len(),
            "differing_groups": self.groups.iter().take(self.limit).map(group).collect::<Vec<_>>(),
            "counts": counts,
            "events": self.found.first.iter().map(event).collect::<Vec<_>>(),
            "unreadable": self.troubles.unreadable_count,
            "without_time": self.troubles.timeless,
        })
    }
}

fn columns(names: &[(&str, bool)]) -> Vec<Column> {
    names.iter().map(|(name, right)| Column { name: (*name).to_owned(), right: *right }).collect()
}
