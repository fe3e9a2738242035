//! Settings: defaults, then a TOML file, then `KRONIKA__SECTION__KEY` in the environment, then flags.
//!
//! An unknown key is an error. Every default stands here once; [`Settings`] is the only way in, and code
//! behind it never asks whether something was set. `kronika.toml` says what each is for; a test compares.
//!
//! ```text
//! file, environment, flags ─▶ source (as given, with places) ─▶ settings (known? readable?) ─▶ Config::check
//! ```

mod alerts;
mod audit;
mod error;
mod files;
mod guard;
mod jobs;
mod journal;
mod ledger;
mod network;
mod objects;
mod quota;
mod ranges;
mod redaction;
mod retention;
mod saved;
mod scrub;
mod settings;
mod source;
mod tail;
mod units;
mod webhook;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use alerts::{Alerts, Smtp, SmtpTls};
pub use audit::Audit;
pub use error::ConfigError;
pub use files::{Attachments, Exports};
pub use guard::Guard;
pub use jobs::Jobs;
pub use journal::Journal;
pub use ledger::{DeadLetters, Ledger};
pub use network::Network;
pub use objects::Objects;
pub use quota::Quota;
pub use redaction::{DEFAULT_HEADERS, DEFAULT_PARAMETERS, RedactLists, Redaction};
pub use retention::Retention;
pub use saved::Saved;
pub use scrub::Scrub;
pub(crate) use settings::masked;
pub use settings::{Entry, Origin, Settings};
pub use tail::Tail;
pub use units::{ByteCount, Span};
pub use webhook::Webhook;

/// All settings of one server.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens and keeps its data.
    pub server: Server,
    /// Where the tables lie.
    pub storage: Storage,
    /// Limits of what comes in.
    pub ingest: Ingest,
    /// What became of everything that was sent.
    pub ledger: Ledger,
    /// Rejected lines.
    pub dead_letters: DeadLetters,
    /// The write-ahead log.
    pub wal: Wal,
    /// When hot events become files.
    pub flush: Flush,
    /// When small files become large ones.
    pub compaction: Compaction,
    /// Stored files compared with their checksums.
    pub scrub: Scrub,
    /// Limits of one query.
    pub query: Query,
    /// Streams of events as they become visible.
    pub tail: Tail,
    /// Filters and screens that have a name.
    pub saved: Saved,
    /// Questions that are asked again and again.
    pub alerts: Alerts,
    /// The server that takes mails of alerts.
    pub smtp: Smtp,
    /// Limits of the journal's lists and figures.
    pub journal: Journal,
    /// Files that belong to events.
    pub attachments: Attachments,
    /// Files that are made of events.
    pub exports: Exports,
    /// The engine's own jobs.
    pub jobs: Jobs,
    /// How long keys live, and how much they may ask for.
    pub access: Access,
    /// How readers and operators are recorded.
    pub audit: Audit,
    /// How long events are kept, and what goes at once.
    pub retention: Retention,
    /// What is blanked in events before anything is stored.
    pub redaction: Redaction,
    /// How much is read and compared to tell what became of an object.
    pub objects: Objects,
    /// How signed calls of other systems are made.
    pub webhook: Webhook,
    /// What the server says of itself.
    pub log: Log,
}

