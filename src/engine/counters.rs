//! Figures of the engine, as `/metrics` shows them.
//!
//! One recorder per engine, none for the process, so that engines in one process keep apart.

use std::time::Duration;

use metrics::{Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::meters::{self, BUCKETS, COMPACTION_SECONDS, FLUSH_SECONDS, HTTP_PROBLEMS, HTTP_SECONDS, JOB_FAILURES};
use super::project::Project;
use super::{CompactSummary, FlushSummary, Inner, Receipt};
use crate::event::names::ProjectName;
use crate::table::requests::RequestKind;

const META: Metadata<'static> = Metadata::new("kronika", Level::INFO, None);

/// Counters, gauges and histograms by name.
pub(super) struct Counters {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Default for Counters {
    fn default() -> Self {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).expect("buckets are not empty");
        let recorder = builder.build_recorder();
        meters::describe(&recorder);
        let handle = recorder.handle();
        Self { recorder, handle }
    }
}

impl Counters {
    fn add(&self, name: &'static str, labels: Vec<Label>, value: u64) {
        self.recorder.register_counter(&Key::from_parts(name, labels), &META).increment(value);
    }

    fn set(&self, name: &'static str, labels: Vec<Label>, value: f64) {
        self.recorder.register_gauge(&Key::from_parts(name, labels), &META).set(value);
    }

    fn total(&self, name: &'static str, value: u64) {
        self.total_of(name, vec![], value);
    }

    fn total_of(&self, name: &'static str, labels: Vec<Label>, value: u64) {
        self.recorder.register_counter(&Key::from_parts(name, labels), &META).absolute(value);
    }

    /// Adds to a counter without labels.
    pub(super) fn count(&self, name: &'static str, value: u64) {
        self.add(name, vec![], value);
    }

    /// The histogram called `name`, for parts that know no metrics of ours.
    pub(super) fn histogram(&self, name: &'static str) -> Histogram {
        self.recorder.register_histogram(&Key::from_static_name(name), &META)
    }

    /// Gathers what histograms were told, so that it does not pile up where nobody asks for it.
    pub(super) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// Counts one answer; `route` is a template, `code` of the problem where it is one.
    pub(super) fn answered(
        &self,
        method: &'static str,
        route: String,
        status: u16,
        code: Option<&str>,
        took: Duration,
    ) {
        let class = match status {
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        let labels = vec![Label::new("method", method), Label::new("route", route), Label::new("status", class)];
        self.recorder.register_histogram(&Key::from_parts(HTTP_SECONDS, labels), &META).record(took.as_secs_f64());
        if let Some(code) = code {
            self.add(HTTP_PROBLEMS, vec![Label::new("code", code.to_owned())], 1);
        }
    }

    /// Counts a background step that failed.
    pub(super) fn job_failed(&self, job: &'static str) {
        self.add(JOB_FAILURES, vec![Label::new("job", job)], 1);
    }

    /// Counts alerts that began, went on or ended.
    pub(super) fn alerts_changed(&self, project: &ProjectName, count: u64) {
        self.add("kronika_alert_notices_total", vec![project_label(project)], count);
    }

    /// Counts events that a policy let go.
    pub(super) fn retained_away(&self, project: &ProjectName, events: u64) {
        self.add("kronika_retained_away_events_total", vec![project_label(project)], events);
    }

    /// Counts a sweep that was refused.
    pub(super) fn retention_refused(&self, project: &ProjectName) {
        self.add("kronika_retention_refused_total", vec![project_label(project)], 1);
    }

    /// Counts events that an erasure removed, and those that it blanked.
    pub(super) fn erased(&self, project: &ProjectName, removed: u64, blanked: u64) {
        self.add("kronika_erased_events_total", vec![project_label(project)], removed);
        self.add("kronika_blanked_events_total", vec![project_label(project)], blanked);
    }

    /// Counts a listener that could not keep up.
    pub(super) fn tail_behind(&self, project: &ProjectName) {
        self.add("kronika_tail_behind_total", vec![project_label(project)], 1);
    }

    /// Counts one batch.
    pub(super) fn appended(&self, project: &ProjectName, receipt: &Receipt) {
        let labels = |outcome: &'static str| vec![project_label(project), Label::new("outcome", outcome)];
        self.add("kronika_ingest_batches_total", vec![project_label(project)], 1);
        for (outcome, count) in
            [("accepted", receipt.accepted), ("rejected", receipt.rejected), ("duplicate", receipt.duplicates)]
        {
            self.add("kronika_ingest_events_total", labels(outcome), count);
        }
        for (code, count) in &receipt.error_counts {
            let labels = vec![project_label(project), Label::new("code", code.clone())];
            self.add("kronika_ingest_rejected_events_total", labels, *count);
        }
        for (kind, count) in &receipt.remarks {
            let labels = vec![project_label(project), Label::new("kind", kind.clone())];
            self.add("kronika_ingest_remarks_total", labels, *count);
        }
    }

    /// Counts one flush.
    pub(super) fn flushed(&self, summary: &FlushSummary, took: Duration) {
        self.histogram(FLUSH_SECONDS).record(took.as_secs_f64());
        let labels = || vec![project_label(&summary.project)];
        self.add("kronika_flushes_total", labels(), 1);
        self.add("kronika_flushed_events_total", labels(), summary.rows);
        self.add("kronika_flushed_files_total", labels(), summary.files);
        self.add("kronika_flushed_bytes_total", labels(), summary.bytes);
    }

    /// Counts one compaction.
    pub(super) fn compacted(&self, summary: &CompactSummary, took: Duration) {
        if summary.files_in > 0 {
            self.histogram(COMPACTION_SECONDS).record(took.as_secs_f64());
        }
        let labels = || vec![project_label(&summary.project)];
        self.add("kronika_compactions_total", labels(), 1);
        self.add("kronika_compacted_input_files_total", labels(), summary.files_in);
        self.add("kronika_compacted_output_files_total", labels(), summary.files_out);
    }
}

fn project_label(project: &ProjectName) -> Label {
    Label::new("project", project.to_string())
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats in this format")]
fn gauge(value: u64) -> f64 {
    value as f64
}

/// All figures in Prometheus' text format.
pub(super) fn render(engine: &Inner) -> String {
    let counters = &engine.shared.counters;
    process(counters);
    health(engine);
    log(engine);
    let memory = |size: usize| gauge(size as u64);
    counters.set("kronika_ingest_memory_bytes", vec![], memory(engine.memory_in_use()));
    counters.set("kronika_ingest_memory_limit_bytes", vec![], gauge(engine.shared.config.ingest.hot_max.0));
    counters.set("kronika_tail_listeners", vec![], memory(engine.shared.tail_slots.taken()));
    counters.set("kronika_holds", vec![], memory(engine.retention.holds_in_force()));
    counters.set("kronika_erasures_waiting", vec![], memory(engine.retention.erasures.waiting()));
    let exports = engine.exports.figures();
    for (kind, running) in engine.jobs.running() {
        counters.set("kronika_jobs_running", vec![Label::new("kind", kind.as_str())], memory(running));
    }
    counters.set("kronika_exports_running", vec![], memory(exports.running));
    counters.set("kronika_exports_waiting", vec![], memory(exports.waiting));
    counters.set("kronika_exports_bytes", vec![], gauge(exports.bytes));
    counters.set("kronika_queries_running", vec![], memory(engine.runtime.running()));
    counters.set("kronika_queries_waiting", vec![], memory(engine.admission.waiting()));
    counters.set("kronika_query_memory_bytes", vec![], memory(engine.runtime.reserved()));
    counters.set("kronika_query_runtimes_stuck", vec![], memory(engine.runtime.stuck()));
    counters.set("kronika_damaged_files", vec![], memory(engine.runtime.damage().all().len()));
    counters.set("kronika_query_cached_footers", vec![], memory(engine.runtime.cached_footers()));
    let partials = engine.runtime.partials().figures();
    counters.set("kronika_query_partials_bytes", vec![], memory(partials.bytes));
    for (outcome, count) in [("hit", partials.hits), ("miss", partials.misses)] {
        counters.total_of("kronika_query_partials_total", vec![Label::new("outcome", outcome)], count);
    }
    store(engine);
    for project in engine.projects.all() {
        let hot = project.hot();
        let labels = || vec![project_label(&project.name)];
        counters.set("kronika_hot_events", labels(), memory(hot.rows));
        counters.set("kronika_hot_bytes", labels(), memory(hot.bytes));
        counters.set("kronika_query_held_bytes", labels(), memory(hot.held));
        let age = hot.oldest.map_or(0.0, |oldest| oldest.elapsed().as_secs_f64());
        counters.set("kronika_hot_age_seconds", labels(), age);
        let version = project.snapshot_version();
        counters.set("kronika_table_version", labels(), gauge(version.version));
        counters.set("kronika_table_files", labels(), memory(version.files.len()));
        counters.set("kronika_table_events", labels(), gauge(version.rows()));
        counters.set("kronika_table_bytes", labels(), gauge(version.files.iter().map(|file| file.size).sum()));
        ledger(engine, &project);
    }
    counters.handle.render()
}

/// Sums of a project's ledger.
fn ledger(engine: &Inner, project: &Project) {
    let (counters, figures) = (&engine.shared.counters, project.ledger_figures());
    let totals = super::ledger::totals(&figures);
    let labels = |more: Option<Label>| [project_label(&project.name)].into_iter().chain(more).collect::<Vec<_>>();
    for (state, events) in [
        ("opening", totals.opening),
        ("received", totals.received),
        ("accepted", totals.accepted),
        ("duplicate", totals.duplicates),
        ("rejected", totals.rejected),
        ("late", totals.late),
        ("flushed", totals.flushed),
        ("retained", totals.retained),
        ("erased", totals.erased),
    ] {
        counters.set("kronika_ledger_events", labels(Some(Label::new("state", state))), gauge(events));
    }
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats in this format")]
    counters.set("kronika_ledger_unaccounted_events", labels(None), totals.unaccounted as f64);
    counters.set("kronika_ledger_missing_numbers", labels(None), gauge(totals.missing_numbers));
    let silent_after = engine.shared.config.ledger.silent_after.0;
    let mut silent = 0;
    for (source, (received, _)) in &figures.last {
        let Some(received) = *received else { continue };
        let age = Duration::from_micros(u64::try_from(super::now_us().saturating_sub(received)).unwrap_or(0));
        silent += u64::from(age > silent_after);
        let label = Label::new("source", source.clone());
        counters.set("kronika_ledger_source_age_seconds", labels(Some(label)), age.as_secs_f64());
    }
    counters.set("kronika_ledger_silent_sources", labels(None), gauge(silent));
}

fn process(counters: &Counters) {
    let commit = super::COMMIT.unwrap_or("unknown");
    let labels = vec![Label::new("version", env!("CARGO_PKG_VERSION")), Label::new("commit", commit)];
    counters.set("kronika_build_info", labels, 1.0);
    let process = super::health::process();
    counters.set("kronika_process_start_time_seconds", vec![], gauge(process.started_at_s));
    counters.set("kronika_process_resident_memory_bytes", vec![], gauge(process.resident_bytes));
    counters.set("kronika_process_open_fds", vec![], gauge(process.open_fds));
    counters.set("kronika_process_max_fds", vec![], gauge(process.max_fds));
}

fn health(engine: &Inner) {
    let counters = &engine.shared.counters;
    let checks = engine.health();
    for check in &checks {
        counters.set("kronika_check_ok", vec![Label::new("check", check.name)], f64::from(u8::from(check.is_ok())));
    }
    counters.set("kronika_ready", vec![], f64::from(u8::from(checks.iter().all(super::Check::is_ok))));
    let space = super::probe::space(engine.directory.root()).unwrap_or_default();
    counters.set("kronika_disk_free_bytes", vec![], gauge(space.free_bytes));
    counters.set("kronika_disk_free_inodes", vec![], gauge(space.free_inodes));
}

/// What was asked of an object store, and what its cache did; zeros where the tables lie on local disk.
fn store(engine: &Inner) {
    let (counters, storage) = (&engine.shared.counters, engine.projects.storage());
    let requests = storage.requests().unwrap_or_default();
    for kind in RequestKind::ALL {
        let labels = vec![Label::new("kind", kind.name())];
        counters.total_of("kronika_store_requests_total", labels, requests.of(kind));
    }
    counters.total("kronika_store_received_bytes_total", requests.received_bytes);
    counters.total("kronika_store_sent_bytes_total", requests.sent_bytes);
    let away = storage.away().map_or(0.0, |away| away.lasting.as_secs_f64());
    counters.set("kronika_store_away_seconds", vec![], away);
    let cache = storage.cache_figures().unwrap_or_default();
    counters.set("kronika_cache_bytes", vec![], gauge(cache.bytes));
    counters.set("kronika_cache_limit_bytes", vec![], gauge(cache.bytes_max));
    let outcomes = [
        ("hit", cache.hits),
        ("miss", cache.misses),
        ("evicted", cache.evicted),
        ("damaged", cache.damaged),
        ("refused", cache.refused),
    ];
    for (outcome, count) in outcomes {
        counters.total_of("kronika_cache_blocks_total", vec![Label::new("outcome", outcome)], count);
    }
}

fn log(engine: &Inner) {
    let (counters, log) = (&engine.shared.counters, engine.wal.stats());
    counters.total("kronika_wal_syncs_total", log.syncs);
    counters.total("kronika_wal_frames_total", log.frames);
    counters.total("kronika_wal_written_bytes_total", log.written_bytes);
    counters.set("kronika_wal_pending_frames", vec![], gauge(log.pending_frames));
    counters.set("kronika_wal_segments", vec![], gauge(log.segments));
    counters.set("kronika_wal_bytes", vec![], gauge(log.bytes));
    counters.set("kronika_wal_used_bytes", vec![], gauge(log.used_bytes));
    counters.set("kronika_wal_limit_bytes", vec![], gauge(log.size_max));
}
