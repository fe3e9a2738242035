//! Where a page ended: the place of its last row in the total order, and the direction.
//!
//! The text is hexadecimal JSON, so that it can stand in a URL as it is.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ScreenError;
use crate::access::hex;
use crate::journal::Values;

/// Longest cursor that is read, in characters.
const TEXT_MAX: usize = 4_096;

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cursor {
    /// `event_time` in µs since 1970.
    time: i64,
    /// What makes the order total, in the order of the columns.
    ties: Ties,
    oldest_first: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Ties {
    Number(i64),
    Texts(Vec<String>),
}

impl Cursor {
    /// Behind a row of an answer, whose 64-bit integers are text.
    pub(super) fn after<'a>(
        time: &Value,
        ties: impl Iterator<Item = &'a Value>,
        oldest_first: bool,
    ) -> Result<Self, ScreenError> {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(ScreenError::Answer);
        let time = DateTime::parse_from_rfc3339(&text(time)?).map_err(|_| ScreenError::Answer)?.timestamp_micros();
        let texts = ties.map(text).collect::<Result<Vec<_>, _>>()?;
        let ties = match texts.as_slice() {
            [number] => Ties::Number(number.parse().map_err(|_| ScreenError::Answer)?),
            _ => Ties::Texts(texts),
        };
        Ok(Self { time, ties, oldest_first })
    }

    /// Reads the text; `grouped` says what rows of the page are told apart by.
    pub(super) fn read(text: &str, grouped: bool, oldest_first: bool) -> Result<Self, ScreenError> {
        let digit = |byte: u8| (byte as char).to_digit(16);
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|two| match two {
                [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
                _ => None,
            })
            .collect();
        let read = |bytes: Vec<u8>| serde_json::from_slice::<Self>(&bytes).ok();
        let cursor = bytes.filter(|_| text.len() <= TEXT_MAX).and_then(read).ok_or(ScreenError::Cursor)?;
        let fits = match &cursor.ties {
            Ties::Number(_) => !grouped,
            Ties::Texts(texts) => grouped && texts.len() == 2,
        };
        // A time that the column cannot hold would fail in the engine.
        let held = DateTime::from_timestamp_micros(cursor.time).is_some();
        if fits && held && cursor.oldest_first == oldest_first { Ok(cursor) } else { Err(ScreenError::Cursor) }
    }

    pub(super) fn to_text(&self) -> String {
        hex(self.to_json().to_string().as_bytes())
    }

    fn to_json(&self) -> Value {
        let ties = match &self.ties {
            Ties::Number(number) => json!(number),
            Ties::Texts(texts) => json!(texts),
        };
        json!({"time": self.time, "ties": ties, "oldest_first": self.oldest_first})
    }

    /// The condition that a row comes behind it.
    pub(super) fn condition(&self, columns: &[&str], values: &mut Values) -> String {
        let sign = if self.oldest_first { '>' } else { '<' };
        let time = values.add(self.time);
        let time = format!("arrow_cast({time}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
        let ties: Vec<String> = match &self.ties {
            Ties::Number(number) => vec![values.add(*number)],
            Ties::Texts(texts) => texts.iter().map(|text| values.add(text.as_str())).collect(),
        };
        let mut behind = vec![format!("event_time {sign} {time}")];
        let mut equal = format!("event_time = {time}");
        for (column, value) in columns.iter().zip(ties) {
            behind.push(format!("({equal} AND {column} {sign} {value})"));
            equal.push_str(&format!(" AND {column} = {value}"));
        }
        format!("({})", behind.join(" OR "))
    }
}
