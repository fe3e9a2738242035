//! Every metric of a server: name, kind, meaning. `docs/metrics.md` has the same list; tests compare.

use metrics::{KeyName, Recorder, Unit};

/// What kind of series a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Only grows, from the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many took how long, in seconds.
    Histogram,
}

/// A metric.
pub(super) struct Meter {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    #[cfg_attr(not(test), expect(dead_code, reason = "docs/metrics.md has it, which a test compares"))]
    labels: &'static str,
    pub(super) meaning: &'static str,
}

const fn counter(name: &'static str, labels: &'static str, meaning: &'static str) -> Meter {
    Meter { name, shape: Shape::Counter, labels, meaning }
}

const fn gauge(name: &'static str, labels: &'static str, meaning: &'static str) -> Meter {
    Meter { name, shape: Shape::Gauge, labels, meaning }
}

const fn histogram(name: &'static str, labels: &'static str, meaning: &'static str) -> Meter {
    Meter { name, shape: Shape::Histogram, labels, meaning }
}

/// Upper ends of the histograms' buckets, in seconds.
pub(super) const BUCKETS: [f64; 16] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

pub(super) const APPEND_SECONDS: &str = "kronika_wal_append_seconds";
pub(super) const SYNC_SECONDS: &str = "kronika_wal_sync_seconds";
pub(super) const FLUSH_SECONDS: &str = "kronika_flush_seconds";
pub(super) const COMMIT_SECONDS: &str = "kronika_table_commit_seconds";
pub(super) const COMPACTION_SECONDS: &str = "kronika_compaction_seconds";
pub(super) const SCRUB_FILES: &str = "kronika_scrub_files_total";
pub(super) const SCRUB_BYTES: &str = "kronika_scrub_bytes_total";
pub(super) const SCRUB_PASSES: &str = "kronika_scrub_passes_total";
pub(super) const PLAN_SECONDS: &str = "kronika_query_plan_seconds";
pub(super) const RUN_SECONDS: &str = "kronika_query_run_seconds";
pub(super) const HTTP_SECONDS: &str = "kronika_http_request_seconds";
pub(super) const HTTP_PROBLEMS: &str = "kronika_http_problems_total";
pub(super) const JOB_FAILURES: &str = "kronika_job_failures_total";

