//! Figures of the engine, as `/metrics` shows them.
//!
//! One recorder per engine, none for the process, so that engines in one process keep apart.

use metrics::{Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::{CompactSummary, FlushSummary, Inner, Receipt};
use crate::event::names::ProjectName;

const META: Metadata<'static> = Metadata::new("kronika", Level::INFO, None);

/// Counters, gauges and histograms by name.
pub(super) struct Counters {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Default for Counters {
    fn default() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
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
    pub(super) fn flushed(&self, summary: &FlushSummary) {
        let labels = || vec![project_label(&summary.project)];
        self.add("kronika_flushes_total", labels(), 1);
        self.add("kronika_flushed_events_total", labels(), summary.rows);
        self.add("kronika_flushed_files_total", labels(), summary.files);
        self.add("kronika_flushed_bytes_total", labels(), summary.bytes);
    }

    /// Counts one compaction.
    pub(super) fn compacted(&self, summary: &CompactSummary) {
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
    counters.set("kronika_build_info", vec![Label::new("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let log = engine.wal.stats();
    counters.set("kronika_wal_segments", vec![], gauge(log.segments));
    counters.set("kronika_wal_bytes", vec![], gauge(log.bytes));
    counters.set("kronika_wal_used_bytes", vec![], gauge(log.used_bytes));
    counters.set("kronika_wal_syncs", vec![], gauge(log.syncs));
    counters.set("kronika_wal_frames", vec![], gauge(log.frames));
    counters.set("kronika_queries_running", vec![], gauge(engine.runtime.running() as u64));
    counters.set("kronika_queries_waiting", vec![], gauge(engine.admission.waiting() as u64));
    counters.set("kronika_query_runtimes_stuck", vec![], gauge(engine.runtime.stuck() as u64));
    for project in engine.projects.all() {
        let hot = project.hot();
        let labels = || vec![project_label(&project.name)];
        counters.set("kronika_hot_events", labels(), gauge(hot.rows as u64));
        counters.set("kronika_hot_bytes", labels(), gauge(hot.bytes as u64));
        let version = project.snapshot_version();
        counters.set("kronika_table_version", labels(), gauge(version.version));
        counters.set("kronika_table_files", labels(), gauge(version.files.len() as u64));
        counters.set("kronika_table_events", labels(), gauge(version.rows()));
        counters.set("kronika_table_bytes", labels(), gauge(version.files.iter().map(|file| file.size).sum()));
    }
    counters.handle.render()
}
