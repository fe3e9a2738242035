//! What each number among the settings may be.
//!
//! A setting without a line here fails a test; so does one whose range `kronika.toml` does not give.

use serde_json::Value;

use super::{ByteCount, ConfigError, Span};

/// From the least to the greatest, in the setting's own unit; `off` stands for a zero that switches it off.
pub(super) struct Range {
    pub(super) key: &'static str,
    least: &'static str,
    most: &'static str,
    off: bool,
}

const fn range(key: &'static str, least: &'static str, most: &'static str) -> Range {
    Range { key, least, most, off: false }
}

/// As [`range`], and zero besides, which means none, no limit, or a choice of our own.
const fn or_off(key: &'static str, least: &'static str, most: &'static str) -> Range {
    Range { key, least, most, off: true }
}

/// Every setting that is a number.
pub(super) const RANGES: &[Range] = &[
    range("server.connections_max", "1", "1000000"),
    range("server.header_timeout", "100ms", "1h"),
    range("server.header_max", "8KiB", "16MiB"),
    range("server.body_idle_timeout", "100ms", "1h"),
    or_off("server.body_rate_min", "1B", "1GiB"),
    range("server.answer_idle_timeout", "100ms", "1h"),
    range("server.streams_max", "1", "100000"),
    range("server.stop_timeout", "1s", "1h"),
    or_off("server.disk_free_min", "1B", "1TiB"),
    range("server.clock_back_max", "1s", "1d"),
    range("storage.retry_timeout", "0s", "3m"),
    or_off("storage.cache_max", "1MiB", "1024TiB"),
    range("storage.read_extra_max", "0B", "1GiB"),
    range("ingest.line_max", "1KiB", "1GiB"),
    range("ingest.body_max", "1KiB", "1GiB"),
    range("ingest.events_max", "1", "16000000"),
    range("ingest.modules_max", "1", "1000000"),
    range("ingest.idempotency_keep", "1m", "30d"),
    range("ingest.dedup_window", "1", "1000000000"),
    range("ingest.hot_max", "1MiB", "1TiB"),
    range("ledger.late_after", "1s", "36500d"),
    range("ledger.silent_after", "1s", "36500d"),
    range("ledger.keep_days", "1", "36500"),
    range("ledger.rows_max", "1", "1000000"),
    range("ledger.sources_max", "1", "100000"),
    range("ledger.batches_max", "0", "100000"),
    range("ledger.gaps_max", "0", "10000"),
    range("dead_letters.retention", "1m", "36500d"),
    range("dead_letters.size_max", "64KiB", "1TiB"),
    range("dead_letters.text_max", "1KiB", "64MiB"),
    range("wal.segment_size", "16KiB", "4GiB"),
    range("wal.size_max", "64KiB", "16TiB"),
    range("flush.interval", "10ms", "1d"),
    range("flush.size", "64KiB", "1TiB"),
    or_off("compaction.interval", "10ms", "30d"),
    range("compaction.files_min", "2", "1000000"),
    range("compaction.target_size", "64KiB", "64GiB"),
    range("compaction.close_after", "0s", "30d"),
    range("compaction.keep_replaced", "0s", "365d"),
    range("compaction.niceness", "0", "19"),
    or_off("scrub.interval", "1s", "3650d"),
    range("scrub.rate", "4KiB", "64GiB"),
    range("query.rows_max", "1", "1000000000000"),
    range("query.bytes_max", "1KiB", "1TiB"),
    range("query.timeout", "10ms", "1d"),
    range("query.memory_max", "1MiB", "16TiB"),
    range("query.sql_max", "1KiB", "64MiB"),
    or_off("query.threads", "1", "1024"),
    range("query.at_once_max", "1", "100000"),
    range("query.waiting_max", "0", "1000000"),
    range("query.wait_max", "0s", "1h"),
    range("query.shared_max", "0B", "1GiB"),
    range("query.partials_max", "0B", "64GiB"),
    range("query.guard.tokens_max", "1", "1000000"),
    range("query.guard.operators_max", "1", "2000"),
    range("query.guard.nesting_max", "1", "200"),
    range("query.guard.literal_max", "1B", "64MiB"),
    range("query.guard.columns_max", "1", "100000"),
    range("query.guard.ctes_max", "0", "10000"),
    range("query.guard.relations_max", "1", "10000"),
    range("query.guard.joins_max", "0", "10000"),
    range("query.guard.unions_max", "0", "10000"),
    range("query.guard.grouping_sets_max", "1", "100000"),
    range("query.guard.expression_max", "1", "10000000"),
    range("query.guard.value_max", "1B", "512MiB"),
    range("query.guard.batch_max", "1B", "512MiB"),
    range("query.guard.pattern_max", "1KiB", "64MiB"),
    range("query.guard.product_max", "1", "1000000000000000"),
    or_off("query.guard.scan_files_max", "1", "1000000000"),
    or_off("query.guard.scan_bytes_max", "1B", "16384TiB"),
    range("query.guard.planners", "1", "256"),
    range("query.guard.memory_total_max", "1MiB", "64TiB"),
    or_off("query.guard.process_memory_max", "64MiB", "64TiB"),
    range("query.guard.spill_max", "0B", "1024TiB"),
    range("query.guard.step_max", "10ms", "1h"),
    range("query.guard.niceness", "0", "19"),
    range("tail.listeners_max", "1", "100000"),
    range("tail.key_listeners_max", "1", "100000"),
    range("tail.buffer_max", "64KiB", "1GiB"),
    range("tail.catch_up_max", "0", "1000000000000"),
    range("tail.heartbeat", "100ms", "10m"),
    range("saved.filters_max", "0", "100000"),
    range("saved.filter_size_max", "1KiB", "1MiB"),
    range("saved.views_max", "0", "100000"),
    range("saved.view_size_max", "1KiB", "1MiB"),
    range("journal.page_max", "1", "100000"),
    range("journal.total_max", "0", "1000000000000"),
    range("journal.groups_max", "1", "100000"),
    range("journal.steps_max", "1", "1000000"),
    range("journal.figures_max", "0B", "16GiB"),
    range("attachments.size_max", "1KiB", "1TiB"),
    range("exports.at_once_max", "1", "64"),
    range("exports.project_at_once_max", "1", "64"),
    range("exports.waiting_max", "1", "100000"),
    range("exports.keep", "1s", "365d"),
    range("exports.disk_max", "1MiB", "1024TiB"),
    range("exports.disk_reserve", "0B", "16TiB"),
    range("exports.files_max", "1", "10000000"),
    range("exports.query_timeout", "1s", "7d"),
    range("exports.niceness", "0", "19"),
    range("jobs.history_max", "1", "100000"),
    range("jobs.imports_max", "1", "100000"),
    range("jobs.import_silence_max", "1s", "1d"),
    range("alerts.rules_max", "0", "10000"),
    range("alerts.groups_max", "1", "100000"),
    range("alerts.every_min", "100ms", "1d"),
    range("alerts.delay", "0s", "1h"),
    range("alerts.timeout", "100ms", "1h"),
    range("alerts.at_once_max", "1", "100"),
    range("alerts.attempts_max", "1", "1000"),
    range("alerts.retry_first", "10ms", "1h"),
    range("smtp.port", "1", "65535"),
    range("smtp.timeout", "100ms", "10m"),
    range("access.key_lifetime_max", "1m", "36500d"),
    range("access.rotation_overlap", "0s", "36500d"),
    range("access.session_lifetime", "1s", "365d"),
    range("access.sessions_max", "1", "10000"),
    range("access.link_lifetime", "1s", "1d"),
    or_off("access.key_quota.requests_per_second", "1", "1000000000"),
    or_off("access.key_quota.events_per_second", "1", "1000000000"),
    or_off("access.key_quota.bytes_per_second", "1B", "1TiB"),
    or_off("access.key_quota.queries_at_once", "1", "1000000"),
    or_off("access.key_quota.bytes_scanned_per_day", "1B", "16384TiB"),
    or_off("access.project_quota.requests_per_second", "1", "1000000000"),
    or_off("access.project_quota.events_per_second", "1", "1000000000"),
    or_off("access.project_quota.bytes_per_second", "1B", "1TiB"),
    or_off("access.project_quota.queries_at_once", "1", "1000000"),
    or_off("access.project_quota.bytes_scanned_per_day", "1B", "16384TiB"),
    range("audit.retention", "90d", "36500d"),
    range("audit.reserve", "1MiB", "1TiB"),
    range("audit.group_interval", "1ms", "1d"),
    range("audit.rollup_interval", "1ms", "1d"),
    range("audit.queue_max", "8", "100000"),
    range("audit.failed_logins_max", "0", "1000000"),
    range("audit.denials_max", "0", "1000000"),
    range("audit.statement_max", "64B", "1MiB"),
    or_off("retention.default_days", "1", "36500"),
    range("retention.floor_days", "0", "36500"),
    range("retention.share_max", "0", "100"),
    range("retention.interval", "1s", "30d"),
    range("retention.clock_ahead_max", "1h", "3650d"),
    range("retention.erasures_max", "1", "100000"),
    range("objects.events_max", "1", "10000000"),
    range("objects.text_max", "0B", "64MiB"),
    range("objects.text_timeout", "1ms", "1m"),
    range("webhook.timeout", "100ms", "5m"),
    range("webhook.answer_max", "1B", "16MiB"),
    range("webhook.at_once_max", "1", "1000"),
    range("webhook.attempts_max", "1", "1000"),
    range("webhook.retry_first", "1ms", "1d"),
    range("webhook.retry_longest", "1ms", "7d"),
    range("webhook.queue_max", "1", "1000000"),
    range("webhook.keep", "1m", "3650d"),
];

