//! Calendars of time zones: where days, weeks and months begin, exact over changes of the clock.
//!
//! A day is what a zone calls one: 23, 24 or 25 hours. Periods of filters and the buckets of histograms both
//! come from here, so that they meet at the same instants.

use std::fmt;

use chrono::{
    DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;

/// Longest step, in units: 100 years of minutes would be no histogram.
const COUNT_MAX: u32 = 100_000;
/// Clocks jump by multiples of this.
const JUMP: i64 = 15;
/// Longest jump of a clock, in steps of [`JUMP`] minutes: a day, where a zone changed sides of the date line.
const JUMPS_MAX: i64 = 24 * 60 / JUMP;

/// The zone of an IANA name.
#[must_use]
pub fn zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// The instant at which clocks of `zone` show `local`: the first of two, and where they jump over it, the
/// instant of the jump.
#[must_use]
pub fn instant(zone: Tz, local: NaiveDateTime) -> DateTime<Utc> {
    let shown = |minutes: i64| zone.from_local_datetime(&(local + Duration::minutes(minutes))).earliest();
    if let Some(found) = shown(0) {
        return found.with_timezone(&Utc);
    }
    // Within a gap: the jump is at most a step before the first time that is shown again.
    let after = (1..=JUMPS_MAX).find_map(|jumps| shown(jumps * JUMP));
    match after {
        Some(after) => {
            let after = after.with_timezone(&Utc);
            jump_between(zone, after - Duration::minutes(JUMP), after)
        }
        None => Utc.from_utc_datetime(&local),
    }
}

/// Seconds that the clocks of `zone` are ahead of UTC at `at`.
fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// The first second after `from` at which the clocks of `zone` have the offset that they have at `to`.
fn jump_between(zone: Tz, mut from: DateTime<Utc>, mut to: DateTime<Utc>) -> DateTime<Utc> {
    let after = offset(zone, to);
    while to - from > Duration::seconds(1) {
        let middle = from + Duration::seconds((to - from).num_seconds() / 2);
        if offset(zone, middle) == after { to = middle } else { from = middle }
    }
    to
}

/// Units of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// A step of a calendar: `15m`, `1h`, `day`, `2w`, `month`, `quarter`, `year`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    count: u32,
    unit: Unit,
}

impl Step {
    /// One day.
    pub const DAY: Self = Self { count: 1, unit: Unit::Day };

    /// What a step may look like, for messages.
    pub const FORMS: &str = "`30s`, `15m`, `1h`, `1d`, `1w`, `1mo`, `1q`, `1y`, or `minute`, `hour`, `day`, `week`, `month`, `quarter`, `year`";

