//! The way in: body → rows → verdicts → log.
//!
//! A batch is parsed once, outside every lock. Under the project's intake lock it is judged against
//! the ids and modules seen so far and put into the log's queue, so that the order of the verdicts is
//! the order of the log. Only where an event is not simply accepted it is parsed again with the
//! verdicts, which is what replay does as well: both give the same rows by construction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::dead_letters::{self, Dead};
use super::frame::Meta;
use super::inflight::{Claim, Claimed};
use super::ledger::{Counting, Tally};
use super::project::Project;
use super::publish::Ticket;
use super::{AppendError, Inner};
use crate::event::dedup::Seen;
use crate::event::interpretation::Interpretation;
use crate::event::names::ProjectName;
use crate::event::parse::{
    BodyFormat, Context, Limits, MintSeed, NOT_ALLOWED, Parsed, Rejected, Verdict, Verdicts, parse,
};
use crate::failpoint;
use crate::query::{Restriction, RowRules};
use crate::wal::{Frame, WalError};

/// Bodies above this size are parsed on a thread of their own, so that small requests need not wait.
const INLINE_MAX: usize = 64 << 10;
/// `source` of the events of the audit journal.
const AUDIT_SOURCE: &str = "kronika";
/// When the log is fuller than this share (in percent), ingest waits for flushes.
const WAL_FULL_PERCENT: u64 = 80;

/// How a batch is to be taken in.
#[derive(Debug, Clone)]
pub struct AppendOptions {
    /// JSON (one object, an array, a wrapper document) or NDJSON.
    pub format: BodyFormat,
    /// Mapping of the sender's own words; `None`: events in the model's words.
    pub mapping: Option<String>,
    /// `source` of events that name none.
    pub source: Option<String>,
    /// All or nothing.
    pub atomic: bool,
    /// The sender's name for this batch: the same name again stores nothing and gets the same answer.
    pub idempotency_key: Option<String>,
    /// Ids of events that have none come from their place in this file.
    pub file_ids: Option<FileIds>,
    /// Public id of the key that sends it, for the ledger.
    pub key: Option<String>,
    /// Whether refused lines are kept: those that are sent from there are there.
    pub keep_refused: bool,
    /// Modules, tenants, datasets and locations that the sender's key is for; events of others are refused, one by one.
    pub restriction: Option<Arc<Restriction>>,
}

impl Default for AppendOptions {
    fn default() -> Self {
        Self {
            format: BodyFormat::Ndjson,
            mapping: None,
            source: None,
            atomic: false,
            idempotency_key: None,
            file_ids: None,
            key: None,
            keep_refused: true,
            restriction: None,
        }
    }
}

/// A file that events come from: those without an id get one made of it and their place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIds {
    /// Hash of the file's content.
    pub hash: u128,
    /// Number of records before the body's first one.
    pub first_line: u64,
}

impl FileIds {
    /// What the parser mints ids of.
    pub(super) fn seed(self) -> MintSeed {
        MintSeed::File { hash: self.hash, first_line: self.first_line }
    }
}

/// An event that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefusedEvent {
    /// Line of an NDJSON body, number of the event in a JSON body; from 1.
    pub line: u32,
    /// Stable code.
    pub code: String,
    /// What is wrong with it.
    pub message: String,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// Id of the batch, the same for the same Idempotency-Key.
    #[serde(default)]
    pub batch: String,
    /// Events stored.
    pub accepted: u64,
    /// Events refused.
    pub rejected: u64,
    /// Events that were here already.
    pub duplicates: u64,
    /// The first 100 refused events.
    pub errors: Vec<RefusedEvent>,
    /// Refused events by code.
    pub error_counts: BTreeMap<String, u64>,
    /// What was put right or kept aside on the way in, by kind: missing times, values that fit no column, …
    pub remarks: BTreeMap<String, u64>,
    /// Whether this is the answer of an earlier request with the same Idempotency-Key; nothing was stored now.
    #[serde(skip)]
    pub replayed: bool,
}

impl Receipt {
    /// Events that the batch had.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.accepted + self.rejected + self.duplicates
    }

    /// Whether events were refused because the sender's key is not for their module or tenant.
    #[must_use]
    pub fn any_not_allowed(&self) -> bool {
        self.error_counts.keys().any(|code| is_not_allowed(code))
    }
}