/// All metrics, in the order of an event's way.
pub(super) const METERS: &[Meter] = &[
    gauge("kronika_build_info", "version, commit", "always 1"),
    gauge("kronika_process_start_time_seconds", "", "when the process started, seconds since 1970"),
    gauge("kronika_process_resident_memory_bytes", "", "memory of the process"),
    gauge("kronika_process_open_fds", "", "open files and sockets of the process"),
    gauge("kronika_process_max_fds", "", "how many it may open"),
    gauge("kronika_ready", "", "1 while /readyz answers 200, else 0"),
    gauge("kronika_check_ok", "check", "1 or 0 for each check of /readyz"),
    counter(JOB_FAILURES, "job", "background steps (flush, compaction, keys, …) that failed"),
    histogram(
        HTTP_SECONDS,
        "method, route, status",
        "requests until their answer begins; `status` is a class such as `2xx`",
    ),
    counter(HTTP_PROBLEMS, "code", "refused requests by the code of their problem"),
    counter("kronika_ingest_batches_total", "project", "batches stored"),
    counter("kronika_ingest_events_total", "project, outcome", "events accepted, rejected, duplicate"),
    counter("kronika_ingest_rejected_events_total", "project, code", "rejected events by code"),
    counter("kronika_ingest_remarks_total", "project, kind", "what was put right or kept aside on the way in"),
    gauge(
        "kronika_ledger_events",
        "project, state",
        "sums of the ledger: opening, received, accepted, duplicate, rejected, late, flushed, retained, erased",
    ),
    gauge(
        "kronika_ledger_unaccounted_events",
        "project",
        "events that should be hot or stored and are not; 0 when all is well",
    ),
    gauge("kronika_ledger_missing_numbers", "project", "numbers that numbered sources never sent"),
    gauge("kronika_ledger_silent_sources", "project", "sources that have sent nothing for `ledger.silent_after`"),
    gauge("kronika_ledger_source_age_seconds", "project, source", "time since a source sent something"),
    gauge("kronika_ingest_memory_bytes", "", "events in memory and bodies that are being taken in"),
    gauge("kronika_ingest_memory_limit_bytes", "", "`ingest.hot_max`: above it ingest answers 429"),
    histogram(APPEND_SECONDS, "", "from the log's queue until on disk and visible to queries"),
    histogram(SYNC_SECONDS, "", "one group of batches written and synced"),
    counter("kronika_wal_syncs_total", "", "syncs of the log"),
    counter("kronika_wal_frames_total", "", "batches made durable"),
    counter("kronika_wal_written_bytes_total", "", "bytes of these batches"),
    gauge("kronika_wal_pending_frames", "", "batches that wait for their sync"),
    gauge("kronika_wal_segments", "", "files of the log with batches"),
    gauge("kronika_wal_bytes", "", "size of all files of the log, prepared ones included"),
    gauge("kronika_wal_used_bytes", "", "what counts against `wal.size_max`"),
    gauge("kronika_wal_limit_bytes", "", "`wal.size_max`: at 80 % of it ingest answers 429"),
    gauge("kronika_hot_events", "project", "events that are in no table yet"),
    gauge("kronika_hot_bytes", "project", "their size in memory"),
    gauge("kronika_hot_age_seconds", "project", "age of the oldest of them"),
    histogram(FLUSH_SECONDS, "", "flushes of a project with events"),
    counter("kronika_flushes_total", "project", "flushes"),
    counter("kronika_flushed_events_total", "project", "events that went into tables"),
    counter("kronika_flushed_files_total", "project", "files that flushes wrote"),
    counter("kronika_flushed_bytes_total", "project", "their size"),
    histogram(COMMIT_SECONDS, "", "commits to the log of a table, of flushes and compactions"),
    gauge("kronika_table_version", "project", "version of the table that queries see"),
    gauge("kronika_table_files", "project", "its files"),
    gauge("kronika_table_events", "project", "its events"),
    gauge("kronika_table_bytes", "project", "its size"),
    histogram(COMPACTION_SECONDS, "", "compactions of a project that replaced files"),
    counter("kronika_compactions_total", "project", "compactions, those with nothing to do included"),
    counter("kronika_compacted_input_files_total", "project", "files that compactions replaced"),
    counter("kronika_compacted_output_files_total", "project", "files that came instead"),
    counter("kronika_store_requests_total", "kind", "requests to the object store: get, head, put, list, delete"),
    counter("kronika_store_received_bytes_total", "", "bytes of its answers"),
    counter("kronika_store_sent_bytes_total", "", "bytes that were sent to it"),
    gauge("kronika_store_away_seconds", "", "for how long it has not answered; 0 while it does"),
    gauge("kronika_cache_bytes", "", "local disk that the cache of its files takes"),
    gauge("kronika_cache_limit_bytes", "", "`storage.cache_max`"),
    counter(
        "kronika_cache_blocks_total",
        "outcome",
        "blocks of 256 KiB that reads wanted: hit, miss; dropped: evicted, damaged, refused",
    ),
    counter(SCRUB_FILES, "", "stored files that the scrub read whole and found as they were written"),
    counter(SCRUB_BYTES, "", "bytes that it read"),
    counter(SCRUB_PASSES, "", "passes over all stored files that it came to the end of"),
    gauge("kronika_damaged_files", "", "stored files that do not hold what was written; the log names them"),
    histogram(PLAN_SECONDS, "", "queries from the text to the plan, the wait for a planner included"),
    histogram(RUN_SECONDS, "", "queries from the plan to the last row, however they ended"),
    gauge("kronika_jobs_running", "kind", "jobs of the engine that run"),
    gauge("kronika_exports_running", "", "exports that are being made"),
    gauge("kronika_exports_waiting", "", "exports that wait for their turn"),
    gauge("kronika_exports_bytes", "", "disk that the files of exports take"),
    gauge("kronika_queries_running", "", "queries that are being planned or run"),
    gauge("kronika_queries_waiting", "", "queries that wait for their turn"),
    gauge("kronika_query_memory_bytes", "", "memory that operators of queries have reserved"),
    gauge(
        "kronika_query_held_bytes",
        "project",
        "events that are in the table by now, and that queries which began before hold whole in memory",
    ),
    gauge("kronika_query_runtimes_stuck", "", "sets of query threads given up; three mean a restart is due"),
    gauge("kronika_query_cached_footers", "", "stored files whose footers are cached"),
    gauge("kronika_query_partials_bytes", "", "kept results of single files for aggregates that come back"),
    counter(
        "kronika_query_partials_total",
        "outcome",
        "files of aggregates that came back whose result was kept (hit) or was not (miss)",
    ),
    counter("kronika_retained_away_events_total", "project", "events that a retention policy let go"),
    counter("kronika_retention_refused_total", "project", "sweeps that were refused: the clock, the share, a hold"),
    counter("kronika_erased_events_total", "project", "events that erasures removed"),
    counter("kronika_blanked_events_total", "project", "events in which erasures blanked a value"),
    gauge("kronika_holds", "", "legal holds in force"),
    gauge("kronika_erasures_waiting", "", "erasures that have not ended"),
    counter("kronika_alert_notices_total", "project", "alerts that began to fire, were told again, or were resolved"),
    gauge("kronika_tail_listeners", "", "streams of the live tail that are open"),
    counter("kronika_tail_behind_total", "project", "how often one of them fell behind and was caught up by queries"),
    gauge("kronika_disk_free_bytes", "", "free space for the data directory"),
    gauge("kronika_disk_free_inodes", "", "free inodes for the data directory"),
];

/// Tells a recorder what each metric means.
pub(super) fn describe(recorder: &impl Recorder) {
    for meter in METERS {
        let (name, meaning) = (KeyName::from_const_str(meter.name), meter.meaning.into());
        match meter.shape {
            Shape::Counter => recorder.describe_counter(name, None, meaning),
            Shape::Gauge => recorder.describe_gauge(name, None, meaning),
            Shape::Histogram => recorder.describe_histogram(name, Some(Unit::Seconds), meaning),
        }
    }
}

#[cfg(test)]
mod tests;