    /// Reads a step; a number in front of a unit, or the unit alone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let unit = match unit {
            "s" | "second" => Unit::Second,
            "m" | "min" | "minute" => Unit::Minute,
            "h" | "hour" => Unit::Hour,
            "d" | "day" => Unit::Day,
            "w" | "week" => Unit::Week,
            "mo" | "month" => Unit::Month,
            "q" | "quarter" => Unit::Quarter,
            "y" | "year" => Unit::Year,
            _ => return None,
        };
        let count = if count.is_empty() { 1 } else { count.parse().ok()? };
        (1..=COUNT_MAX).contains(&count).then_some(Self { count, unit })
    }

    /// The finest ordinary step of which `span` has no more than `most`.
    #[must_use]
    pub fn fitting(span: Duration, most: u32) -> Self {
        const LADDER: [(u32, Unit); 20] = [
            (1, Unit::Second),
            (5, Unit::Second),
            (15, Unit::Second),
            (30, Unit::Second),
            (1, Unit::Minute),
            (5, Unit::Minute),
            (15, Unit::Minute),
            (30, Unit::Minute),
            (1, Unit::Hour),
            (3, Unit::Hour),
            (6, Unit::Hour),
            (12, Unit::Hour),
            (1, Unit::Day),
            (1, Unit::Week),
            (1, Unit::Month),
            (1, Unit::Quarter),
            (1, Unit::Year),
            (5, Unit::Year),
            (25, Unit::Year),
            (100, Unit::Year),
        ];
        let steps = LADDER.map(|(count, unit)| Self { count, unit });
        let fits = |step: &&Self| span.num_seconds() / step.seconds().max(1) < i64::from(most.max(1));
        *steps.iter().find(fits).unwrap_or(&steps[steps.len() - 1])
    }

    /// About how long it is.
    #[must_use]
    pub fn seconds(self) -> i64 {
        let unit = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
            Unit::Month => 30 * 86_400,
            Unit::Quarter => 91 * 86_400,
            Unit::Year => 365 * 86_400,
        };
        i64::from(self.count) * unit
    }

    /// The bucket of `at` on the clocks of `zone`: its first instant, and the first one after it.
    ///
    /// Steps of seconds, minutes and hours begin anew at each midnight and where clocks jump: the hour that is there
    /// twice is two buckets.
    #[must_use]
    pub fn bucket(self, at: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        match self.unit {
            Unit::Second | Unit::Minute | Unit::Hour => self.of_clock(at, zone),
            _ => {
                let local = at.with_timezone(&zone).date_naive();
                let first = self.first_day(local);
                (midnight(zone, first), midnight(zone, self.after(first)))
            }
        }
    }

    fn of_clock(self, at: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        let at = at.with_nanosecond(0).unwrap_or(at);
        let size = self.seconds().min(86_400);
        let of_day = i64::from(at.with_timezone(&zone).time().num_seconds_from_midnight());
        let into = of_day % size;
        let start = at - Duration::seconds(into);
        let end = at + Duration::seconds((size - into).min(86_400 - of_day));
        let now = offset(zone, at);
        let start = if offset(zone, start) == now { start } else { jump_between(zone, start, at) };
        let end = if offset(zone, end - Duration::seconds(1)) == now { end } else { jump_between(zone, at, end) };
        (start, end)
    }

    /// The first day of the bucket that holds `day`.
    fn first_day(self, day: NaiveDate) -> NaiveDate {
        let count = i32::try_from(self.count).unwrap_or(i32::MAX);
        let from_days = |days: i32| NaiveDate::from_num_days_from_ce_opt(days).unwrap_or(day);
        let days = day.num_days_from_ce();
        // 1970-01-05 was a Monday: weeks count from there, days from 1970-01-01.
        let epoch = NaiveDate::default().num_days_from_ce();
        let of_months = |months: i32| {
            let month = (day.year() * 12 + i32::try_from(day.month0()).unwrap_or(0)).div_euclid(months) * months;
            let first = NaiveDate::from_ymd_opt(month.div_euclid(12), month.rem_euclid(12).unsigned_abs() + 1, 1);
            first.unwrap_or(day)
        };
        match self.unit {
            Unit::Week => from_days((days - epoch - 4).div_euclid(7 * count) * 7 * count + epoch + 4),
            Unit::Month => of_months(count),
            Unit::Quarter => of_months(count.saturating_mul(3)),
            Unit::Year => of_months(count.saturating_mul(12)),
            _ => from_days((days - epoch).div_euclid(count) * count + epoch),
        }
    }

    /// The first day of the bucket after the one that begins at `first`.
    fn after(self, first: NaiveDate) -> NaiveDate {
        let days = |days: u64| first.checked_add_days(Days::new(days));
        let months = |months: u32| first.checked_add_months(Months::new(months));
        let next = match self.unit {
            Unit::Week => days(7 * u64::from(self.count)),
            Unit::Month => months(self.count),
            Unit::Quarter => months(self.count.saturating_mul(3)),
            Unit::Year => months(self.count.saturating_mul(12)),
            _ => days(u64::from(self.count)),
        };
        next.unwrap_or(NaiveDate::MAX)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
            Unit::Day => "d",
            Unit::Week => "w",
            Unit::Month => "mo",
            Unit::Quarter => "q",
            Unit::Year => "y",
        };
        write!(f, "{}{unit}", self.count)
    }
}

/// The first instant of `day` in `zone`.
#[must_use]
pub fn midnight(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    instant(zone, day.and_time(NaiveTime::MIN))
}

#[cfg(test)]
mod tests;
