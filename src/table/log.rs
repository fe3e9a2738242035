//! Commits of the Delta log: JSON lines, one action each, in `_delta_log/VERSION.json`.
//!
//! Only what we write or must understand is spelt out; other actions and fields are passed over.
//! Paths are URI-encoded in the log and plain everywhere else.
//!
//! Transaction identifiers that we keep in the log:
//! * `kronika/writer/UUID`: last `_seq` that this data directory has flushed into the table;
//! * `kronika/seq`: the highest of those, over all data directories there ever were;
//! * `kronika/epoch`: grows with each opened table that writes; the newest is the only one that may.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::error::TableError;

/// Directory of the log, below the table's root.
pub(super) const LOG_DIR: &str = "_delta_log";
/// Transaction identifier of the epoch.
pub(super) const EPOCH: &str = "kronika/epoch";
/// Transaction identifier of the highest `_seq`.
pub(super) const HIGHEST: &str = "kronika/seq";
/// Tag of files that we wrote: they have our order.
pub(super) const ORDERED_TAG: &str = "kronika.ordered";
/// Tag of files that merges wrote: what that took, as `FLUSHED,REWRITTEN` in bytes.
pub(super) const WORK_TAG: &str = "kronika.work";
/// Table property that holds the version of the event model.
pub(super) const MODEL_PROPERTY: &str = "kronika.modelVersion";

/// A file that becomes live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Add {
    #[serde(with = "uri")]
    pub(super) path: String,
    pub(super) partition_values: BTreeMap<String, Option<String>>,
    pub(super) size: i64,
    pub(super) modification_time: i64,
    pub(super) data_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stats: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tags: Option<BTreeMap<String, Option<String>>>,
}

/// A file that is live no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remove {
    #[serde(with = "uri")]
    pub(super) path: String,
    #[serde(default)]
    pub(super) deletion_timestamp: Option<i64>,
    pub(super) data_change: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) extended_file_metadata: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partition_values: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<i64>,
}

/// Progress of an application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Txn {
    pub(super) app_id: String,
    pub(super) version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_updated: Option<i64>,
}

/// What readers and writers must be able to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Protocol {
    pub(super) min_reader_version: i32,
    pub(super) min_writer_version: i32,
}

/// Schema and properties of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) format: Format,
    pub(super) schema_string: String,
    pub(super) partition_columns: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created_time: Option<i64>,
    #[serde(default)]
    pub(super) configuration: BTreeMap<String, Option<String>>,
}

/// How data files are encoded: always Parquet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Format {
    pub(super) provider: String,
    #[serde(default)]
    pub(super) options: BTreeMap<String, Option<String>>,
}

/// Who made the commit; readers take any fields here.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommitInfo {
    #[serde(default)]
    pub(super) timestamp: Option<i64>,
    #[serde(default)]
    pub(super) operation: Option<String>,
    #[serde(default)]
    pub(super) operation_parameters: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    pub(super) engine_info: Option<String>,
    /// Unique: tells our own commit from another's when the store's answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kronika_commit: Option<String>,
    /// CRC-32C of the file, in hex, with zeros in its own place. Filled in by [`Commit::encode`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kronika_sum: Option<String>,
}

/// One line of a commit.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    add: Option<Add>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remove: Option<Remove>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    txn: Option<Txn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protocol: Option<Protocol>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meta_data: Option<Metadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit_info: Option<CommitInfo>,
}

/// All actions of one commit that concern us.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Commit {
    pub(super) adds: Vec<Add>,
    pub(super) removes: Vec<Remove>,
    pub(super) txns: Vec<Txn>,
    pub(super) protocol: Option<Protocol>,
    pub(super) metadata: Option<Metadata>,
    pub(super) info: Option<CommitInfo>,
}

impl Commit {
    /// The commit as the content of its file.
    pub(super) fn encode(self) -> Result<Bytes, serde_json::Error> {
        let info = self.info.map(|info| CommitInfo { kronika_sum: Some(NO_SUM.to_owned()), ..info });
        let single = Line { commit_info: info, ..Line::default() };
        let mut lines = vec![single];
        lines.extend(self.protocol.map(|protocol| Line { protocol: Some(protocol), ..Line::default() }));
        lines.extend(self.metadata.map(|metadata| Line { meta_data: Some(metadata), ..Line::default() }));
        lines.extend(self.txns.into_iter().map(|txn| Line { txn: Some(txn), ..Line::default() }));
        lines.extend(self.removes.into_iter().map(|remove| Line { remove: Some(remove), ..Line::default() }));
        lines.extend(self.adds.into_iter().map(|add| Line { add: Some(add), ..Line::default() }));
        let mut text = Vec::new();
        for line in &lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        if let Some(place) = place_of_sum(&text) {
            let sum = format!("{:08x}", crc32c::crc32c(&text));
            text[place].copy_from_slice(sum.as_bytes());
        }
        Ok(text.into())
    }

