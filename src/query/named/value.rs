//! Types of parameters, and how the text of a URL becomes a value.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use datafusion::common::ScalarValue;
use serde::Serialize;

use crate::query::error::nearest;
use crate::query::params::text_list;

/// Type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// Any text.
    Text,
    /// 64-bit integer.
    Integer,
    /// 64-bit float.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Instant: RFC 3339, a date, `now`, `now-7d`, `today`.
    Timestamp,
    /// `2025-03-04`, `today`, `today-7d`.
    Date,
    /// Texts: given several times, or separated by commas.
    TextList,
}

const NAMES: [(&str, ParameterType); 7] = [
    ("text", ParameterType::Text),
    ("integer", ParameterType::Integer),
    ("number", ParameterType::Number),
    ("boolean", ParameterType::Boolean),
    ("timestamp", ParameterType::Timestamp),
    ("date", ParameterType::Date),
    ("text_list", ParameterType::TextList),
];

impl ParameterType {
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let names = NAMES.iter().map(|(name, _)| *name);
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).ok_or_else(|| {
            let all = names.clone().collect::<Vec<_>>().join(", ");
            match nearest(name, names) {
                Some(near) => format!("there is no type `{name}`; did you mean `{near}`?"),
                None => format!("there is no type `{name}`; types are {all}"),
            }
        })
    }

    pub(super) fn null(self) -> ScalarValue {
        match self {
            Self::Text => ScalarValue::Utf8(None),
            Self::Integer => ScalarValue::Int64(None),
            Self::Number => ScalarValue::Float64(None),
            Self::Boolean => ScalarValue::Boolean(None),
            Self::Timestamp => ScalarValue::TimestampMicrosecond(None, Some("UTC".into())),
            Self::Date => ScalarValue::Date32(None),
            Self::TextList => ScalarValue::new_null_list(arrow::datatypes::DataType::Utf8, true, 1),
        }
    }

    /// The value of the texts, of which there is at least one.
    pub(super) fn value(self, texts: &[&str], now: DateTime<Utc>) -> Result<ScalarValue, String> {
        if self == Self::TextList {
            return Ok(match texts {
                [one] => text_list(one.split(',').filter(|item| !item.is_empty())),
                many => text_list(many.iter().copied()),
            });
        }
        let &[text] = texts else { return Err("was given more than once".into()) };
        let bad = |wanted: &str| format!("must be {wanted}, not `{}`", text.chars().take(64).collect::<String>());
        match self {
            Self::Text | Self::TextList => Ok(ScalarValue::Utf8(Some(text.to_owned()))),
            Self::Integer => text.parse::<i64>().map(ScalarValue::from).map_err(|_| bad("a 64-bit integer")),
            Self::Number => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(ScalarValue::from(number)),
                _ => Err(bad("a number")),
            },
            Self::Boolean => text.parse::<bool>().map(ScalarValue::from).map_err(|_| bad("true or false")),
            Self::Timestamp => instant(text, now)
                .map(|instant| ScalarValue::TimestampMicrosecond(Some(instant.timestamp_micros()), Some("UTC".into())))
                .ok_or_else(|| bad("a time such as 2025-03-04T10:00:00Z, 2025-03-04, now, now-7d or today")),
            Self::Date => instant(text, now)
                .filter(|instant| instant.time() == NaiveTime::MIN)
                .and_then(|instant| i32::try_from(instant.timestamp().div_euclid(86_400)).ok())
                .map(|days| ScalarValue::Date32(Some(days)))
                .ok_or_else(|| bad("a date such as 2025-03-04, today or today-7d")),
        }
    }
}

/// RFC 3339, a date or a time without offset (both UTC), or a time relative to now or to midnight.
fn instant(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let relative = |base: DateTime<Utc>, rest: &str| {
        if rest.is_empty() { Some(base) } else { base.checked_add_signed(offset(rest)?) }
    };
    if let Some(rest) = text.strip_prefix("now") {
        return relative(now, rest);
    }
    if let Some(rest) = text.strip_prefix("today") {
        return relative(now.date_naive().and_time(NaiveTime::MIN).and_utc(), rest);
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    // `+01:00` in a URL that was not escaped comes as a space.
    if let Some((time, offset)) = text.rsplit_once(' ')
        && let Ok(instant) = DateTime::parse_from_rfc3339(&format!("{time}+{offset}"))
    {
        return Some(instant.to_utc());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
            return Some(local.and_utc());
        }
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|date| date.and_time(NaiveTime::MIN).and_utc())
}

/// `-7d`, `+30m`.
fn offset(text: &str) -> Option<TimeDelta> {
    if !text.starts_with(['+', '-']) {
        // A `+` that was not escaped in the URL.
        return text.strip_prefix(' ').filter(|rest| !rest.starts_with(' ')).and_then(|rest| offset(&format!("+{rest}")));
    }
    let count: i64 = text.get(..text.len() - 1)?.parse().ok()?;
    let unit = match text.as_bytes().last()? {
        b's' => TimeDelta::try_seconds(1),
        b'm' => TimeDelta::try_minutes(1),
        b'h' => TimeDelta::try_hours(1),
        b'd' => TimeDelta::try_days(1),
        b'w' => TimeDelta::try_weeks(1),
        _ => None,
    }?;
    unit.num_seconds().checked_mul(count).and_then(TimeDelta::try_seconds)
}
