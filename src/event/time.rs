//! Instants: what senders write, as microseconds since 1970 in UTC.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

/// First instant that a column takes: 1970-01-01.
pub const EARLIEST_US: i64 = 0;
/// First instant that a column no longer takes: 2201-01-01.
pub const LATEST_US: i64 = 7_289_654_400_000_000;

/// An instant read from text or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// Microseconds since 1970 in UTC.
    pub us: i64,
    /// Whether the column alone gives back all that was sent: UTC, and no finer than a microsecond.
    pub exact: bool,
}

impl Instant {
    /// Whether the column takes it: the years 1970 to 2200.
    #[must_use]
    pub fn in_range(self) -> bool {
        (EARLIEST_US..LATEST_US).contains(&self.us)
    }
}

/// Unit of an epoch number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Second,
    /// Milliseconds.
    Millisecond,
    /// Microseconds.
    Microsecond,
    /// Nanoseconds.
    Nanosecond,
}

/// A form in which a mapping expects instants.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeFormat {
    /// RFC 3339 with an offset; without one where the mapping names a zone.
    Rfc3339,
    /// A number since 1970, of the given unit or the one its magnitude tells.
    Epoch(Option<Unit>),
    /// A pattern in the words of `strftime`.
    Pattern(String),
}

/// The forms that are tried without a mapping.
pub const ANY: &[TimeFormat] = &[TimeFormat::Rfc3339, TimeFormat::Epoch(None)];

/// Reads `text` in the first of `formats` that fits.
#[must_use]
pub fn read(text: &[u8], formats: &[TimeFormat], zone: Option<Tz>) -> Option<Instant> {
    formats.iter().find_map(|format| match format {
        TimeFormat::Rfc3339 => rfc3339(text, zone),
        TimeFormat::Epoch(unit) => epoch(text, *unit),
        TimeFormat::Pattern(pattern) => by_pattern(std::str::from_utf8(text).ok()?, pattern, zone),
    })
}

/// Reads `2024-06-11T09:00:12.5+02:00`: date, `T` or a space, time, fraction, offset.
#[must_use]
pub fn rfc3339(text: &[u8], zone: Option<Tz>) -> Option<Instant> {
    if text.len() < 19 {
        return None;
    }
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, byte)| text[at] != byte) || !matches!(text[10], b'T' | b't' | b' ') {
        return None;
    }
    let (year, month, day) = (number(&text[..4])?, number(&text[5..7])?, number(&text[8..10])?);
    let (hour, minute, second) = (number(&text[11..13])?, number(&text[14..16])?, number(&text[17..19])?);
    if hour > 23 || minute > 59 || second > 60 || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let (fraction_us, whole, rest) = fraction(&text[19..])?;
    let local_s = days_before(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    // A leap second is the first moment of the next minute; the original shows which it was.
    let plain = whole && second < 60;
    match rest {
        b"Z" | b"z" => Some(Instant { us: local_s * 1_000_000 + fraction_us, exact: plain }),
        b"" => in_zone(local_s, fraction_us, zone?, plain),
        _ => Some(Instant { us: (local_s - offset(rest)?) * 1_000_000 + fraction_us, exact: false }),
    }
}

fn in_zone(local_s: i64, fraction_us: i64, zone: Tz, plain: bool) -> Option<Instant> {
    let local = chrono::DateTime::from_timestamp(local_s, 0)?.naive_utc();
    let instant = zone.from_local_datetime(&local).earliest()?;
    Some(Instant { us: instant.timestamp() * 1_000_000 + fraction_us, exact: plain && zone == Tz::UTC })
}

/// Fraction in µs, whether that is all of it, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, bool, &[u8])> {
    let Some(digits) = text.strip_prefix(b".").or_else(|| text.strip_prefix(b",")) else {
        return Some((0, true, text));
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let mut us = 0;
    for at in 0..6 {
        us = us * 10 + digits.get(at).filter(|_| at < count).map_or(0, |byte| i64::from(byte - b'0'));
    }
    let whole = digits[..count].iter().skip(6).all(|byte| *byte == b'0');
    Some((us, whole && count <= 9, &digits[count..]))
}

/// Seconds east of UTC of `+02:00`, `+0200` or `+02`.
fn offset(text: &[u8]) -> Option<i64> {
    let sign = match text.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match &text[1..] {
        [a, b, b':', c, d] | [a, b, c, d] => (number(&[*a, *b])?, number(&[*c, *d])?),
        [a, b] => (number(&[*a, *b])?, 0),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Hinnant's `days_from_civil`).
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Reads a number since 1970; without a unit its magnitude tells.
#[must_use]
pub fn epoch(text: &[u8], unit: Option<Unit>) -> Option<Instant> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &digits[..0]),
    };
    if whole.is_empty() || whole.len() > 19 || (point.is_some() && fraction.is_empty()) {
        return None;
    }
    let value = i128::from(
        u64::try_from(
            whole
                .iter()
                .try_fold(0_u128, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u128::from(byte - b'0')))?,
        )
        .ok()?,
    );
    let unit = unit.unwrap_or(match value {
        ..100_000_000_000 => Unit::Second,
        100_000_000_000..100_000_000_000_000 => Unit::Millisecond,
        100_000_000_000_000..100_000_000_000_000_000 => Unit::Microsecond,
        _ => Unit::Nanosecond,
    });
    let unit_ns: i128 = match unit {
        Unit::Second => 1_000_000_000,
        Unit::Millisecond => 1_000_000,
        Unit::Microsecond => 1_000,
        Unit::Nanosecond => 1,
    };
    let mut ns = value * unit_ns;
    let mut place = unit_ns;
    let mut exact = true;
    for byte in fraction {
        if !byte.is_ascii_digit() {
            return None;
        }
        place /= 10;
        exact &= place > 0 || *byte == b'0';
        ns += i128::from(byte - b'0') * place;
    }
    let ns = if negative { -ns } else { ns };
    let us = i64::try_from(ns.div_euclid(1_000)).ok()?;
    Some(Instant { us, exact: exact && ns.rem_euclid(1_000) == 0 })
}

fn by_pattern(text: &str, pattern: &str, zone: Option<Tz>) -> Option<Instant> {
    if let Ok(instant) = chrono::DateTime::parse_from_str(text, pattern) {
        return Some(Instant { us: instant.timestamp_micros(), exact: false });
    }
    let local = NaiveDateTime::parse_from_str(text, pattern)
        .ok()
        .or_else(|| Some(NaiveDate::parse_from_str(text, pattern).ok()?.and_time(NaiveTime::MIN)))?;
    let zone = zone.unwrap_or(Tz::UTC);
    let instant = zone.from_local_datetime(&local).earliest()?;
    let whole = instant.timestamp_subsec_nanos() % 1_000 == 0;
    Some(Instant { us: instant.timestamp_micros(), exact: zone == Tz::UTC && whole })
}

#[cfg(test)]
mod tests;
