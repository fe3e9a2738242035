//! One record after the other: read, judged, filled, identified.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::super::attributes::Document;
use super::super::fill::{self, Surroundings};
use super::super::interpretation::{Interpretation, ParserState};
use super::super::json::{ScanError, Scanner, Shape, Value, compact_into};
use super::super::plan::Plan;
use super::error::BodyError;
use super::ids::{PLACEHOLDER, Place, SentId};
use super::lines::shape_name;
use super::verdicts::{Verdict, Verdicts};
use super::{Context, Limits, Parsed, Rejected};

/// Why one record is rejected.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No JSON, or nested too deep.
    Json(ScanError),
    /// JSON, but no object.
    NoObject { at: usize, shape: Shape },
    /// No UTF-8.
    Utf8 { at: usize },
    /// Longer than the limit.
    TooLong { length: usize, limit: usize },
}

impl Trouble {
    fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code(),
            Self::NoObject { .. } => "not_an_object",
            Self::Utf8 { .. } => "invalid_utf8",
            Self::TooLong { .. } => "line_too_long",
        }
    }

    fn at(&self, start: usize) -> usize {
        match self {
            Self::Json(error) => error.at(),
            Self::NoObject { at, .. } | Self::Utf8 { at } => *at,
            Self::TooLong { .. } => start,
        }
    }

    /// In words, with offsets from the start of the record.
    fn message(&self, start: usize) -> String {
        match self {
            Self::Json(error) => error.counted_from(start).to_string(),
            Self::NoObject { shape, .. } => format!("an event is an object; this is {}", shape_name(*shape)),
            Self::Utf8 { at } => format!("no UTF-8 at byte {}", at - start),
            Self::TooLong { length, limit } => format!("{length} bytes; an event may have {limit}"),
        }
    }
}

/// The distinct modules of a body.
#[derive(Debug, Default)]
struct Modules {
    known: HashMap<Box<[u8]>, u32, FixedState>,
    none: Option<u32>,
    last: u32,
}