impl Inner {
    /// Takes a batch in; when this returns it is on disk and visible to queries.
    pub(super) async fn append(
        self: &Arc<Self>,
        project: &ProjectName,
        body: Vec<u8>,
        options: AppendOptions,
    ) -> Result<Receipt, AppendError> {
        if project.is_audit() {
            return Err(AppendError::Reserved);
        }
        let project = self.projects.get(project).ok_or_else(|| AppendError::UnknownProject(project.clone()))?;
        self.check_budgets(body.len())?;
        let claim = match self.claim(&project.name, &body, &options).await? {
            Some(Claim::Answered(receipt)) => return Ok(Receipt { replayed: true, ..receipt }),
            Some(Claim::Mine(claimed)) => Some(claimed),
            None => None,
        };
        self.take_in(project, body, options, claim).await
    }

    /// Takes events of the audit journal in: above the budgets of ingest, and where ingest is beyond them
    /// itself, within the reserve.
    pub(super) async fn append_audit(self: &Arc<Self>, body: Vec<u8>) -> Result<(), AppendError> {
        let name = ProjectName::audit();
        let project = self.projects.get(&name).ok_or(AppendError::UnknownProject(name))?;
        let config = &self.shared.config;
        if project.hot().bytes as u64 + body.len() as u64 > config.audit.reserve.0 {
            self.check_memory(body.len(), config.ingest.hot_max.0.saturating_add(config.audit.reserve.0))?;
        }
        let options = AppendOptions { source: Some(AUDIT_SOURCE.to_string()), ..AppendOptions::default() };
        let receipt = self.take_in(project, body, options, None).await?;
        if receipt.rejected > 0 {
            tracing::error!(errors = ?receipt.errors, "events of the audit journal were refused: this is a fault of the program");
        }
        Ok(())
    }

    async fn take_in(
        self: &Arc<Self>,
        project: Arc<Project>,
        body: Vec<u8>,
        options: AppendOptions,
        claim: Option<Claimed>,
    ) -> Result<Receipt, AppendError> {
        let source = options.source.as_deref();
        let rules = self.redactions.of(&project.name)?;
        let interpretation =
            self.interpretations.resolve(&self.mappings, options.mapping.as_deref(), source, &rules)?;
        let received_at = super::clock::now_us();
        self.shared.newest_us.fetch_max(received_at, Ordering::Relaxed);
        let intake = Intaking { project, options, interpretation, received_at };
        let _in_flight = self.shared.count_in_flight(body.len());
        let done = if body.len() <= INLINE_MAX {
            intake.enqueue(self, body, claim)?
        } else {
            let engine = Arc::clone(self);
            self.parsers
                .run(move || intake.enqueue(&engine, body, claim))
                .await
                .map_err(|error| AppendError::Prepare(std::io::Error::other(error)))??
        };
        let done = done.await;
        failpoint::at("ingest.answer");
        match done {
            Ok(outcome) => outcome.map_err(AppendError::OutcomeUnknown),
            Err(_) => Err(AppendError::OutcomeUnknown(Arc::new(WalError::Closed))),
        }
    }

    /// Bytes of events in memory and of bodies that are being taken in.
    pub(super) fn memory_in_use(&self) -> usize {
        self.shared.hot_bytes.load(Ordering::Relaxed) + self.shared.in_flight.load(Ordering::Relaxed)
    }

    fn check_budgets(&self, body: usize) -> Result<(), AppendError> {
        self.check_memory(body, self.shared.config.ingest.hot_max.0)?;
        if self.wal.used_bytes() * 100 > self.shared.config.wal.size_max.0 * WAL_FULL_PERCENT {
            self.shared.flush_now.notify_one();
            return Err(log_full());
        }
        Ok(())
    }

    fn check_memory(&self, body: usize, limit: u64) -> Result<(), AppendError> {
        let memory =
            self.shared.hot_bytes.load(Ordering::Relaxed) + self.shared.in_flight.load(Ordering::Relaxed) + body;
        if memory as u64 > limit {
            self.shared.flush_now.notify_one();
            return Err(AppendError::Overloaded { what: "the memory for events", retry_after_s: 1 });
        }
        Ok(())
    }

