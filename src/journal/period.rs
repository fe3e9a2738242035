//! Periods as people say them: absolute, by the calendar, counted back from now; in any zone.

use chrono::{
    DateTime, Datelike, Days, Duration, DurationRound, Months, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc,
};
use chrono_tz::Tz;

use super::JournalError;
use crate::event::calendar::{self, Step, instant, midnight};

/// What `period` may be, for messages.
const FORMS: &str = "`today`, `yesterday`, `this_week`, `last_week`, `this_month`, `last_month`, `this_quarter`, \
    `last_quarter`, `this_year`, `last_year`, `last_15m`, `last_24h`, `last_7d`, `last_4w`, `all`, `2025`, `2025-Q1`, `2025-03`, \
    `2025-W10` or `2025-03-04`";

/// Longest look back, in seconds: what the column holds.
const BACK_MAX_S: i64 = 231 * 366 * 86_400;

/// A stretch of time as it was asked for. Relative ones stay so until they are resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Period {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// `period=…`
    Named(Named),
    /// `from` and `to`, as they were written.
    Between {
        /// Text of `from`.
        from: Option<String>,
        /// Text of `to`.
        to: Option<String>,
    },
}

/// A period of one word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    text: String,
    meaning: Meaning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    All,
    Day {
        back: u64,
    },
    /// The step that holds now, or the one before.
    Calendar {
        step: Step,
        last: bool,
    },
    Back(Duration),
    /// Local days, the second one not included.
    Days(NaiveDate, NaiveDate),
}

/// Bounds in UTC; the upper one is not included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// First instant.
    pub from: Option<DateTime<Utc>>,
    /// First instant after it.
    pub to: Option<DateTime<Utc>>,
}

impl Named {
    /// Reads the word.
    ///
    /// # Errors
    /// It is none of [`FORMS`].
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        let step = |text: &str| Step::parse(text).filter(|_| text.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let calendar = |text, last| step(text).map(|step| Meaning::Calendar { step, last });
        let meaning = match text {
            "all" => Some(Meaning::All),
            "today" => Some(Meaning::Day { back: 0 }),
            "yesterday" => Some(Meaning::Day { back: 1 }),
            _ => match (text.strip_prefix("this_"), text.strip_prefix("last_")) {
                (Some(unit), _) if unit.len() > 3 => calendar(unit, false),
                (_, Some(unit)) if unit.starts_with(|first: char| first.is_ascii_digit()) => back(unit),
                (_, Some(unit)) if unit.len() > 3 => calendar(unit, true),
                _ => days(text),
            },
        };
        let meaning =
            meaning.ok_or_else(|| JournalError::period("period", format!("`{text}` is no period; write {FORMS}")))?;
        Ok(Self { text: text.to_owned(), meaning })
    }

    /// The word.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    fn bounds(&self, now: DateTime<Utc>, zone: Tz) -> Bounds {
        let today = now.with_timezone(&zone).date_naive();
        let whole = |from: NaiveDate, to: NaiveDate| (Some(midnight(zone, from)), Some(midnight(zone, to)));
        let (from, to) = match &self.meaning {
            Meaning::All => (None, None),
            Meaning::Day { back } => {
                let day = today.checked_sub_days(Days::new(*back)).unwrap_or(today);
                whole(day, day + Days::new(1))
            }
            Meaning::Calendar { step, last } => {
                let this = step.bucket(now, zone);
                let (from, to) = if *last { step.bucket(this.0 - Duration::microseconds(1), zone) } else { this };
                (Some(from), Some(to))
            }
            // Until now and not beyond: what is dated into the future is not of the last hours.
            Meaning::Back(back) => (Some(minute(now) - *back), Some(now + Duration::microseconds(1))),
            Meaning::Days(from, to) => whole(*from, *to),
        };
        Bounds { from, to }
    }
}

/// `24h`, `7d`, `3mo` back from now.
fn back(text: &str) -> Option<Meaning> {
    let seconds = Step::parse(text)?.seconds();
    (seconds <= BACK_MAX_S).then(|| Meaning::Back(Duration::seconds(seconds)))
}

