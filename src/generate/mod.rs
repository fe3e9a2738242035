//! The synthetic journal: a shop's events of some weeks, deterministic by seed.
//!
//! For demonstrations, tests and benchmarks. It has the shape of a real journal: sessions that tell
//! a story, busy and quiet hours, quiet weekends, a few very busy people and objects and a long tail
//! of others, failures that take longer, bodies, snapshots, one very rare word. It is written
//! in a sender's own field names, which the mapping `kronika-bench` turns into columns. It stands
//! outside the way of an event and uses nothing of the crate but its errors.
//!
//! # Invariants
//! * Equal [`Options`] give equal bytes, on every machine, however they are cut into chunks.
//! * Within a day, and from day to day, time never goes back.
//! * Days do not depend on each other: they can be made in any order, on any thread.
//! * Memory is the tables (about 10 MB) and 20 bytes for each event of a day in the making.

mod draw;
mod params;
mod plan;
mod random;
mod tables;
mod vocabulary;
mod write;

use std::io;

use thiserror::Error;

pub use params::Params;

use crate::error::{Kind, Report};
use plan::Planned;
use tables::Tables;

/// Events of one day at most: what keeps the plan of a day below 1 GB.
pub const DAY_EVENTS_MAX: u64 = 50_000_000;
/// 2200-01-01; the event model takes no later time.
const DATE_END: i64 = 84_006;
const DAY_MS: i64 = 86_400_000;
/// Events that [`Day::write_to`] hands over at once: about 2.5 MB.
const CHUNK_EVENTS: usize = 4_096;

/// What journal to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Journals of different seeds share their shape and nothing else.
    pub seed: u64,
    /// Events in all days together, before the cut at `end_ms`.
    pub events: u64,
    /// First day, in days since 1970-01-01.
    pub start_date: i32,
    /// Number of days.
    pub days: u32,
    /// Leaves out what happens after this moment (milliseconds since 1970).
    pub end_ms: Option<i64>,
}

impl Options {
    /// A journal of `days` days that ends now (milliseconds since 1970), in the middle of its last day.
    #[must_use]
    pub fn ending_at(now_ms: i64, days: u32, events: u64, seed: u64) -> Self {
        let today = now_ms.div_euclid(DAY_MS);
        let start_date = i32::try_from(today - i64::from(days.saturating_sub(1))).unwrap_or(i32::MIN);
        Self { seed, events, start_date, days, end_ms: Some(now_ms) }
    }
}

impl Default for Options {
    /// The benchmark journal: 10 million events in the 30 days from 2026-10-01.
    fn default() -> Self {
        Self { seed: 42, events: 10_000_000, start_date: 20_727, days: 30, end_ms: None }
    }
}

/// Why a journal cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum GenerateError {
    /// The plan of one day would not fit in memory.
    #[error("{events} events in one day are more than {DAY_EVENTS_MAX}")]
    DayTooLarge {
        /// Events of the busiest day.
        events: u64,
    },
    /// There is nothing to make.
    #[error("a journal needs at least one day")]
    NoDays,
    /// The days do not lie in the years that events can have.
    #[error("the days do not lie between 1970-01-01 and 2200-01-01")]
    OutsideCalendar,
}

impl Report for GenerateError {
    fn kind(&self) -> Kind {
        match self {
            Self::DayTooLarge { .. } => Kind::TooLarge,
            Self::NoDays | Self::OutsideCalendar => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::DayTooLarge { .. } => "generate_day_too_large",
            Self::NoDays => "generate_no_days",
            Self::OutsideCalendar => "generate_outside_calendar",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::DayTooLarge { .. } => {
                "spread them over more days, or make several journals with different seeds".into()
            }
            Self::NoDays => "ask for one day or more".into(),
            Self::OutsideCalendar => "choose an earlier start or fewer days".into(),
        })
    }
}

/// Makes one journal, day by day.
#[derive(Debug)]
pub struct Generator {
    options: Options,
    tables: Tables,
    day_events: Vec<u32>,
}

