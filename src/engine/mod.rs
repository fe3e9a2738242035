//! The engine of one data directory: opens its parts, wires them, recovers, drains, stops.
//!
//! The only place that knows all parts. What a request does:
//!
//! ```text
//! append ─▶ ingest (parse, judge) ─▶ wal ─▶ publish (hot, receipts) ─▶ answer
//! query  ─▶ session over one snapshot of hot + table
//! flush  ─▶ table commit ─▶ publish the version, forget hot ─▶ forget the log
//! ```
//!
//! # Invariants
//! * An answered batch is in the log or in the table, and in the snapshot of every later query.
//! * The log forgets a frame only once its rows, its ids and its answer are durable elsewhere.

mod admission;
mod alerts;
mod attachments;
pub mod audit;
pub mod backup;
mod clock;
mod compact;
mod counters;
mod dead_letters;
mod delete;
mod deletions;
mod directory;
mod doctor;
mod error;
mod exports;
mod figures;
mod flush;
mod frame;
mod health;
mod inflight;
mod ingest;
#[cfg(test)]
mod interleavings;
mod interpretations;
pub mod jobs;
mod keys;
mod ledger;
mod meters;
mod probe;
mod project;
mod projects;
mod publish;
mod queue;
mod recover;
mod redaction;
mod resend;
mod restore;
mod retention;
mod scrub;
mod stored;
mod tail;
mod tasks;
mod threads;
mod trial;
mod verify;
mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::access::{Caller, KeyId, KeyInfo, KeyStore, NewKey, Secret};
use crate::config::{Config, RedactLists};
use crate::event::mapping::MappingLibrary;
use crate::event::names::ProjectName;
use crate::event::receipts::{self, Receipts};
use crate::journal::Selection;
use crate::journal::alerts::{Alerts, Mailer};
use crate::journal::saved::{self, SavedFilters, Whose};
use crate::journal::tail::Slots;
use crate::journal::views::{self, SavedViews};
use crate::query::named::Library;
use crate::query::{self, Runtime, Session};
use crate::table::{CacheSettings, RemoteSettings, Storage};
use crate::wal::Wal;

pub(crate) use admission::AdmissionError;
pub use admission::Sending;
pub use alerts::{AlertFailure, AlertTrial, TrialChannel, TrialGroup};
pub use attachments::{AttachmentError, Incoming, Stored};
pub(crate) use clock::{now_ms, now_s, now_us};
pub use compact::CompactSummary;
pub use directory::{FORMAT, Held, hold};
pub use doctor::{Finding, Verdict, examine};
pub use error::{AppendError, EngineError};
pub use exports::NewExportError;
pub use flush::FlushSummary;
pub use health::Check;
pub use ingest::{AppendOptions, FileIds, Receipt, RefusedEvent};
pub use ledger::Removed;
pub(crate) use ledger::{Apart, Asked as LedgerAsked, BatchLine, LedgerAnswer};
pub use resend::ResendError;
pub(crate) use resend::{Letters, Resend, Resent, Which};
pub use restore::{RestoreError, RestoreOutcome};
pub use stored::{FileSums, HotSums, ModuleMonth, StorageFigures, TableLog};
pub use tail::{TailError, TailQuery, TailStream};
pub use trial::{Trial, TrialError, Tried};
pub use verify::{Found, TableFigures, Verification, verify};
pub use webhooks::ProductWebhook;

/// The commit that this program was built from, where the build said so (`KRONIKA_COMMIT`).
pub const COMMIT: Option<&str> = option_env!("KRONIKA_COMMIT");

