//! Hours in which nobody is told anything: by the clocks of a zone, whatever they do in spring and autumn.

use chrono::{DateTime, Datelike, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::AlertError;

/// Hours in which notices are held back. An instant has exactly one local time, so that it is never in doubt whether
/// it is quiet, also on days that have an hour twice or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// IANA zone, such as `Europe/Warsaw`.
    #[schema(example = "Europe/Warsaw")]
    pub tz: String,
    /// Begin, `HH:MM`.
    #[schema(example = "22:00")]
    pub from: String,
    /// End, `HH:MM`; before `from` it is on the next day.
    #[schema(example = "07:00")]
    pub to: String,
    /// Days on which the quiet begins, 1 (Monday) to 7; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<u32>>,
}

/// The same, understood.
#[derive(Debug, Clone, Copy)]
struct Hours {
    tz: Tz,
    /// Minutes of the day.
    from: u32,
    to: u32,
}

impl Quiet {
    /// Refuses what is no time of quiet.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), AlertError> {
        let hours = self.hours()?;
        if hours.from == hours.to {
            return Err(AlertError::invalid(
                "quiet",
                "`from` and `to` are the same: leave it out, or disable the alert",
            ));
        }
        match &self.days {
            Some(days) if days.is_empty() || days.iter().any(|day| !(1..=7).contains(day)) => {
                Err(AlertError::invalid("quiet", "`days` are numbers from 1 (Monday) to 7, at least one"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is quiet at an instant.
    #[must_use]
    pub fn holds(&self, at_ms: i64) -> bool {
        let (Ok(hours), Some(at)) = (self.hours(), DateTime::<Utc>::from_timestamp_millis(at_ms)) else { return false };
        let local = at.with_timezone(&hours.tz);
        let (minute, day) = (local.hour() * 60 + local.minute(), local.weekday().number_from_monday());
        let yesterday = if day == 1 { 7 } else { day - 1 };
        let begins_on = |day: u32| self.days.as_ref().is_none_or(|days| days.contains(&day));
        if hours.from < hours.to {
            return (hours.from..hours.to).contains(&minute) && begins_on(day);
        }
        (minute >= hours.from && begins_on(day)) || (minute < hours.to && begins_on(yesterday))
    }

    fn hours(&self) -> Result<Hours, AlertError> {
        let tz = self.tz.parse::<Tz>().map_err(|_| {
            AlertError::invalid(
                "quiet",
                format!("`{}` is no zone of the IANA database, such as Europe/Warsaw", self.tz),
            )
        })?;
        let time = |text: &str| {
            let time = NaiveTime::parse_from_str(text, "%H:%M");
            time.map(|time| time.hour() * 60 + time.minute()).map_err(|_| {
                AlertError::invalid("quiet", format!("`{text}` is no time of day: write HH:MM, such as 22:00"))
            })
        };
        Ok(Hours { tz, from: time(&self.from)?, to: time(&self.to)? })
    }
}