    async fn claim(
        &self,
        project: &ProjectName,
        body: &[u8],
        options: &AppendOptions,
    ) -> Result<Option<Claim>, AppendError> {
        let Some(key) = &options.idempotency_key else { return Ok(None) };
        let content = content_hash(body, options);
        let not_before = self.shared.deleted.deleted_at(project);
        let key = xxh3_128(key.as_bytes());
        self.inflight.claim(&self.shared.receipts, project, key, content, not_before).await.map(Some)
    }
}

/// Hash of all that decides what a batch becomes.
fn content_hash(body: &[u8], options: &AppendOptions) -> u128 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    hasher.update(body);
    hasher.update(options.mapping.as_deref().unwrap_or("").as_bytes());
    hasher.update(&[0, u8::from(options.atomic), u8::from(options.format == BodyFormat::Json)]);
    hasher.digest128()
}

/// A batch on its way into the log's queue.
struct Intaking {
    project: Arc<Project>,
    options: AppendOptions,
    interpretation: Arc<Interpretation>,
    received_at: i64,
}

type Done = oneshot::Receiver<Result<Receipt, Arc<WalError>>>;

impl Intaking {
    fn enqueue(self, engine: &Inner, mut body: Vec<u8>, claim: Option<Claimed>) -> Result<Done, AppendError> {
        let redacted = self.interpretation.redactor().redact(&mut body, self.options.format);
        let mut limits = self.limits(engine);
        // What redaction adds to a line is not the sender's.
        limits.line_max = limits.line_max.saturating_add(redacted.growth);
        let mut first = self.parse(&body, &limits, None)?;
        let blanked = self.blank_broken(&first, &mut body);
        if blanked > 0 {
            // Of a document in one line some records may have been read.
            first = self.parse(&body, &limits, None)?;
        }
        let redacted = redacted.secrets + blanked;
        if self.options.atomic || first.rows.is_empty() {
            self.refuse_if_rejected(engine, &first, &body, || self.tally(&first, &Verdicts::all_accepted()))?;
        }
        let project = Arc::clone(&self.project);
        let mut intake = project.intake.lock();
        if intake.is_closed() {
            return Err(AppendError::UnknownProject(project.name.clone()));
        }
        let cap = if self.is_audit() { usize::MAX } else { engine.shared.config.ingest.modules_max };
        let (judged, new) = self.judge(&mut intake, &first, cap);
        let logged = self.log(engine, (body, limits, redacted), first, judged, claim);
        if logged.is_err() {
            intake.take_back(new);
        }
        logged
    }

    /// Blanks secrets in records that are no JSON objects, which go to the log and the dead letters as they are;
    /// says in how many.
    fn blank_broken(&self, first: &Parsed, body: &mut [u8]) -> u64 {
        let broken = first.rejected.iter().filter(|rejected| rejected.broken);
        let blank = |rejected: &Rejected| {
            body.get_mut(rejected.span.clone())
                .is_some_and(|line| self.interpretation.redactor().blank(line, self.options.format))
        };
        broken.map(blank).map(u64::from).sum()
    }

    /// Puts a judged batch into the log's queue.
    fn log(
        self,
        engine: &Inner,
        (body, limits, redacted): (Vec<u8>, Limits, u64),
        first: Parsed,
        Judged { verdicts, changed }: Judged,
        claim: Option<Claimed>,
    ) -> Result<Done, AppendError> {
        // Once more, as replay will read it.
        let mut tally = self.tally(&first, &verdicts);
        let mut parsed = if changed { self.parse(&body, &limits, Some(&verdicts))? } else { first };
        parsed.remarks.redacted = redacted;
        if self.options.atomic || parsed.rows.is_empty() && verdicts.any_not_allowed() {
            self.refuse_if_rejected(engine, &parsed, &body, || tally.clone())?;
        }
        let receipt = receipt_of(&parsed, &verdicts);
        tally.remark(&receipt.remarks);
        let keyed = claim.as_ref().map(|claim| claim.keyed(&receipt)).transpose().map_err(AppendError::Prepare)?;
        let meta = Meta {
            format: self.options.format,
            received_at: self.received_at,
            interpretation: self.interpretation.id(),
            verdicts,
            file_ids: self.options.file_ids,
            keyed,
            tally: Some(tally.clone()),
        };
        let rows = u32::try_from(parsed.rows.len()).unwrap_or(u32::MAX);
        let dead = self.dead(engine, &parsed, &body);
        // A batch of which nothing is stored only has to keep its answer.
        let body = if rows == 0 { Bytes::new() } else { body.into() };
        let frame = Frame { project: self.project.name.clone(), rows, meta: meta.encode(), body };
        let (reply, done) = oneshot::channel();
        let reserved = self.is_audit();
        let (project, interpretation, in_log) = (Arc::clone(&self.project), self.interpretation, self.project.hold());
        let ticket = Box::new(Ticket {
            project,
            interpretation,
            parsed,
            receipt,
            tally,
            received_at: self.received_at,
            claim,
            dead,
            queued: Instant::now(),
            reply,
            _in_log: in_log,
        });
        let appended =
            if reserved { engine.wal.append_reserved(frame, ticket) } else { engine.wal.append(frame, ticket) };
        match appended {
            Ok(_) => Ok(done),
            Err((WalError::Full { .. }, _)) => Err(log_full()),
            Err((error, _)) => Err(AppendError::Wal(error)),
        }
    }