/// `2025`, `2025-Q1`, `2025-03`, `2025-W10`, `2025-03-04`.
fn days(text: &str) -> Option<Meaning> {
    let (year, rest) = match text.split_once('-') {
        Some((year, rest)) => (year, Some(rest)),
        None => (text, None),
    };
    if year.len() != 4 || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let year: i32 = year.parse().ok()?;
    let months = |first: u32, count: u32| {
        let from = NaiveDate::from_ymd_opt(year, first, 1)?;
        Some(Meaning::Days(from, from.checked_add_months(Months::new(count))?))
    };
    let Some(rest) = rest else { return months(1, 12) };
    if let Some(quarter) = rest.strip_prefix('Q') {
        let quarter: u32 = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter))?;
        return months(quarter * 3 - 2, 3);
    }
    if let Some(week) = rest.strip_prefix('W') {
        let from = NaiveDate::from_isoywd_opt(year, week.parse().ok()?, chrono::Weekday::Mon)?;
        return Some(Meaning::Days(from, from + Days::new(7)));
    }
    if rest.len() == 2 {
        return months(rest.parse().ok()?, 1);
    }
    let day: NaiveDate = text.parse().ok()?;
    Some(Meaning::Days(day, day + Days::new(1)))
}

impl Period {
    /// The bounds as seen at `now` in `zone`.
    ///
    /// # Errors
    /// A bound that is no time, or `from` behind `to`.
    pub fn bounds(&self, now: DateTime<Utc>, zone: Tz) -> Result<Bounds, JournalError> {
        match self {
            Self::Unsaid => Ok(Bounds::default()),
            Self::Named(named) => Ok(named.bounds(now, zone)),
            Self::Between { from, to } => {
                let read = |name, text: &Option<String>, end| {
                    text.as_deref().map(|text| bound(name, text, now, zone, end)).transpose()
                };
                let bounds = Bounds { from: read("from", from, false)?, to: read("to", to, true)? };
                match (bounds.from, bounds.to) {
                    (Some(from), Some(to)) if from > to => {
                        Err(JournalError::period("from", format!("{} is after `to`, {}", show(from), show(to))))
                    }
                    _ => Ok(bounds),
                }
            }
        }
    }
}

/// The minute in which `at` lies. What is counted back from now begins with a whole one, so that a list and the
/// figures beside it are of the same events although they are asked for one after the other.
#[must_use]
pub fn minute(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(Duration::minutes(1)).unwrap_or(at)
}

/// An instant as answers show it.
pub(crate) fn show(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A bound: an instant with an offset; a local time; a local day, which as the end is included; or `now-90m`.
fn bound(
    parameter: &'static str,
    text: &str,
    now: DateTime<Utc>,
    zone: Tz,
    end: bool,
) -> Result<DateTime<Utc>, JournalError> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.with_timezone(&Utc));
    }
    if let Some(day) = text.parse::<NaiveDate>().ok().filter(|day| (1..=9998).contains(&day.year())) {
        return Ok(midnight(zone, if end { day + Days::new(1) } else { day }));
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let local = local.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    if let Some(local) = local.filter(|local| (1..=9998).contains(&local.year())) {
        return Ok(instant(zone, local));
    }
    relative(text, now).ok_or_else(|| {
        let message = format!(
            "`{text}` is no time; write 2025-03-04T09:00:00+01:00, 2025-03-04T09:00 (on the clocks of `tz`), 2025-03-04, now or now-90m"
        );
        JournalError::period(parameter, message)
    })
}

fn relative(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let rest = text.strip_prefix("now")?;
    if rest.is_empty() {
        return Some(now);
    }
    let back = Duration::seconds(Step::parse(rest.strip_prefix('-')?)?.seconds());
    (back.num_seconds() <= BACK_MAX_S).then(|| minute(now) - back)
}

/// A time of day, `9`, `09:30` or `24:00`, as minutes since midnight.
pub(super) fn minutes(text: &str) -> Option<i32> {
    if text == "24:00" || text == "24" {
        return Some(24 * 60);
    }
    let (hour, minute) = text.split_once(':').unwrap_or((text, "0"));
    let time = NaiveTime::from_hms_opt(hour.parse().ok()?, minute.parse().ok()?, 0)?;
    let since = time - NaiveTime::MIN;
    i32::try_from(since.num_minutes()).ok()
}

/// The zone of that name.
pub(crate) fn zone(name: &str) -> Result<Tz, JournalError> {
    calendar::zone(name).ok_or_else(|| {
        JournalError::period("tz", format!("`{name}` is no time zone; write an IANA name such as Europe/Warsaw"))
    })
}

#[cfg(test)]
mod tests;