/// A running engine; clones share it.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    wal: Wal<Box<publish::Ticket>>,
    projects: projects::Projects,
    interpretations: interpretations::Interpretations,
    inflight: inflight::Inflight,
    redactions: redaction::Redactions,
    saved: SavedFilters,
    views: SavedViews,
    alerts: Alerts,
    mailer: Mailer,
    /// Wakes those who tell of alerts.
    alert_news: Arc<Notify>,
    mappings: MappingLibrary,
    queries: Library,
    runtime: Arc<Runtime>,
    keys: Arc<KeyStore>,
    tasks: tasks::Tasks,
    admission: admission::Admission,
    /// Where large bodies are parsed.
    parsers: threads::Threads,
    /// Where hot events become files.
    flushers: threads::Threads,
    /// Where small files become large ones.
    compactors: threads::Threads,
    /// For compactions that are late: no less urgent than queries, which wait for them.
    hurried: threads::Threads,
    /// Where listeners are told of new rows.
    tailers: threads::Threads,
    audit: audit::Audit,
    /// Calls of other systems.
    webhooks: webhooks::Webhooks,
    exports: exports::Exports,
    jobs: jobs::Jobs,
    imports: jobs::Imports,
    figures: figures::Figures,
    retention: retention::Retention,
    /// What the log held at the start.
    recovered: recover::Recovered,
    /// The admin key that this start made, until it was handed out.
    first_key: parking_lot::Mutex<Option<Secret>>,
    directory: directory::Directory,
}

/// What the publisher thread shares with the rest.
struct Shared {
    config: Config,
    writer: Uuid,
    receipts: parking_lot::Mutex<Receipts>,
    dead_letters: dead_letters::DeadLetters,
    deleted: deletions::Deletions,
    counters: counters::Counters,
    /// Bytes of all hot events; every change of a project's reports here what it added or freed.
    hot_bytes: AtomicUsize,
    /// Bytes of bodies that are being taken in.
    in_flight: AtomicUsize,
    /// Newest arrival of an event that we know of, in µs since 1970: no clock should stand far behind it.
    newest_us: AtomicI64,
    /// Whether the server has begun to stop.
    stopping: AtomicBool,
    /// Cancelled when the server begins to stop: streams that have no end of their own end.
    ending: CancellationToken,
    /// Wakes the flush job.
    flush_now: Arc<Notify>,
    /// Wakes the job of the tails.
    tail_now: Arc<Notify>,
    /// Places for listeners.
    tail_slots: Slots,
}

impl Engine {
    /// Opens a data directory: locks it, opens the tables, replays the log, starts the jobs.
    ///
    /// # Errors
    /// A directory in use, of a newer format or unusable; a damaged log; a table that cannot be opened.
    pub async fn open(config: Config) -> Result<Self, EngineError> {
        let engine = Self::open_idle(config).await?;
        engine.0.projects.ensure_audit().await?;
        let first_key = engine.ensure_admin()?;
        engine.0.projects.ensure_default().await?;
        // Before anything changes a table.
        engine.0.settle_erasures().await?;
        flush::start(&engine.0);
        compact::start(&engine.0);
        keys::start(&engine.0);
        ledger::start(&engine.0);
        dead_letters::start(&engine.0);
        tail::start(&engine.0);
        alerts::start(&engine.0);
        engine.0.record_start(&engine.0.recovered, first_key).await?;
        audit::start(&engine.0);
        webhooks::start(&engine.0);
        exports::start(&engine.0);
        scrub::start(&engine.0);
        retention::start(&engine.0);
        Ok(engine)
    }