    fn parse(&self, body: &[u8], limits: &Limits, verdicts: Option<&Verdicts>) -> Result<Parsed, AppendError> {
        let around = Context {
            project: self.project.name.as_str(),
            received_at: self.received_at,
            mint: self.options.file_ids.map(FileIds::seed),
        };
        Ok(parse(body, self.options.format, &self.interpretation, &around, limits, verdicts)?)
    }

    /// What the ledger counts of the body as it was first parsed.
    fn tally(&self, first: &Parsed, verdicts: &Verdicts) -> Tally {
        let how = Counting {
            rules: self.project.ledger.rules(),
            received_at: self.received_at,
            key: self.options.key.clone(),
            source: self.interpretation.source(),
        };
        Tally::of(first, verdicts, how)
    }

    /// The refused lines that are kept.
    fn dead(&self, engine: &Inner, parsed: &Parsed, body: &[u8]) -> Vec<Dead> {
        if !self.options.keep_refused {
            return Vec::new();
        }
        let sent = dead_letters::Sent {
            received_at: self.received_at,
            key: self.options.key.as_deref(),
            mapping: self.options.mapping.as_deref(),
            source: self.options.source.as_deref(),
            text_max: engine.shared.config.dead_letters.text_max.as_usize(),
        };
        dead_letters::collect(parsed, body, &sent)
    }

    /// Refuses the batch as a whole where one of its events is refused. Of one that is not meant to be all or nothing
    /// the lines are kept as they are of any batch: none of them is stored.
    fn refuse_if_rejected(
        &self,
        engine: &Inner,
        parsed: &Parsed,
        body: &[u8],
        tally: impl FnOnce() -> Tally,
    ) -> Result<(), AppendError> {
        let Err(refusal) = refuse_if_rejected(parsed) else { return Ok(()) };
        self.project.ledger.refuse(self.received_at, tally());
        if !self.options.atomic {
            let dead = self.dead(engine, parsed, body);
            engine.shared.dead_letters.write(&self.project.name, &Uuid::new_v4().to_string(), &dead);
        }
        Err(refusal)
    }

    /// What becomes of each record; also the keys that are expected now, should it come to nothing.
    fn judge(&self, intake: &mut super::project::Intake, parsed: &Parsed, cap: usize) -> (Judged, Vec<u128>) {
        let mut verdicts = Verdicts::all_accepted();
        // The limits by which the parser refused them may be others at replay.
        for rejected in &parsed.rejected {
            verdicts.set(rejected.record, Verdict::Rejected);
        }
        let mut changed = self.refuse_not_allowed(parsed, &mut verdicts);
        let over: Vec<bool> = parsed
            .modules
            .iter()
            .map(|module| {
                let allowed = || self.restriction().is_none_or(|only| only.admits_module(module.as_deref()));
                module.as_deref().is_some_and(|name| allowed() && !intake.admits(name, cap))
            })
            .collect();
        if over.contains(&true) {
            for (record, module) in parsed.row_records.iter().zip(&parsed.row_modules) {
                if over[*module as usize] && verdicts.get(*record) == Verdict::Accepted {
                    verdicts.set(*record, Verdict::Overflow);
                }
            }
            changed = true;
        }
        let mut new = Vec::with_capacity(parsed.sent.len());
        for id in &parsed.sent {
            if !verdicts.get(id.record).is_stored() {
                continue;
            }
            match intake.judge(id) {
                Seen::New => new.push(id.key),
                Seen::Same => verdicts.set(id.record, Verdict::Duplicate),
                Seen::Conflict => verdicts.set(id.record, Verdict::Conflict),
            }
        }
        changed |= new.len() < parsed.sent.len();
        (Judged { verdicts, changed }, new)
    }