/// Where the server listens and keeps its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Directory of the write-ahead log, keys and, by default, the tables.
    pub data_dir: PathBuf,
    /// Directory of the user's own mappings (`NAME.toml`); default `DATA_DIR/mappings`.
    pub mappings_dir: Option<PathBuf>,
    /// Directory of the user's own named queries (`NAME.sql`); default `DATA_DIR/queries`.
    pub queries_dir: Option<PathBuf>,
    /// File that gets the admin key of the first start; default: it is printed once.
    pub admin_key_file: Option<PathBuf>,
    /// Networks of proxies in front of the server, such as `10.0.0.0/8`: of requests that come from them,
    /// the source is what their `X-Forwarded-For` says. Of others the header is ignored.
    pub trusted_proxies: Vec<Network>,
    /// PEM file with the certificate and its chain; with `tls_key` the server speaks TLS.
    pub tls_cert: Option<PathBuf>,
    /// PEM file with the certificate's private key.
    pub tls_key: Option<PathBuf>,
    /// A proxy in front speaks TLS: listening on other than loopback addresses is fine without.
    pub behind_proxy: bool,
    /// Keys and events may cross a network in the clear.
    pub insecure: bool,
    /// Most connections at once; further ones are closed.
    pub connections_max: usize,
    /// Longest wait for a request's headers, for a TLS handshake, and between two requests.
    pub header_timeout: Span,
    /// Largest headers of a request; HTTP/1.1 takes 256 KiB in any case, for the same buffer reads bodies.
    pub header_max: ByteCount,
    /// Longest pause within a body.
    pub body_idle_timeout: Span,
    /// Least bytes a second of a body, after its first ten seconds; 0 switches it off.
    pub body_rate_min: ByteCount,
    /// Longest time that a client takes nothing of its answer.
    pub answer_idle_timeout: Span,
    /// Most requests at once on one HTTP/2 connection.
    pub streams_max: u32,
    /// Longest clean stop.
    pub stop_timeout: Span,
    /// Free space of the data directory's disk below which the server says that it is not ready; `0B`
    /// switches the check off.
    pub disk_free_min: ByteCount,
    /// How far the clock may stand behind the newest event that was taken in.
    pub clock_back_max: Span,
    /// Whether a start goes on where the tables know more than the log: with a data directory from a backup.
    pub accept_older_log: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            data_dir: PathBuf::from("kronika-data"),
            mappings_dir: None,
            queries_dir: None,
            admin_key_file: None,
            trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
            behind_proxy: false,
            insecure: false,
            connections_max: 1_024,
            header_timeout: Span::secs(30),
            header_max: ByteCount(64 << 10),
            body_idle_timeout: Span::secs(30),
            body_rate_min: ByteCount(1 << 10),
            answer_idle_timeout: Span::secs(60),
            streams_max: 128,
            stop_timeout: Span::secs(30),
            disk_free_min: ByteCount::mib(256),
            clock_back_max: Span::secs(300),
            accept_older_log: false,
        }
    }
}

/// Where the tables lie.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// A local path or a URL such as `s3://bucket/prefix`; default `DATA_DIR/store`.
    pub url: Option<String>,
    /// How long a request to an object store that fails is tried again.
    pub retry_timeout: Span,
    /// Local disk for parts of an object store's files; 0 switches the cache off.
    pub cache_max: ByteCount,
    /// Directory of that cache; default `DATA_DIR/cache`.
    pub cache_dir: Option<PathBuf>,
    /// Most bytes that one read of a file fetches although nobody asked for them, to need fewer requests.
    pub read_extra_max: ByteCount,
    /// Options of the object store by its own names, e.g. `aws_endpoint`.
    pub options: BTreeMap<String, String>,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            url: None,
            retry_timeout: Span::secs(10),
            cache_max: ByteCount::mib(4 << 10),
            cache_dir: None,
            read_extra_max: ByteCount::mib(8),
            options: BTreeMap::new(),
        }
    }
}

/// Without the options' values: some are secrets.
impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options: Vec<&String> = self.options.keys().collect();
        f.debug_struct("Storage").field("options", &options).finish_non_exhaustive()
    }
}

/// Limits of what comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    /// Longest line (one event).
    pub line_max: ByteCount,
    /// Largest body, decompressed.
    pub body_max: ByteCount,
    /// Most events in one body.
    pub events_max: u32,
    /// Most distinct modules of a project; further ones become `_other`.
    pub modules_max: usize,
    /// How long an idempotency key is known, at least.
    pub idempotency_keep: Span,
    /// How many sent `event_id`s of a project are remembered.
    pub dedup_window: usize,
    /// Memory for events not yet flushed, over all projects; above it ingest answers 429.
    pub hot_max: ByteCount,
}

impl Default for Ingest {
    fn default() -> Self {
        Self {
            line_max: ByteCount::mib(16),
            body_max: ByteCount::mib(64),
            events_max: 1_000_000,
            modules_max: 1_000,
            idempotency_keep: Span::secs(24 * 3_600),
            dedup_window: 1_000_000,
            hot_max: ByteCount::mib(512),
        }
    }
}