    /// As [`Engine::open`], without the jobs and without making anything new: for one-off commands on a
    /// directory that no server holds.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub async fn open_idle(config: Config) -> Result<Self, EngineError> {
        redaction::check(&config.redaction)?;
        let directory = directory::Directory::open(&config.server.data_dir)?;
        let keys = KeyStore::open(&directory.part("keys.json"), &config.access)?;
        let storage = Storage::open_with(&storage_url(&config), &config.storage.options, &remote(&config, &directory))?;
        storage.check_moved().await?;
        attachments::sweep(&directory.part("uploads"))?;
        let runtime = Runtime::new(&config.query, storage.reads(), &directory.part("spill"))?;
        let shared = Arc::new(Shared::open(config.clone(), &directory)?);
        runtime.time_stages(query::Stages {
            plan: shared.counters.histogram(meters::PLAN_SECONDS),
            run: shared.counters.histogram(meters::RUN_SECONDS),
        });
        let mappings = MappingLibrary::open(&part_or(&config.server.mappings_dir, &directory, "mappings"))?;
        let queries = Library::new(&part_or(&config.server.queries_dir, &directory, "queries"));
        let redactions = redaction::Redactions::open(&directory.part("redaction.json"), &config.redaction)?;
        let saved = saved::open(&directory.part("filters"), &config.saved);
        let views = views::open(&directory.part("views"), &config.saved);
        let alerts = Alerts::new(&directory.part("alerts"), &config.alerts);
        let mailer = Mailer::new(&config.smtp)?;
        let interpretations = interpretations::Interpretations::new(directory.part("interpretations"));
        let admission = admission::Admission::open(&directory.part("quotas.json"), &shared.config)?;
        let projects = projects::Projects::open(storage, Arc::clone(&shared), &directory, Arc::clone(runtime.damage()));
        let projects = projects.await?;
        let audit = audit::Audit::open(&directory.part("audit.json"), &shared.config.audit)?;
        let webhooks = webhooks::Webhooks::open(&directory, &shared.config.webhook)?;
        let (wal, recovered) = recover::open_log(&directory, &shared, &projects, &interpretations)?;
        let retention = retention::Retention::open(&directory, shared.newest_us.load(Ordering::Relaxed))?;
        let counted = Arc::clone(&shared);
        let tasks = tasks::Tasks::new(move |job| counted.counters.job_failed(job));
        let inflight = inflight::Inflight::default();
        let failed = |source| EngineError::Directory { path: directory.root().to_path_buf(), source };
        let parsers = threads::Threads::one_per_core("parser").map_err(failed)?;
        let flushers = threads::Threads::for_jobs("flush", 0).map_err(failed)?;
        let niceness = shared.config.compaction.niceness;
        let compactors = threads::Threads::for_jobs("compaction", niceness).map_err(failed)?;
        let hurried = niceness.min(shared.config.query.guard.niceness);
        let hurried = threads::Threads::for_jobs("compaction", hurried).map_err(failed)?;
        let tailers = threads::Threads::for_jobs("tail", 0).map_err(failed)?;
        let exports = exports::Exports::open(directory.part("exports"), shared.config.exports.niceness)?;
        let kept = shared.config.jobs.history_max;
        let jobs = jobs::Jobs::open(&directory.part("jobs.ndjson"), kept)?;
        let figures = figures::Figures::new(shared.config.journal.figures_max.as_usize());
        let inner = Inner {
            shared,
            wal,
            projects,
            interpretations,
            inflight,
            redactions,
            saved,
            views,
            alerts,
            mailer,
            alert_news: Arc::new(Notify::new()),
            mappings,
            queries,
            runtime,
            keys: Arc::new(keys),
            tasks,
            admission,
            parsers,
            flushers,
            compactors,
            hurried,
            tailers,
            audit,
            webhooks,
            exports,
            jobs,
            imports: jobs::Imports::default(),
            figures,
            retention,
            recovered,
            first_key: parking_lot::Mutex::default(),
            directory,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Makes an admin key where none is valid: at the first start, or for an owner whose keys have all ended.
    fn ensure_admin(&self) -> Result<Option<KeyId>, EngineError> {
        if self.0.keys.has_admin(now_s()) {
            return Ok(None);
        }
        let secret = self.0.keys.create_first("first admin key", now_s())?;
        let id = secret.id();
        *self.0.first_key.lock() = Some(secret);
        Ok(Some(id))
    }

    /// Takes a batch of events in; when this returns they are on disk and visible to queries.
    ///
    /// If the future is dropped before it resolves, the outcome is unknown: repeat the batch with the
    /// same idempotency key.
    ///
    /// # Errors
    /// One variant per reason; nothing is stored but for [`AppendError::OutcomeUnknown`].
    pub async fn append(
        &self,
        project: &ProjectName,
        body: Vec<u8>,
        options: AppendOptions,
    ) -> Result<Receipt, AppendError> {
        self.0.append(project, body, options).await
    }

    /// A session for one request over one snapshot of a project.
    ///
    /// # Errors
    /// No such project.
    pub fn session(&self, project: &ProjectName) -> Result<Session, EngineError> {
        let project = self.0.projects.get(project).ok_or_else(|| EngineError::UnknownProject(project.clone()))?;
        Ok(self.0.session_of(project))
    }

    /// As [`Engine::session`], of a caller: it sees what its key may see, and its queries stop when its key ends.
    ///
    /// # Errors
    /// No such project.
    pub fn session_for(&self, caller: &Caller, project: &ProjectName) -> Result<Session, EngineError> {
        Ok(self.session(project)?.read_by(caller.reader(project)))
    }

    /// Stops the running queries of a project that were given the name `id`; tells how many there were.
    #[must_use]
    pub fn cancel_query(&self, project: &ProjectName, id: &str) -> usize {
        self.0.runtime.cancel(project, id)
    }

    /// Flushes one project, or all: their hot events are in their tables when this returns. Of `_audit` it
    /// tells only where that is named.
    ///
    /// # Errors
    /// The first table or file that failed.
    pub async fn flush(&self, project: Option<&ProjectName>) -> Result<Vec<FlushSummary>, EngineError> {
        let (engine, named) = (Arc::clone(&self.0), project.cloned());
        let flushed = self.0.flushers.finish(async move { engine.flush(named.as_ref()).await }).await;
        let mut summaries = flushed?;
        summaries.retain(|summary| project.is_some() || !summary.project.is_audit());
        Ok(summaries)
    }

    /// Compacts one project, or all, whatever the schedule says. Of `_audit` it tells only where that is named.
    ///
    /// # Errors
    /// The first table that failed.
    pub async fn compact(&self, project: Option<&ProjectName>) -> Result<Vec<CompactSummary>, EngineError> {
        let (engine, named) = (Arc::clone(&self.0), project.cloned());
        let compacted = self.0.compactors.finish(async move { engine.compact(named.as_ref(), true).await }).await;
        let mut summaries = compacted?;
        summaries.retain(|summary| project.is_some() || !summary.project.is_audit());
        Ok(summaries)
    }

    /// Makes a project.
    ///
    /// # Errors
    /// It exists, its name is reserved, or its table cannot be made.
    pub async fn create_project(&self, name: ProjectName) -> Result<(), EngineError> {
        self.0.projects.create(name).await
    }

    /// Deletes a project: its keys are revoked, its queries stop, its events, ids, rejected lines and
    /// files are removed. Nothing brings them back.
    ///
    /// # Errors
    /// No such project, a reserved one, or files that cannot be removed: they are at the next start.
    pub async fn delete_project(&self, name: &ProjectName) -> Result<(), EngineError> {
        self.0.delete_project(name).await
    }

    /// Names of all projects but `_audit`.
    #[must_use]
    pub fn projects(&self) -> Vec<ProjectName> {
        let all = self.0.projects.all();
        all.iter().map(|project| project.name.clone()).filter(|name| !name.is_audit()).collect()
    }

    /// Makes a key. A deletion of its project comes before or after it, never meanwhile: no key outlives its project.
    ///
    /// # Errors
    /// No such project or mapping, a key that cannot exist, a file that cannot be written.
    pub async fn create_key(&self, new: NewKey) -> Result<(KeyInfo, Secret), EngineError> {
        let _changing = self.0.projects.changing().await;
        if let Some(project) = new.project.as_ref().filter(|project| self.0.projects.get(project).is_none()) {
            return Err(EngineError::UnknownProject(project.clone()));
        }
        if let Some(mapping) = &new.mapping {
            self.0.mappings.get(mapping)?;
        }
        Ok(self.0.keys.create(new, now_s())?)
    }

    /// What is redacted in a project: its own rules, and all that are in force.
    ///
    /// # Errors
    /// No such project.
    pub fn redaction(&self, project: &ProjectName) -> Result<(RedactLists, RedactLists), EngineError> {
        let project = self.0.projects.get(project).ok_or_else(|| EngineError::UnknownProject(project.clone()))?;
        let in_force = self.0.redactions.of(&project.name).map_err(redaction::failed_for(&project.name))?;
        Ok((self.0.redactions.own(&project.name), in_force.rules.lists().clone()))
    }

    /// Replaces a project's own redaction rules; they hold for events taken in from now on.
    ///
    /// # Errors
    /// No such project, or rules that cannot be used.
    pub fn set_redaction(&self, project: &ProjectName, lists: RedactLists) -> Result<(), EngineError> {
        let project = self.0.projects.get(project).ok_or_else(|| EngineError::UnknownProject(project.clone()))?;
        self.0.redactions.set(&project.name, lists)
    }

    /// The engine's own jobs.
    #[must_use]
    pub fn jobs(&self) -> &jobs::Jobs {
        &self.0.jobs
    }

    /// Asks a job to end; what it did so far stays.
    ///
    /// # Errors
    /// There is none, it has ended, or it is of a kind that cannot be left half done.
    pub fn cancel_job(&self, id: &str) -> Result<jobs::JobInfo, EngineError> {
        let info = self.0.jobs.cancel(id)?;
        if let (jobs::Kind::Export, Some(project)) = (info.kind, &info.project) {
            // Ended like this it would go on at the next start.
            self.0.exports.cancel(project, &info.subject);
        }
        if info.kind == jobs::Kind::Erase {
            self.0.retention.erasures.cancel_job(id)?;
        }
        Ok(info)
    }

    /// The saved filters.
    #[must_use]
    pub fn saved(&self) -> &SavedFilters {
        &self.0.saved
    }

    /// The saved screens.
    #[must_use]
    pub fn views(&self) -> &SavedViews {
        &self.0.views
    }

    /// What the saved filter of this name or id selects now.
    ///
    /// # Errors
    /// There is none that the caller sees, or it is no filter any more.
    pub fn saved_selection(
        &self,
        caller: &Caller,
        project: &ProjectName,
        name: &str,
    ) -> Result<Selection, EngineError> {
        Ok(self.0.saved.find(project, Whose(caller), name)?.saved.selection(now_us())?)
    }

    /// The name of a project that exists.
    ///
    /// # Errors
    /// There is none.
    pub fn existing(&self, project: &ProjectName) -> Result<ProjectName, EngineError> {
        self.0
            .projects
            .get(project)
            .map(|open| open.name.clone())
            .ok_or_else(|| EngineError::UnknownProject(project.clone()))
    }

    /// The mappings.
    #[must_use]
    pub fn mappings(&self) -> &MappingLibrary {
        &self.0.mappings
    }

    /// The named queries.
    #[must_use]
    pub fn queries(&self) -> &Library {
        &self.0.queries
    }

    /// Answers of figures that are still true.
    pub(crate) fn figures(&self) -> &figures::Figures {
        &self.0.figures
    }

    /// The API keys.
    #[must_use]
    pub fn keys(&self) -> &KeyStore {
        &self.0.keys
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.shared.config
    }

    /// The admin key that this start made because there was none, once.
    #[must_use]
    pub fn take_first_key(&self) -> Option<Secret> {
        self.0.first_key.lock().take()
    }

    /// What `/readyz` looks at.
    #[must_use]
    pub fn health(&self) -> Vec<Check> {
        self.0.health()
    }

    /// From now on the server is not ready: it is about to stop.
    pub fn begin_stop(&self) {
        self.0.shared.stopping.store(true, Ordering::Relaxed);
        self.0.shared.ending.cancel();
        self.0.exports.leave_watchers();
    }

    /// Counts an answer over HTTP: its route's template, its status, the code of its problem, the time until it began.
    pub(crate) fn answered(
        &self,
        method: &'static str,
        route: String,
        status: u16,
        code: Option<&str>,
        took: Duration,
    ) {
        self.0.shared.counters.answered(method, route, status, code, took);
    }

    /// Figures for `/metrics`, in Prometheus' text format.
    #[must_use]
    pub fn metrics(&self) -> String {
        counters::render(&self.0)
    }

    /// Ends the jobs and closes the log; what is hot stays in the log.
    pub async fn halt(&self) {
        self.0.stop_jobs().await;
        self.0.wal.close();
    }

    /// Clean stop: ends the jobs, flushes what is hot, closes the log. Events taken in later are lost
    /// to nobody: the log refuses them.
    ///
    /// # Errors
    /// What could not be flushed; it is in the log.
    pub async fn stop(&self) -> Result<(), EngineError> {
        self.0.stop_jobs().await;
        let recorded = self.0.record_stop().await;
        let flushed = self.flush(None).await.map(|_| ());
        self.0.wal.close();
        flushed.and(recorded)
    }
}

impl Inner {
    /// A session over what is visible of a project now.
    fn session_of(&self, project: Arc<project::Project>) -> Session {
        let session = Session::new(&self.runtime, &project.name, project.snapshot());
        session.with_ledger(query::Ledger::new(move || ledger::rows(&project.ledger_page())))
    }