    fn is_audit(&self) -> bool {
        self.project.name.is_audit()
    }

    /// Limits of what may come in; what the engine itself writes has its own bounds.
    fn limits(&self, engine: &Inner) -> Limits {
        let settings = &engine.shared.config.ingest;
        if self.is_audit() {
            return Limits { line_max: usize::MAX, events_max: u32::MAX };
        }
        Limits { line_max: settings.line_max.as_usize(), events_max: settings.events_max }
    }

    fn restriction(&self) -> Option<&RowRules> {
        self.options.restriction.as_deref().map(Restriction::rows)
    }

    /// Refuses the events that the sender's key is not for; whether there are any.
    fn refuse_not_allowed(&self, parsed: &Parsed, verdicts: &mut Verdicts) -> bool {
        let Some(only) = self.restriction() else { return false };
        let modules: Vec<bool> = parsed.modules.iter().map(|module| only.admits_module(module.as_deref())).collect();
        for (row, (record, module)) in parsed.row_records.iter().zip(&parsed.row_modules).enumerate() {
            if !modules[*module as usize] {
                verdicts.set(*record, Verdict::ModuleNotAllowed);
            } else if !str::from_utf8(parsed.tenant(row)).is_ok_and(|tenant| only.admits_tenant(tenant)) {
                verdicts.set(*record, Verdict::TenantNotAllowed);
            } else if !str::from_utf8(parsed.dataset(row)).is_ok_and(|dataset| only.admits_dataset(dataset)) {
                verdicts.set(*record, Verdict::DatasetNotAllowed);
            } else if !only.admits_unit(parsed.unit(row).and_then(|unit| str::from_utf8(unit).ok())) {
                verdicts.set(*record, Verdict::UnitNotAllowed);
            }
        }
        verdicts.any_not_allowed()
    }
}

/// What became of the records of a batch.
struct Judged {
    verdicts: Verdicts,
    /// Whether the rows are no longer those that the parser made without them.
    changed: bool,
}

fn log_full() -> AppendError {
    AppendError::Overloaded { what: "the write-ahead log", retry_after_s: 2 }
}

pub(super) fn refused(parsed: &Parsed) -> Vec<RefusedEvent> {
    let first = parsed.errors.first.iter();
    first
        .map(|error| RefusedEvent { line: error.line, code: error.code.into(), message: error.message.clone() })
        .collect()
}

fn refuse_if_rejected(parsed: &Parsed) -> Result<(), AppendError> {
    match parsed.errors.total() {
        0 => Ok(()),
        rejected => Err(AppendError::Rejected {
            rejected: rejected.into(),
            records: parsed.records.into(),
            not_allowed: parsed.errors.counts.iter().any(|(code, _)| is_not_allowed(code)),
            errors: refused(parsed),
        }),
    }
}

/// Whether an event was refused because the sender's key is not for it.
fn is_not_allowed(code: &str) -> bool {
    NOT_ALLOWED.contains(&code)
}

fn receipt_of(parsed: &Parsed, verdicts: &Verdicts) -> Receipt {
    let remarks = parsed.remarks.by_kind().into_iter().filter(|(_, count)| *count > 0);
    Receipt {
        batch: String::new(),
        accepted: parsed.rows.len() as u64,
        rejected: parsed.errors.total().into(),
        duplicates: verdicts.count(Verdict::Duplicate, parsed.records).into(),
        errors: refused(parsed),
        error_counts: parsed.errors.counts.iter().map(|(code, count)| (code.to_string(), u64::from(*count))).collect(),
        remarks: remarks.map(|(kind, count)| (kind.to_string(), count)).collect(),
        replayed: false,
    }
}