/// The parse of one body.
pub(super) struct Run<'a> {
    pub(super) body: &'a [u8],
    pub(super) plan: &'a Plan,
    pub(super) parsed: Parsed,
    interpretation: &'a Interpretation,
    context: &'a Context<'a>,
    limits: &'a Limits,
    verdicts: Option<&'a Verdicts>,
    state: Box<ParserState>,
    modules: Modules,
    /// Fields of the document whose records are being read.
    document: Document,
    wrapped: bool,
    /// Bytes of the document's fields written so far.
    repeated: usize,
    /// Place of the record counted last.
    place: Place,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        body: &'a [u8],
        interpretation: &'a Interpretation,
        context: &'a Context<'a>,
        limits: &'a Limits,
        verdicts: Option<&'a Verdicts>,
    ) -> Self {
        let state = interpretation.take_state();
        let mut rows = interpretation.take_rows();
        state.usage.make_room(&mut rows, body.len());
        Self {
            body,
            plan: interpretation.plan(),
            parsed: Parsed { rows, ..Parsed::default() },
            interpretation,
            context,
            limits,
            verdicts,
            state,
            modules: Modules::default(),
            document: Document::default(),
            wrapped: false,
            repeated: 0,
            place: Place::default(),
        }
    }

    /// Ends the parse and gives its scratch memory back.
    pub(super) fn finish(mut self) -> Parsed {
        self.parsed.remarks = std::mem::take(&mut self.state.filler.remarks);
        self.state.usage.note(&self.parsed.rows, self.body.len());
        self.interpretation.return_state(self.state);
        self.parsed
    }

    /// Finds the fields of the record at `at`.
    #[inline]
    pub(super) fn read(&mut self, at: usize) -> Result<Value, ScanError> {
        self.state.reader.read(&mut Scanner::new(self.body, at), self.body)
    }

    /// Whether the record may be as long as it is.
    pub(super) fn fits(&self, record: &Value) -> Result<(), Trouble> {
        let (length, limit) = ((record.end - record.start) as usize, self.limits.line_max);
        if length > limit { Err(Trouble::TooLong { length, limit }) } else { Ok(()) }
    }

    /// Whether the records being read lie in a document.
    pub(super) fn is_wrapped(&self) -> bool {
        self.wrapped
    }

    /// Goes into a document.
    pub(super) fn enter(&mut self, document: Document) {
        self.document = document;
        self.wrapped = true;
    }

    /// Leaves it.
    pub(super) fn leave(&mut self) {
        self.document = Document::default();
        self.wrapped = false;
    }

    fn count(&mut self, line: u32) -> Result<u32, BodyError> {
        let record = self.parsed.records;
        if record >= self.limits.events_max {
            return Err(BodyError::TooManyEvents { limit: self.limits.events_max });
        }
        self.parsed.records += 1;
        let within = if line == self.place.line { self.place.within + 1 } else { 0 };
        self.place = Place { record, line, within };
        Ok(record)
    }

    /// Rejects the record in `span`.
    pub(super) fn reject(
        &mut self,
        line: u32,
        span: std::ops::Range<usize>,
        trouble: &Trouble,
    ) -> Result<(), BodyError> {
        let record = self.count(line)?;
        let length = span.len();
        let broken = match trouble {
            Trouble::Json(error) => !matches!(error, ScanError::TooDeep { .. }),
            Trouble::NoObject { .. } | Trouble::Utf8 { .. } => true,
            Trouble::TooLong { .. } => false,
        };
        let too_long = Trouble::TooLong { length, limit: self.limits.line_max };
        let trouble = if length > self.limits.line_max { &too_long } else { trouble };
        let code = trouble.code();
        self.parsed.errors.add(line, trouble.at(span.start), code, || trouble.message(span.start));
        self.parsed.rejected.push(Rejected { record, line, span, code, broken });
        Ok(())
    }

    /// Makes a row of the record that was read last, unless its verdict says otherwise.
    #[inline]
    pub(super) fn accept(&mut self, record: &Value, line: u32) -> Result<(), BodyError> {
        let number = self.count(line)?;
        let verdict = self.verdicts.map_or(Verdict::Accepted, |verdicts| verdicts.get(number));
        if !verdict.is_stored() {
            self.refuse(verdict, record, number, line);
            return Ok(());
        }
        if !self.document.text.is_empty() {
            let limit = 4 * self.body.len() + (1 << 20);
            self.repeated += self.document.text.len();
            if self.repeated > limit {
                return Err(BodyError::DocumentTooLarge { limit });
            }
        }
        let around = Surroundings {
            plan: self.plan,
            project: self.context.project,
            source: self.interpretation.source(),
            received_at: self.context.received_at,
            document: &self.document,
            overflow: verdict == Verdict::Overflow,
        };
        let state = &mut *self.state;
        state.filler.fill(&mut state.reader, self.body, record, &around, &mut self.parsed.rows);
        self.identify(record, number, line);
        self.note_module();
        self.parsed.row_records.push(number);
        self.parsed.rows.end_row();
        Ok(())
    }

    /// Tells of a record that was judged to be refused, and where it lies for the dead letters.
    #[cold]
    fn refuse(&mut self, verdict: Verdict, record: &Value, number: u32, line: u32) {
        let Some((code, message)) = verdict.refusal() else { return };
        let span = record.start as usize..record.end as usize;
        self.parsed.errors.add(line, span.start, code, || message.to_string());
        self.parsed.rejected.push(Rejected { record: number, line, span, code, broken: false });
    }

    /// Gives the row being built an id, and remembers one that finds duplicates.
    fn identify(&mut self, record: &Value, number: u32, line: u32) {
        let rows = &mut self.parsed.rows;
        if !rows.is_set(fill::EVENT_ID) {
            match &self.context.mint {
                Some(seed) => rows.text(fill::EVENT_ID).push(&seed.id(self.place)),
                None => {
                    rows.text(fill::EVENT_ID).push(&PLACEHOLDER);
                    let row = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                    self.parsed.minted.push((row, self.place));
                }
            }
            if !self.context.mint.is_some_and(|seed| seed.is_repeatable()) {
                return;
            }
        }
        let scope = [fill::TENANT_ID, fill::SOURCE, fill::DATASET].map(|column| rows.current_text(column));
        let key = self.state.fingerprint.key(scope, rows.current_text(fill::EVENT_ID));
        let content = if record.spaced {
            self.state.compact.clear();
            compact_into(record, self.body, &mut self.state.compact);
            xxh3_64(&self.state.compact)
        } else {
            xxh3_64(record.text(self.body))
        };
        self.parsed.sent.push(SentId { key, content, record: number, line });
    }

    fn note_module(&mut self) {
        let rows = &self.parsed.rows;
        let modules = &mut self.modules;
        let list = &mut self.parsed.modules;
        let next = u32::try_from(list.len()).unwrap_or(u32::MAX);
        if !rows.is_set(fill::MODULE) {
            modules.last = *modules.none.get_or_insert_with(|| {
                list.push(None);
                next
            });
        } else {
            let text = rows.current_text(fill::MODULE);
            let same = list
                .get(modules.last as usize)
                .and_then(|name| name.as_deref())
                .is_some_and(|name| name.as_bytes() == text);
            if !same {
                modules.last = match modules.known.get(text) {
                    Some(at) => *at,
                    None => {
                        list.push(Some(String::from_utf8_lossy(text).into()));
                        modules.known.insert(text.into(), next);
                        next
                    }
                };
            }
        }
        self.parsed.row_modules.push(modules.last);
    }
}