    /// The commit in `file`, whose content is `text`.
    ///
    /// # Errors
    /// [`TableError::DamagedLog`]: empty, or not JSON lines.
    pub(super) fn decode(file: &Path, text: &[u8]) -> Result<Self, TableError> {
        if text.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            return Err(TableError::damaged_log(file, format!("is empty ({} bytes)", text.len())));
        }
        check_sum(text).map_err(|what| TableError::damaged_log(file, what))?;
        let mut commit = Self::default();
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let line: Line = serde_json::from_slice(line)
                .map_err(|error| TableError::damaged_log(file, format!("is damaged in line {}: {error}", at + 1)))?;
            commit.adds.extend(line.add);
            commit.removes.extend(line.remove);
            commit.txns.extend(line.txn);
            commit.protocol = line.protocol.or(commit.protocol);
            commit.metadata = line.meta_data.or(commit.metadata);
            commit.info = line.commit_info.or(commit.info);
        }
        if let Some(info) = &mut commit.info {
            info.kronika_sum = None;
        }
        Ok(commit)
    }

    /// Version of transaction `app` in this commit.
    pub(super) fn txn(&self, app: &str) -> Option<i64> {
        self.txns.iter().rev().find(|txn| txn.app_id == app).map(|txn| txn.version)
    }

    /// Our unique id of the commit, if it is one of Kronika's.
    pub(super) fn id(&self) -> Option<&str> {
        self.info.as_ref()?.kronika_commit.as_deref()
    }
}

/// Stands where the checksum of a commit goes while it is made.
const NO_SUM: &str = "00000000";

/// Where a commit's checksum stands, as eight hex digits. It is looked for in the text, not in its JSON: a bit that
/// flips in a name must not hide it.
fn place_of_sum(text: &[u8]) -> Option<Range<usize>> {
    const BEFORE: &[u8] = br#""kronikaSum":""#;
    let first = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
    let at = memchr::memmem::find(first, BEFORE)? + BEFORE.len();
    (at + NO_SUM.len() <= first.len()).then(|| at..at + NO_SUM.len())
}

/// Compares a commit with its checksum, if it has one: other tools and earlier releases write none.
fn check_sum(text: &[u8]) -> Result<(), String> {
    let Some(place) = place_of_sum(text) else { return Ok(()) };
    let sum = crc32c::crc32c(&text[..place.start]);
    let sum = crc32c::crc32c_append(sum, NO_SUM.as_bytes());
    let found = format!("{:08x}", crc32c::crc32c_append(sum, &text[place.end..]));
    if text[place.clone()] == *found.as_bytes() {
        return Ok(());
    }
    Err(format!("is damaged: its checksum is {found}, it says {}", String::from_utf8_lossy(&text[place])))
}

/// Path of the commit of `version`.
pub(super) fn commit_path(table: &Path, version: u64) -> Path {
    table.clone().join(LOG_DIR).join(format!("{version:020}.json"))
}

/// Version of a commit file, or `None` where `name` is not one.
pub(super) fn commit_version(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?;
    if digits.len() != 20 {
        return None;
    }
    digits.parse().ok()
}

/// Version of a checkpoint file, or `None` where `name` is not one.
pub(super) fn checkpoint_version(name: &str) -> Option<u64> {
    let (digits, rest) = name.split_at_checked(20)?;
    if !rest.starts_with(".checkpoint.") || !rest.ends_with(".parquet") {
        return None;
    }
    digits.parse().ok()
}

/// Paths in the log are URIs: what a URI may not hold is written as `%XX`.
mod uri {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(path))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        let text = String::deserialize(deserializer)?;
        decode(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is no URI-encoded path")))
    }

    pub(super) fn encode(path: &str) -> String {
        let mut uri = String::with_capacity(path.len() + 16);
        for byte in path.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => uri.push(char::from(byte)),
                b'-' | b'_' | b'.' | b'~' | b'/' | b'=' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'+' | b',' => {
                    uri.push(char::from(byte));
                }
                byte => uri.push_str(&format!("%{byte:02X}")),
            }
        }
        uri
    }

    pub(super) fn decode(uri: &str) -> Option<String> {
        let mut bytes = Vec::with_capacity(uri.len());
        let mut rest = uri.as_bytes();
        while let [first, tail @ ..] = rest {
            let escape = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
            match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &tail[2..];
                }
                None => {
                    bytes.push(*first);
                    rest = tail;
                }
            }
        }
        String::from_utf8(bytes).ok()
    }
}

#[cfg(test)]
mod tests;
