//! What the ledger says, for those who ask: over HTTP and as rows of the table `ledger`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::book::{BatchLine, Last, Line, Sums};
use super::{Figures, Page, SeriesPage};
use crate::engine::{Engine, EngineError, now_us};
use crate::event::columns::DAY_US;
use crate::event::names::ProjectName;
use crate::query::LedgerRow;

/// What sums can be apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Apart {
    /// Day of receipt (UTC).
    Day,
    /// Key that sent them.
    Key,
    /// `source` of the events.
    Source,
}

/// Which sums are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) by: Vec<Apart>,
    /// First and last day of receipt; days that are told together are left out where one is given.
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
    pub(crate) key: Option<String>,
    pub(crate) source: Option<String>,
}

/// The ledger of a project.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LedgerAnswer {
    /// The project.
    project: String,
    /// When the ledger was begun (RFC 3339).
    began: String,
    totals: Totals,
    /// Sums of what was asked for.
    lines: Vec<LedgerLine>,
    /// All sources.
    sources: Vec<SourceLine>,
}

/// Sums of the whole project. `opening + accepted = hot + stored + retained + erased + unaccounted`.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Totals {
    /// Events that the table had when the ledger was begun.
    pub(crate) opening: u64,
    /// Events that came in: accepted, duplicates and rejected ones.
    pub(crate) received: u64,
    /// Events stored.
    pub(crate) accepted: u64,
    /// Events that were here already.
    pub(crate) duplicates: u64,
    /// Events refused.
    pub(crate) rejected: u64,
    /// Of these by code.
    pub(crate) rejected_by: BTreeMap<String, u64>,
    /// Accepted events that came in long after they happened (`ledger.late_after`).
    pub(crate) late: u64,
    /// What was put right or kept aside, by kind; `unknown_field`: values under names that no column has.
    pub(crate) remarks: BTreeMap<String, u64>,
    /// Events in memory and in the log.
    pub(crate) hot: u64,
    /// Events in the table.
    pub(crate) stored: u64,
    /// Events that ever came into the table.
    pub(crate) flushed: u64,
    /// Events whose time was over.
    pub(crate) retained: u64,
    /// Events that were erased on demand.
    pub(crate) erased: u64,
    /// What should be there and is not; below zero what is there and should not. 0 when all is well.
    pub(crate) unaccounted: i64,
    /// Sources that have sent nothing for `ledger.silent_after`.
    pub(crate) silent_sources: u64,
    /// Numbers that numbered sources never sent.
    pub(crate) missing_numbers: u64,
}

/// One line of sums.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct LedgerLine {
    /// Day of receipt (UTC); `earlier` for days that are told together.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// Public id of the key; absent for what the server itself writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    batches: u64,
    received: u64,
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    rejected_by: BTreeMap<String, u64>,
    late: u64,
    remarks: BTreeMap<String, u64>,
    first_received: Option<String>,
    last_received: Option<String>,
    /// Greatest `event_time` of an accepted event.
    last_event: Option<String>,
}

/// What is known of one source.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SourceLine {
    source: String,
    last_received: Option<String>,
    /// Greatest `event_time` of an accepted event.
    last_event: Option<String>,
    /// Whether it has sent nothing for `ledger.silent_after`.
    silent: bool,
    /// Numbers of its events, where `ledger.numbered_sources` names it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sequences: Vec<SequenceLine>,
}

/// Numbers of one tenant and dataset.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SequenceLine {
    tenant_id: String,
    dataset: String,
    first: i64,
    last: i64,
    /// How many numbers between never came.
    missing: u64,
    /// Which, from and to.
    #[schema(value_type = Vec<Vec<i64>>)]
    gaps: Vec<(i64, i64)>,
}

impl Engine {
    /// What the ledger of a project says.
    ///
    /// # Errors
    /// No such project.
    pub(crate) fn ledger(&self, project: &ProjectName, asked: &Asked) -> Result<LedgerAnswer, EngineError> {
        let page = self.ledger_page(project)?;
        let silent_after = self.config().ledger.silent_after.0;
        let silent_before = now_us().saturating_sub(i64::try_from(silent_after.as_micros()).unwrap_or(i64::MAX));
        let sources = sources(&page, silent_before);
        let silent = sources.iter().filter(|source| source.silent).count() as u64;
        Ok(LedgerAnswer {
            project: project.to_string(),
            began: instant(page.figures.began),
            totals: Totals { silent_sources: silent, ..totals(&page.figures) },
            lines: lines(&page, asked),
            sources,
        })
    }

    /// The last batches of a project, the newest first.
    ///
    /// # Errors
    /// No such project.
    pub(crate) fn ledger_batches(&self, project: &ProjectName) -> Result<Vec<BatchLine>, EngineError> {
        let project = self.0.projects.get(project).ok_or_else(|| EngineError::UnknownProject(project.clone()))?;
        Ok(project.ledger.batches())
    }

    fn ledger_page(&self, project: &ProjectName) -> Result<Page, EngineError> {
        let project = self.0.projects.get(project).ok_or_else(|| EngineError::UnknownProject(project.clone()))?;
        Ok(project.ledger_page())
    }
}