/// The write-ahead log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wal {
    /// Size of one segment file.
    pub segment_size: ByteCount,
    /// Disk for all segments; above it ingest answers 429.
    pub size_max: ByteCount,
}

impl Default for Wal {
    fn default() -> Self {
        Self { segment_size: ByteCount::mib(64), size_max: ByteCount::mib(4_096) }
    }
}

/// When hot events become files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flush {
    /// Oldest that an event gets before its project is flushed.
    pub interval: Span,
    /// Size of a project's hot events at which it is flushed.
    pub size: ByteCount,
}

impl Default for Flush {
    fn default() -> Self {
        Self { interval: Span::secs(300), size: ByteCount::mib(128) }
    }
}

/// When small files become large ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Compaction {
    /// How often partitions are looked at; `0s` switches the schedule off.
    pub interval: Span,
    /// Least number of small files of a partition, rewritten equally often, that are worth a rewrite.
    pub files_min: usize,
    /// Size above which a file is left alone.
    pub target_size: ByteCount,
    /// How long after its end, and after its last flush, a day is made into as few files as possible.
    pub close_after: Span,
    /// How long files that were replaced stay for readers of older versions in other processes: longer than any query.
    pub keep_replaced: Span,
    /// How much the threads of compaction give way to others: 0 (not at all) to 19.
    pub niceness: u8,
}

impl Default for Compaction {
    fn default() -> Self {
        Self {
            interval: Span::secs(600),
            files_min: 8,
            target_size: ByteCount::mib(256),
            close_after: Span::secs(2 * 3_600),
            keep_replaced: Span::secs(8 * 3_600),
            niceness: 10,
        }
    }
}

/// Limits of one query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Query {
    /// Most rows of an answer.
    pub rows_max: u64,
    /// Most bytes of an answer, in memory form.
    pub bytes_max: ByteCount,
    /// Longest run.
    pub timeout: Span,
    /// Memory of one query's operators.
    pub memory_max: ByteCount,
    /// Longest SQL text.
    pub sql_max: ByteCount,
    /// Threads of one query; 0 takes one for each core.
    pub threads: usize,
    /// Queries that run at once; further ones wait for their turn.
    pub at_once_max: usize,
    /// Queries that wait for their turn; further ones are refused.
    pub waiting_max: usize,
    /// Longest wait for a turn.
    pub wait_max: Span,
    /// Largest answer of a named query that is handed to all who asked for the same at the same time, in memory form.
    pub shared_max: ByteCount,
    /// Room for results of single files that are kept for the next time the same aggregate is asked; 0 keeps none.
    pub partials_max: ByteCount,
    /// What a query may be made of, and what all of them may take together.
    pub guard: Guard,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            rows_max: 1_000_000,
            bytes_max: ByteCount::mib(256),
            timeout: Span::secs(60),
            memory_max: ByteCount::mib(512),
            sql_max: ByteCount(64 << 10),
            threads: 0,
            at_once_max: 16,
            waiting_max: 256,
            wait_max: Span::secs(10),
            shared_max: ByteCount::mib(4),
            partials_max: ByteCount::mib(128),
            guard: Guard::default(),
        }
    }
}

/// How long keys live, and how much they may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Longest life, and the default one, of keys that can do more than send events.
    pub key_lifetime_max: Span,
    /// How long the secret before a rotation stays valid where the request does not say it.
    pub rotation_overlap: Span,
    /// How long a browser stays signed in; not longer than its key is valid.
    pub session_lifetime: Span,
    /// Most sessions of one key, and most links that begin one; the oldest ends for a new one.
    pub sessions_max: usize,
    /// How long a link that begins a session can be used.
    pub link_lifetime: Span,
    /// What a key may ask for whose own quota does not say it.
    pub key_quota: Quota,
    /// What all keys of a project may ask for together where the project's own quota does not say it.
    pub project_quota: Quota,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            key_lifetime_max: Span::secs(365 * 86_400),
            rotation_overlap: Span::secs(86_400),
            session_lifetime: Span::secs(12 * 3_600),
            sessions_max: 100,
            link_lifetime: Span::secs(600),
            // So that one key cannot take all places of `query.at_once_max`.
            key_quota: Quota { queries_at_once: Some(12), ..Quota::default() },
            project_quota: Quota::default(),
        }
    }
}

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Text or JSON, on standard error.
    pub format: LogFormat,
    /// What is logged, in the words of `RUST_LOG`, which overrules it.
    pub filter: String,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// A line of text for each event.
    Text,
    /// A JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "warn,kronika=info".to_owned() }
    }
}