impl Range {
    /// The range of the setting `key`, if it is a number.
    pub(super) fn of(key: &str) -> Option<&'static Self> {
        RANGES.iter().find(|range| range.key == key)
    }

    /// In words: what the settings file and errors say.
    pub(super) fn text(&self) -> String {
        let zero = if self.off { format!(", or 0{}", self.unit()) } else { String::new() };
        format!("{} to {}{zero}", self.least, self.most)
    }

    fn unit(&self) -> &'static str {
        match self.kind() {
            Kind::Count => "",
            Kind::Size => "B",
            Kind::Time => "s",
        }
    }

    /// What a value without a unit lacks; `None` for counts.
    pub(super) fn units(&self) -> Option<&'static str> {
        match self.kind() {
            Kind::Count => None,
            Kind::Size => Some("a size such as \"16MiB\" (B, KiB, MiB, GiB, TiB)"),
            Kind::Time => Some("a time such as \"30s\" (ms, s, m, h, d)"),
        }
    }

    fn kind(&self) -> Kind {
        if self.most.parse::<u64>().is_ok() {
            Kind::Count
        } else if self.most.parse::<ByteCount>().is_ok() {
            Kind::Size
        } else {
            Kind::Time
        }
    }

    /// Whether a value, as settings are written, lies in it.
    fn holds(&self, value: &Value) -> bool {
        let number = number(value);
        let (least, most) = (number_of(self.least), number_of(self.most));
        number.is_some_and(|number| {
            (self.off && number == 0)
                || least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most)
        })
    }
}

