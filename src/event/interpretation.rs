//! How the bodies of one sender become rows: a compiled plan, and the texts from which it can be made
//! again.
//!
//! The log stores the [`Definition`] once and its number in every frame, so that replay gives the rows
//! that were acknowledged, whatever became of the mapping since.

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::columns::{Rows, Usage};
use super::fill::Filler;
use super::parse::Fingerprint;
use super::plan::Plan;
use super::record::Reader;
use super::redact::{RedactRules, Redactor};

/// Version of the parser: of everything that decides what rows a body gives. Grows with any change of
/// conversions, derivations or the order of rules.
pub const PARSER_VERSION: u32 = 1;

/// How many parser states, and rows, are kept for the next bodies.
const STATES_MAX: usize = 32;
/// Largest rows that are kept, in bytes of their last values.
const ROWS_MAX: usize = 256 << 10;

/// The texts that make an interpretation, as the log stores them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// [`PARSER_VERSION`] of the program that accepted the events.
    pub parser_version: u32,
    /// Name of the mapping; none for events in the model's own words.
    pub mapping: Option<String>,
    /// The mapping in its canonical TOML form.
    pub mapping_toml: Option<String>,
    /// `source` of events without one.
    pub source: String,
    /// What is redacted before anything is stored.
    pub redact: RedactRules,
}

impl Definition {
    /// Events in the model's own words.
    #[must_use]
    pub fn native(source: &str, redact: RedactRules) -> Self {
        Self { parser_version: PARSER_VERSION, mapping: None, mapping_toml: None, source: source.to_string(), redact }
    }

    /// The stored form: one line of JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("texts and lists of texts are JSON")
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// A text that [`Definition::to_text`] of no version has written.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Number of the interpretation: a hash of its stored form.
    #[must_use]
    pub fn id(&self) -> u64 {
        xxh3_64(self.to_text().as_bytes())
    }
}

/// What one parse needs besides the plan; kept between bodies, since it has learnt the sender's keys.
#[derive(Debug)]
pub(crate) struct ParserState {
    pub(crate) reader: Reader,
    pub(crate) filler: Filler,
    pub(crate) fingerprint: Fingerprint,
    /// Compact text of a record.
    pub(crate) compact: Vec<u8>,
    /// Room that the columns of the last body took.
    pub(crate) usage: Usage,
}

/// A compiled definition. Shared by all requests that use it.
#[derive(Debug)]
pub struct Interpretation {
    id: u64,
    definition: Definition,
    plan: Plan,
    redactor: Redactor,
    #[expect(clippy::vec_box, reason = "a state is large and moves in and out for every body")]
    states: Mutex<Vec<Box<ParserState>>>,
    /// Empty rows with room: some hundred allocations that a body need not make again.
    rows: Mutex<Vec<Rows>>,
}

impl Interpretation {
    /// Binds a plan to the texts that it was compiled from.
    #[must_use]
    pub fn new(plan: Plan, definition: Definition) -> Self {
        let redactor = Redactor::new(&definition.redact, plan.wrapper.as_deref());
        Self { id: definition.id(), definition, plan, redactor, states: Mutex::default(), rows: Mutex::default() }
    }

    /// Events in the model's own words.
    #[must_use]
    pub fn native(source: &str, redact: RedactRules) -> Self {
        Self::new(Plan::native(), Definition::native(source, redact))
    }

    /// Number by which frames of the log name it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The texts that it was made from.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The compiled plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Name of its mapping; none for events in the model's own words.
    #[must_use]
    pub fn mapping(&self) -> Option<&str> {
        self.definition.mapping.as_deref()
    }

    /// `source` of events without one.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.definition.source
    }

    /// Replaces secrets.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(crate) fn take_state(&self) -> Box<ParserState> {
        self.states.lock().pop().unwrap_or_else(|| {
            Box::new(ParserState {
                reader: Reader::new(&self.plan),
                filler: Filler::new(&self.plan),
                fingerprint: Fingerprint::default(),
                compact: Vec::new(),
                usage: Usage::default(),
            })
        })
    }

    /// Empty rows for the next body.
    pub(crate) fn take_rows(&self) -> Rows {
        self.rows.lock().pop().unwrap_or_default()
    }

    /// Takes rows of an earlier body back, once their values are copied.
    pub(crate) fn return_rows(&self, mut rows: Rows) {
        if rows.size() > ROWS_MAX {
            return;
        }
        rows.clear();
        let mut kept = self.rows.lock();
        if kept.len() < STATES_MAX {
            kept.push(rows);
        }
    }

    pub(crate) fn return_state(&self, state: Box<ParserState>) {
        let mut states = self.states.lock();
        if states.len() < STATES_MAX && !state.reader.is_worn() {
            states.push(state);
        }
    }
}

#[cfg(test)]
mod tests;