impl Config {
    /// The settings file that says of every setting what it is for, with its range and its default.
    pub const ANNOTATED: &str = include_str!("../../kronika.toml");

    /// Settings from the defaults, `file` and the environment; what is not from there is the caller's to
    /// set, then [`Config::check`].
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Settings::read(file)?.resolve()
    }

    /// What can be meant as it is, but seldom is: for people to read.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let longest = self.query.timeout.max(self.exports.query_timeout);
        let keep = self.compaction.keep_replaced;
        let is_short = keep < longest;
        let text = format!(
            "compaction.keep_replaced {keep} is shorter than the longest query (query.timeout {}, exports.query_timeout {}): \
             queries of this server keep the files that they read, but other programs that read the tables as long may find \
             them gone",
            self.query.timeout, self.exports.query_timeout
        );
        is_short.then_some(text).into_iter().collect()
    }

    /// Refuses numbers out of their ranges, and settings that contradict each other.
    ///
    /// # Errors
    /// The first fault, with both numbers.
    pub fn check(&self) -> Result<(), ConfigError> {
        settings::check_ranges(self)?;
        let (server, ingest, wal) = (&self.server, &self.ingest, &self.wal);
        let contradictions = [
            (
                server.tls_cert.is_some() != server.tls_key.is_some(),
                "server.tls_cert and server.tls_key go together: one of them is missing".to_string(),
            ),
            (
                !(server.listen.ip().is_loopback()
                    || server.tls_cert.is_some()
                    || server.behind_proxy
                    || server.insecure),
                format!(
                    "server.listen {} can be reached from other machines, and without TLS they send keys and events in the \
                     clear: set server.tls_cert and server.tls_key, or server.behind_proxy (--behind-proxy) where a proxy in \
                     front speaks TLS, or server.insecure (--insecure) on a network that you trust",
                    server.listen
                ),
            ),
            (
                ingest.line_max > ingest.body_max,
                format!("ingest.line_max {} is larger than ingest.body_max {}", ingest.line_max, ingest.body_max),
            ),
            (
                ingest.body_max.0 + (1 << 20) > wal.size_max.0 / 4,
                format!(
                    "wal.size_max {} must be more than four times ingest.body_max {}",
                    wal.size_max, ingest.body_max
                ),
            ),
            (
                wal.segment_size.0 > wal.size_max.0 / 3,
                format!(
                    "wal.size_max {} must hold three segments of wal.segment_size {}: one of them is for the audit journal",
                    wal.size_max, wal.segment_size
                ),
            ),
            (
                ingest.body_max > ingest.hot_max,
                format!("ingest.body_max {} is larger than ingest.hot_max {}", ingest.body_max, ingest.hot_max),
            ),
            (
                self.flush.size > ingest.hot_max,
                format!("flush.size {} is larger than ingest.hot_max {}", self.flush.size, ingest.hot_max),
            ),
            (
                self.query.memory_max > self.query.guard.memory_total_max,
                format!(
                    "query.memory_max {} is larger than query.guard.memory_total_max {}",
                    self.query.memory_max, self.query.guard.memory_total_max
                ),
            ),
        ];
        match contradictions.into_iter().find(|(wrong, _)| *wrong) {
            Some((_, text)) => Err(ConfigError::Contradiction(text)),
            None => {
                self.query.guard.check()?;
                self.attachments.check()?;
                self.webhook.check()?;
                self.audit.check()
            }
        }
    }
}

#[cfg(test)]
mod tests;