    /// Ends what runs in the background; long jobs are asked to end first.
    async fn stop_jobs(&self) {
        // Erasures and sweeps leave off between two files.
        self.shared.ending.cancel();
        self.jobs.cancel_all();
        self.exports.stop().await;
        self.tasks.stop().await;
        if let Err(error) = self.sync_ledgers() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "counts of refused batches may not outlive the power"
            );
        }
    }
}

impl Shared {
    fn open(config: Config, directory: &directory::Directory) -> Result<Self, EngineError> {
        let receipts = Receipts::open(&directory.part("receipts"), config.ingest.idempotency_keep.0, now_us())?;
        Ok(Self {
            writer: directory.writer(),
            receipts: receipts.into(),
            dead_letters: dead_letters::DeadLetters::new(directory.part("dead_letters"), &config.dead_letters),
            deleted: deletions::Deletions::open(&directory.part("deleted.json"))?,
            counters: counters::Counters::default(),
            hot_bytes: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            newest_us: AtomicI64::new(0),
            stopping: AtomicBool::new(false),
            ending: CancellationToken::new(),
            flush_now: Arc::new(Notify::new()),
            tail_now: Arc::new(Notify::new()),
            tail_slots: Slots::default(),
            config,
        })
    }

    /// Counts a body's bytes until the guard is dropped.
    fn count_in_flight(self: &Arc<Self>, bytes: usize) -> InFlight {
        self.in_flight.fetch_add(bytes, Ordering::Relaxed);
        InFlight { shared: Arc::clone(self), bytes }
    }

