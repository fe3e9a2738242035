//! Settings: defaults, then a TOML file, then `KRONIKA__SECTION__KEY` in the environment, then flags.
//!
//! An unknown key is an error. Every default stands here once; [`Config::load`] is the only way in,
//! and code behind it never asks whether something was set.

mod guard;
mod network;
mod redaction;
mod units;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use guard::Guard;
pub use network::Network;
pub use redaction::{DEFAULT_HEADERS, DEFAULT_PARAMETERS, RedactLists, Redaction};
pub use units::{ByteCount, Span};

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
    /// The write-ahead log.
    pub wal: Wal,
    /// When hot events become files.
    pub flush: Flush,
    /// When small files become large ones.
    pub compaction: Compaction,
    /// Limits of one query.
    pub query: Query,
    /// How long keys live.
    pub access: Access,
    /// What is blanked in events before anything is stored.
    pub redaction: Redaction,
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
    /// Most requests at once on one HTTP/2 connection.
    pub streams_max: u32,
    /// Longest clean stop.
    pub stop_timeout: Span,
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
            streams_max: 128,
            stop_timeout: Span::secs(30),
        }
    }
}

/// Where the tables lie.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// A local path or a URL such as `s3://bucket/prefix`; default `DATA_DIR/store`.
    pub url: Option<String>,
    /// Options of the object store by its own names, e.g. `aws_endpoint`.
    pub options: BTreeMap<String, String>,
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
    /// Least number of small files of a partition that are worth a rewrite.
    pub files_min: usize,
    /// Size above which a file is left alone.
    pub target_size: ByteCount,
    /// How long files that were replaced stay for readers of older versions.
    pub keep_replaced: Span,
}

impl Default for Compaction {
    fn default() -> Self {
        Self {
            interval: Span::secs(600),
            files_min: 4,
            target_size: ByteCount::mib(256),
            keep_replaced: Span::secs(3_600),
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
            guard: Guard::default(),
        }
    }
}

/// How long keys live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Access {
    /// Longest life, and the default one, of keys that can do more than send events.
    pub key_lifetime_max: Span,
    /// How long the secret before a rotation stays valid where the request does not say it.
    pub rotation_overlap: Span,
}

impl Default for Access {
    fn default() -> Self {
        Self { key_lifetime_max: Span::secs(365 * 86_400), rotation_overlap: Span::secs(86_400) }
    }
}

/// Why settings cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file, the environment or a value in them is wrong.
    #[error("cannot read the settings{}", from.as_ref().map(|path| format!(" of `{}`", path.display())).unwrap_or_default())]
    Read {
        /// The settings file, if one was named.
        from: Option<PathBuf>,
        /// What is wrong with it.
        #[source]
        source: config::ConfigError,
    },
    /// Two settings contradict each other.
    #[error("{0}")]
    Contradiction(String),
}

impl Config {
    /// Settings from the defaults, `file` and the environment; flags are the caller's to apply, then
    /// [`Config::check`].
    ///
    /// # Errors
    /// An unreadable file, an unknown key, a value of the wrong form.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { from: file.map(Path::to_path_buf), source };
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        builder
            .add_source(
                config::Environment::with_prefix("KRONIKA").prefix_separator("__").separator("__").try_parsing(true),
            )
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(read)
    }

    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// The first contradiction, with both numbers.
    pub fn check(&self) -> Result<(), ConfigError> {
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
            (server.connections_max == 0, "server.connections_max 0 must be at least 1".to_string()),
            (server.header_max.0 < 8_192, format!("server.header_max {} must be at least 8KiB", server.header_max)),
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
                wal.segment_size.0 > wal.size_max.0 / 2,
                format!(
                    "wal.size_max {} must hold two segments of wal.segment_size {}",
                    wal.size_max, wal.segment_size
                ),
            ),
            (
                ingest.events_max == 0 || ingest.events_max > 16_000_000,
                format!("ingest.events_max {} must be between 1 and 16000000", ingest.events_max),
            ),
        ];
        match contradictions.into_iter().find(|(wrong, _)| *wrong) {
            Some((_, text)) => Err(ConfigError::Contradiction(text)),
            None => self.query.guard.check(),
        }
    }
}

#[cfg(test)]
mod tests;