/// Sums of the whole ledger; silent sources depend on the time and are not among them.
pub(in crate::engine) fn totals(figures: &Figures) -> Totals {
    let all = &figures.all;
    Totals {
        opening: figures.opening,
        received: all.received(),
        accepted: all.accepted,
        duplicates: all.duplicates,
        rejected: all.rejected(),
        late: all.late,
        hot: figures.hot,
        stored: figures.stored,
        flushed: figures.stored + figures.retained + figures.erased,
        retained: figures.retained,
        erased: figures.erased,
        unaccounted: figures.unaccounted,
        silent_sources: 0,
        missing_numbers: figures.missing_numbers,
        rejected_by: all.rejected.clone(),
        remarks: all.remarks.clone(),
    }
}

fn sources(page: &Page, silent_before: i64) -> Vec<SourceLine> {
    let sequence = |tenant: &str, dataset: &str, series: &SeriesPage| SequenceLine {
        tenant_id: tenant.to_owned(),
        dataset: dataset.to_owned(),
        first: series.least,
        last: series.greatest,
        missing: series.missing,
        gaps: series.gaps.clone(),
    };
    let line = |(source, (received, event)): (&String, &Last)| SourceLine {
        source: source.clone(),
        last_received: received.map(instant),
        last_event: event.map(instant),
        silent: received.is_some_and(|received| received < silent_before),
        sequences: page
            .series
            .iter()
            .filter(|(numbered, _)| numbered.source == *source)
            .map(|(numbered, series)| sequence(&numbered.tenant, &numbered.dataset, series))
            .collect(),
    };
    page.figures.last.iter().map(line).collect()
}

/// Day, key and source of a line, where lines are told apart by them.
type Group = (Option<String>, Option<String>, Option<String>);

fn lines(page: &Page, asked: &Asked) -> Vec<LedgerLine> {
    let since_1970 = |day: NaiveDate| {
        let days = day.signed_duration_since(NaiveDate::default()).num_days();
        i32::try_from(days).unwrap_or(i32::MAX)
    };
    let (from, to) = (asked.from.map(since_1970), asked.to.map(since_1970));
    let meant = |line: &Line| {
        let within = |day: i32| from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to);
        line.day.map_or(from.is_none() && to.is_none(), within)
            && asked.key.as_ref().is_none_or(|key| line.key.as_ref() == Some(key))
            && asked.source.as_ref().is_none_or(|source| line.source == *source)
    };
    let is_by = |apart| asked.by.contains(&apart);
    let mut groups: BTreeMap<Group, Sums> = BTreeMap::new();
    for (line, sums) in page.lines.iter().filter(|(line, _)| meant(line)) {
        let group = (
            is_by(Apart::Day).then(|| line.day.map_or_else(|| "earlier".to_owned(), date)),
            line.key.clone().filter(|_| is_by(Apart::Key)),
            is_by(Apart::Source).then(|| line.source.clone()),
        );
        groups.entry(group).or_default().add(sums);
    }
    let shown = groups.into_iter().map(|((day, key, source), sums)| LedgerLine {
        day,
        key,
        source,
        batches: sums.batches,
        received: sums.received(),
        accepted: sums.accepted,
        duplicates: sums.duplicates,
        rejected: sums.rejected(),
        late: sums.late,
        first_received: sums.first_received.map(instant),
        last_received: sums.last_received.map(instant),
        last_event: sums.newest.map(instant),
        rejected_by: sums.rejected,
        remarks: sums.remarks,
    });
    shown.collect()
}

/// The page as rows of the table `ledger`.
pub(in crate::engine) fn rows(page: &Page) -> Vec<LedgerRow> {
    let mut rows = Vec::new();
    for (line, sums) in &page.lines {
        let mut row = |state: &'static str, code: Option<&String>, events: u64| {
            if events > 0 {
                let (day, key, source) = (line.day, line.key.clone(), Some(line.source.clone()));
                rows.push(LedgerRow { day, key, source, state, code: code.cloned(), events: signed(events) });
            }
        };
        row("received", None, sums.received());
        row("accepted", None, sums.accepted);
        row("duplicate", None, sums.duplicates);
        row("late", None, sums.late);
        sums.rejected.iter().for_each(|(code, events)| row("rejected", Some(code), *events));
        sums.remarks.iter().for_each(|(kind, events)| row("remark", Some(kind), *events));
    }
    let totals = totals(&page.figures);
    let project = [
        ("opening", signed(totals.opening)),
        ("hot", signed(totals.hot)),
        ("stored", signed(totals.stored)),
        ("flushed", signed(totals.flushed)),
        ("retained", signed(totals.retained)),
        ("erased", signed(totals.erased)),
        ("unaccounted", totals.unaccounted),
        ("missing_number", signed(totals.missing_numbers)),
    ];
    rows.extend(project.map(|(state, events)| LedgerRow {
        day: None,
        key: None,
        source: None,
        state,
        code: None,
        events,
    }));
    rows
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn instant(us: i64) -> String {
    let at = DateTime::<Utc>::from_timestamp_micros(us).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn date(day: i32) -> String {
    let at = DateTime::<Utc>::from_timestamp_micros(i64::from(day) * DAY_US).unwrap_or_default();
    at.date_naive().to_string()
}
