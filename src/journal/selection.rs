//! What of a journal is asked for: a filter, a period, the zone in which both are meant.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::JournalError;
use super::compile::{Compiler, Values};
use super::field::{Field, Word, column};
use super::filter::Filter;
use super::period::{Bounds, Named, Period, show, zone};

/// What of a journal is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// What events must be like.
    pub filter: Filter,
    /// When they happened.
    pub period: Period,
    /// Zone of local times; without one it is UTC, and each event's own for hours of the day.
    pub zone: Option<Tz>,
    /// The time that relative periods count from.
    pub now: DateTime<Utc>,
    /// Whether events are meant that only their object shows, though the filter does not say so.
    pub of_object: bool,
}

/// Keys that are about the period.
const PERIOD_KEYS: [&str; 5] = ["period", "from", "to", "tz", "now"];

impl Selection {
    /// Everything, seen at `now`.
    #[must_use]
    pub fn all(now: DateTime<Utc>) -> Self {
        let (filter, period) = (Filter::default(), Period::default());
        Self { filter, period, zone: None, now, of_object: false }
    }

    /// Takes out of the parameters of a URL all that are filters or about the period; the others stay.
    ///
    /// # Errors
    /// A value that cannot be read.
    pub fn from_pairs(pairs: &mut Vec<(String, String)>, now: DateTime<Utc>) -> Result<Self, JournalError> {
        let mut selection = Self::all(now);
        let mut rest = Vec::new();
        let mut said = Map::new();
        for (key, value) in pairs.drain(..) {
            if PERIOD_KEYS.contains(&key.as_str()) {
                if said.insert(key.clone(), Value::String(value)).is_some() {
                    return Err(JournalError::value(&key, "is given twice"));
                }
            } else if key == "filter" {
                let value = serde_json::from_str(&value)
                    .map_err(|error| JournalError::value("filter", format!("is no JSON: {error}")))?;
                selection.add_json(&value)?;
            } else {
                match selection.filter.add(&key, vec![value.clone()]) {
                    Ok(()) => {}
                    Err(JournalError::UnknownFilter { .. }) => rest.push((key, value)),
                    Err(error) => return Err(error),
                }
            }
        }
        *pairs = rest;
        selection.set_period(&said)?;
        Ok(selection)
    }

    /// Reads the JSON form, `{"module": "couriers", "http_status>": 400, "period": "last_7d", "tz": "Europe/Warsaw"}`.
    ///
    /// # Errors
    /// It is no object, or holds what cannot be read.
    pub fn from_json(value: &Value, now: DateTime<Utc>) -> Result<Self, JournalError> {
        let mut selection = Self::all(now);
        selection.add_json(value)?;
        Ok(selection)
    }

    fn add_json(&mut self, value: &Value) -> Result<(), JournalError> {
        let object = value.as_object().ok_or_else(|| JournalError::value("filter", "is a JSON object"))?;
        let mut said = Map::new();
        for (key, value) in object {
            if PERIOD_KEYS.contains(&key.as_str()) {
                said.insert(key.clone(), value.clone());
            } else {
                self.filter.add_member(key, value)?;
            }
        }
        self.set_period(&said)
    }

    fn set_period(&mut self, said: &Map<String, Value>) -> Result<(), JournalError> {
        let text = |key: &str| -> Result<Option<String>, JournalError> {
            match said.get(key) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text.clone())),
                Some(_) => Err(JournalError::value(key, "is a text")),
            }
        };
        if let Some(name) = text("tz")? {
            self.zone = Some(zone(&name)?);
        }
        if let Some(now) = text("now")? {
            let wrong = |_| JournalError::period("now", format!("`{now}` is no time; write 2025-03-04T09:00:00+01:00"));
            self.now = DateTime::parse_from_rfc3339(&now).map_err(wrong)?.to_utc();
        }
        let (named, from, to) = (text("period")?, text("from")?, text("to")?);
        match (named, from.is_some() || to.is_some()) {
            (Some(_), true) => return Err(JournalError::period("period", "cannot stand beside `from` or `to`")),
            (Some(named), false) => self.period = Period::Named(Named::parse(&named)?),
            (None, true) => self.period = Period::Between { from, to },
            (None, false) => {}
        }
        // Whether it can be read is told now, not when it is used.
        self.bounds().map(|_| ())
    }

    /// The JSON form, which can be stored: relative periods stay relative.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = self.filter.to_json();
        match &self.period {
            Period::Unsaid => {}
            Period::Named(named) => {
                object.insert("period".into(), json!(named.text()));
            }
            Period::Between { from, to } => {
                object.extend(from.iter().map(|from| ("from".to_owned(), json!(from))));
                object.extend(to.iter().map(|to| ("to".to_owned(), json!(to))));
            }
        }
        object.extend(self.zone.iter().map(|zone| ("tz".to_owned(), json!(zone.name()))));
        Value::Object(object)
    }

    /// The same, of the last 24 hours where no period was said.
    #[must_use]
    pub fn or_last_day(mut self) -> Self {
        if self.period == Period::Unsaid {
            let from = Some(show(self.now - Duration::hours(24)));
            let named = Named::parse("last_24h").map(Period::Named);
            self.period = named.unwrap_or(Period::Between { from, to: None });
        }
        self
    }

    /// The period in UTC.
    ///
    /// # Errors
    /// A bound that cannot be read.
    pub fn bounds(&self) -> Result<Bounds, JournalError> {
        self.period.bounds(self.now, self.zone())
    }

    /// The zone of local times.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone.unwrap_or(Tz::UTC)
    }

    /// The zone on whose clocks hours and days are read, where one is said; else that of each event.
    pub(super) fn clock(&self) -> Option<Tz> {
        self.zone
    }

    /// The condition of a `WHERE`; its values are added to `values`. Free text is not looked for in `hidden` columns.
    ///
    /// # Errors
    /// A value that a filter cannot take.
    pub fn condition(&self, values: &mut Values, hidden: &[String]) -> Result<String, JournalError> {
        let bounds = self.bounds()?;
        let mut parts = Vec::new();
        if let Some(from) = bounds.from {
            parts.push(format!("event_time >= {}", values.add(show(from))));
        }
        if let Some(to) = bounds.to {
            parts.push(format!("event_time < {}", values.add(show(to))));
        }
        parts.extend(self.matching(values, hidden)?);
        Ok(if parts.is_empty() { "true".to_owned() } else { parts.join(" AND ") })
    }

    /// The same without the period; `None` where everything fits.
    ///
    /// # Errors
    /// As [`Selection::condition`].
    pub fn matching(&self, values: &mut Values, hidden: &[String]) -> Result<Option<String>, JournalError> {
        let zone = self.zone.map(|zone| zone.name());
        let filter = Compiler { values, hidden, zone }.filter(&self.filter)?;
        let general = self.leaves_out_hidden(hidden).then(|| "(visibility IS DISTINCT FROM 'object')".to_owned());
        let parts: Vec<String> = filter.into_iter().chain(general).collect();
        Ok((!parts.is_empty()).then(|| parts.join(" AND ")))
    }

    /// Whether events that only their object shows are left out: they are, unless the object or they are asked for.
    fn leaves_out_hidden(&self, hidden: &[String]) -> bool {
        let asked = column("visibility").is_some_and(|column| self.filter.asks(&Field::Column(column)));
        let asked = asked || self.filter.asks(&Field::Word(Word::Object)) || self.of_object;
        !asked && !hidden.iter().any(|hidden| hidden == "visibility")
    }
}