impl Generator {
    /// Prepares the tables of the seed (tens of milliseconds).
    ///
    /// # Errors
    /// No days, days outside the calendar, or more events in a day than [`DAY_EVENTS_MAX`].
    pub fn new(options: Options) -> Result<Self, GenerateError> {
        if options.days == 0 {
            return Err(GenerateError::NoDays);
        }
        if options.start_date < 0 || i64::from(options.start_date) + i64::from(options.days) > DATE_END {
            return Err(GenerateError::OutsideCalendar);
        }
        let day_events = events_by_day(&options)?;
        Ok(Self { tables: Tables::new(options.seed), options, day_events })
    }

    /// Number of days.
    #[must_use]
    pub fn days(&self) -> usize {
        self.options.days as usize
    }

    /// Date of a day, in days since 1970-01-01.
    #[must_use]
    pub fn date(&self, index: usize) -> i32 {
        self.options.start_date + index as i32
    }

    /// Plans a day: everything that can be written of it follows from this.
    ///
    /// # Panics
    /// When `index` is not below [`Generator::days`].
    #[must_use]
    pub fn day(&self, index: usize) -> Day<'_> {
        assert!(index < self.days(), "day {index} of a journal of {} days", self.days());
        let index = index as u32;
        Day { generator: self, index, plan: self.plan(index), next: 0 }
    }

    fn plan(&self, index: u32) -> Vec<Planned> {
        let mut plan = plan::day_plan(&self.tables, self.options.seed, index, self.day_events[index as usize]);
        if let Some(end_ms) = self.options.end_ms {
            let in_day = end_ms - self.day_start_ms(index);
            plan.truncate(plan.partition_point(|planned| i64::from(planned.at_ms) <= in_day));
        }
        plan
    }
}

/// The events of one day, written in chunks.
#[derive(Debug)]
pub struct Day<'a> {
    generator: &'a Generator,
    index: u32,
    plan: Vec<Planned>,
    next: usize,
}

impl Day<'_> {
    /// Events of the day, written or not.
    #[must_use]
    pub fn events(&self) -> usize {
        self.plan.len()
    }

    /// Appends the next events, `most` at the most, as NDJSON to `out`; returns how many. 0 = the day is over.
    pub fn fill(&mut self, most: usize, out: &mut Vec<u8>) -> usize {
        let end = self.next.saturating_add(most).min(self.plan.len());
        for planned in &self.plan[self.next..end] {
            write::write_event(&self.generator.tables, &self.generator.draw(self.index, planned), out);
        }
        end - std::mem::replace(&mut self.next, end)
    }

    /// Writes all that is left of the day; returns the number of bytes.
    ///
    /// # Errors
    /// The first failure of `out`.
    pub fn write_to(&mut self, out: &mut impl io::Write) -> io::Result<u64> {
        let mut buffer = Vec::new();
        let mut bytes = 0;
        while self.fill(CHUNK_EVENTS, &mut buffer) > 0 {
            out.write_all(&buffer)?;
            bytes += buffer.len() as u64;
            buffer.clear();
        }
        Ok(bytes)
    }
}

/// Splits the events over the days; a day at the weekend has three quarters of a working day's.
fn events_by_day(options: &Options) -> Result<Vec<u32>, GenerateError> {
    // Shares in quarters. 1970-01-01 was a Thursday.
    let share = |day: u32| if (i64::from(options.start_date) + i64::from(day) + 3) % 7 >= 5 { 3 } else { 4 };
    let total: u128 = (0..options.days).map(share).sum();
    let events = u128::from(options.events);
    let mut counts: Vec<u64> = (0..options.days).map(|day| (events * share(day) / total) as u64).collect();
    let rest = options.events - counts.iter().sum::<u64>();
    if let Some(last) = counts.last_mut() {
        *last += rest;
    }
    let fits = |events: u64| {
        if events > DAY_EVENTS_MAX { Err(GenerateError::DayTooLarge { events }) } else { Ok(events as u32) }
    };
    counts.into_iter().map(fits).collect()
}

#[cfg(test)]
mod tests;