#[cfg(test)]
impl Range {
    /// Values at and beyond both ends, as settings are written, and whether each is in the range.
    pub(super) fn ends(&self) -> Vec<(Value, bool)> {
        let (least, most) = (number_of(self.least).unwrap(), number_of(self.most).unwrap());
        let write = |number: u64| match self.kind() {
            Kind::Count => Value::from(number),
            Kind::Size => ByteCount(number).to_string().into(),
            Kind::Time => Span(std::time::Duration::from_millis(number)).to_string().into(),
        };
        let mut ends = vec![(write(least), true), (write(most), true), (write(0), self.off || least == 0)];
        if least > 1 {
            ends.push((write(least - 1), false));
        }
        ends.push((write(most + 1), false));
        ends
    }
}

enum Kind {
    Count,
    Size,
    Time,
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => number_of(text),
        _ => None,
    }
}

fn number_of(text: &str) -> Option<u64> {
    let size = || text.parse::<ByteCount>().ok().map(|size| size.0);
    let time = || text.parse::<Span>().ok().and_then(|span| u64::try_from(span.0.as_millis()).ok());
    text.parse().ok().or_else(size).or_else(time)
}

/// Refuses the first number, of those that `value` finds by key, that is out of its range.
pub(super) fn check<'a>(value: impl Fn(&str) -> Option<&'a Value>) -> Result<(), ConfigError> {
    for range in RANGES {
        let Some(value) = value(range.key) else { continue };
        if !value.is_null() && !range.holds(value) {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return Err(ConfigError::Range { key: range.key, value: shown, allowed: range.text() });
        }
    }
    Ok(())
}