    fn keep_receipt(&self, project: &ProjectName, key: u128, content: u128, receipt: &Receipt) {
        let answer = serde_json::to_vec(receipt).unwrap_or_default();
        let kept = receipts::Receipt { project: project.to_string(), key, content, received_at: now_us(), answer };
        if let Err(error) = self.receipts.lock().insert(&kept) {
            tracing::error!(%error, %project, "cannot keep the answer of an idempotency key; it is noted again at the next start");
        }
    }

    fn over_flush_size(&self, project: &project::Project) -> bool {
        let size = self.config.flush.size.as_usize();
        self.hot_bytes.load(Ordering::Relaxed) >= size && project.hot().bytes >= size
    }
}

struct InFlight {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.shared.in_flight.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

fn part_or(chosen: &Option<PathBuf>, directory: &directory::Directory, part: &str) -> PathBuf {
    chosen.clone().unwrap_or_else(|| directory.part(part))
}

/// How an object store is used, if the tables lie on one.
fn remote(config: &Config, directory: &directory::Directory) -> RemoteSettings {
    let settings = &config.storage;
    let cache = (settings.cache_max.0 > 0).then(|| CacheSettings {
        dir: part_or(&settings.cache_dir, directory, "cache"),
        bytes_max: settings.cache_max.0,
        extra_max: settings.read_extra_max.0,
    });
    RemoteSettings { retry_timeout: settings.retry_timeout.0, cache }
}

/// Where the tables of a server with these settings lie, without a read cache.
///
/// # Errors
/// The place cannot be used.
pub fn storage_of(config: &Config) -> Result<Storage, EngineError> {
    let remote = RemoteSettings { retry_timeout: config.storage.retry_timeout.0, cache: None };
    Ok(Storage::open_with(&storage_url(config), &config.storage.options, &remote)?)
}

/// Where the tables lie.
fn storage_url(config: &Config) -> String {
    config.storage.url.clone().unwrap_or_else(|| config.server.data_dir.join("store").display().to_string())
}
