//! What the log says, kept up to date commit by commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use chrono::NaiveDate;
use object_store::path::Path;

use super::error::TableError;
use super::log::{Add, Commit, MODEL_PROPERTY, Metadata, ORDERED_TAG, Protocol, Remove, WORK_TAG};
use super::sums::Sums;
use super::version::{DataFile, TableVersion, Work};
use super::writer::{date_text, join};
use super::{MODEL_VERSION, log, stats, sums};
use crate::event::schema::{DATE, MODULE};

/// Newest protocol that we read and write: no deletion vectors, no table features.
pub(super) const PROTOCOL: Protocol = Protocol { min_reader_version: 1, min_writer_version: 2 };

/// A table at one version of its log.
#[derive(Debug)]
pub(super) struct State {
    /// Root of the table in the store.
    root: Path,
    /// Live files by path.
    pub(super) live: HashMap<String, Arc<DataFile>>,
    /// Files that were removed, and when (ms since 1970).
    pub(super) removed: HashMap<String, i64>,
    /// Versions of transactions by application.
    txns: HashMap<String, i64>,
    /// Checkpoints by version, and when they were written (ms since 1970); older ones may be there besides.
    checkpoints: BTreeMap<u64, i64>,
    /// Version before which the log has nothing any more, as far as we dropped it.
    log_begin: u64,
    current: Arc<TableVersion>,
    version: u64,
    /// Files that came since `current` was made.
    added: Vec<Arc<DataFile>>,
    /// Whether files went since `current` was made.
    lost: bool,
    /// Versions that a reader may still hold.
    handed_out: Vec<Weak<TableVersion>>,
}

impl State {
    /// A table of which nothing is known yet; the first commit absorbed is the next after `version`.
    pub(super) fn new(root: Path) -> Self {
        Self {
            root,
            live: HashMap::new(),
            removed: HashMap::new(),
            txns: HashMap::new(),
            checkpoints: BTreeMap::new(),
            log_begin: 0,
            current: Arc::default(),
            version: 0,
            added: Vec::new(),
            lost: false,
            handed_out: Vec::new(),
        }
    }

    /// Version of the log.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Version of transaction `app`.
    pub(super) fn txn(&self, app: &str) -> Option<i64> {
        self.txns.get(app).copied()
    }

    /// Version of the transaction whose name begins with `app`.
    pub(super) fn txn_of(&self, app: &str) -> Option<i64> {
        self.txns.iter().find(|(known, _)| known.starts_with(app)).map(|(_, version)| *version)
    }

    /// Highest `_seq` in the table, over all data directories.
    pub(super) fn highest_seq(&self) -> Option<i64> {
        let sequences = self.txns.iter().filter(|(app, _)| app.as_str() != log::EPOCH);
        sequences.map(|(_, version)| *version).max()
    }

    pub(super) fn set_txn(&mut self, app: &str, version: i64) {
        self.txns.insert(app.to_owned(), version);
    }

    /// Version of the newest checkpoint; 0 without one.
    pub(super) fn checkpoint(&self) -> u64 {
        self.checkpoints.last_key_value().map_or(0, |(version, _)| *version)
    }

    /// There is a checkpoint of this version.
    pub(super) fn has_checkpoint(&mut self, version: u64, written_ms: i64) {
        self.checkpoints.insert(version, written_ms);
    }

    /// The newest checkpoint that was written before, where there is something to be dropped before it.
    pub(super) fn log_begins_at(&self, before_ms: i64) -> Option<u64> {
        let old = self.checkpoints.iter().rev().find(|(_, written_ms)| **written_ms <= before_ms);
        old.map(|(version, _)| *version).filter(|version| *version > self.log_begin)
    }

    /// The log has nothing before `version` any more.
    pub(super) fn drop_log_before(&mut self, version: u64) {
        self.log_begin = version;
        self.checkpoints = self.checkpoints.split_off(&version);
    }

    /// Takes over what a checkpoint holds.
    pub(super) fn start_from(&mut self, version: u64, adds: Vec<Add>) -> Result<(), TableError> {
        self.version = version;
        for add in adds {
            self.add(data_file(&self.root, &add)?);
        }
        Ok(())
    }

    /// Applies the commit of `version`. Files in `known` keep their exact statistics.
    ///
    /// # Errors
    /// The commit makes the table something that we cannot handle; the state is unchanged then.
    pub(super) fn absorb(&mut self, version: u64, commit: &Commit, known: &[Arc<DataFile>]) -> Result<(), TableError> {
        self.check(commit.protocol.as_ref(), commit.metadata.as_ref())?;
        let known: HashMap<&str, &Arc<DataFile>> = known.iter().map(|file| (file.path.as_str(), file)).collect();
        let added = commit.adds.iter().map(|add| match known.get(add.path.as_str()) {
            Some(file) => Ok(Arc::clone(file)),
            None => data_file(&self.root, add),
        });
        let added = added.collect::<Result<Vec<_>, _>>()?;
        for remove in &commit.removes {
            self.remove(remove);
        }
        for file in added {
            self.add(file);
        }
        for txn in &commit.txns {
            self.set_txn(&txn.app_id, txn.version);
        }
        self.version = version;
        Ok(())
    }

    fn add(&mut self, file: Arc<DataFile>) {
        self.removed.remove(&file.path);
        self.lost |= self.live.insert(file.path.clone(), Arc::clone(&file)).is_some();
        self.added.push(file);
    }

    fn remove(&mut self, remove: &Remove) {
        self.lost |= self.live.remove(&remove.path).is_some();
        self.removed.insert(remove.path.clone(), remove.deletion_timestamp.unwrap_or(0));
    }

    /// Refuses a table that we do not understand.
    pub(super) fn check(&self, protocol: Option<&Protocol>, metadata: Option<&Metadata>) -> Result<(), TableError> {
        if let Some(protocol) = protocol {
            check_protocol(&self.root, protocol.min_reader_version, protocol.min_writer_version)?;
        }
        match metadata {
            Some(metadata) => check_model(&self.root, metadata.configuration.get(MODEL_PROPERTY).cloned().flatten()),
            None => Ok(()),
        }
    }

    /// The version that the state is at; the same `Arc` until a commit is absorbed.
    pub(super) fn current(&mut self) -> Arc<TableVersion> {
        if self.current.version == self.version && self.added.is_empty() && !self.lost && !self.handed_out.is_empty() {
            return Arc::clone(&self.current);
        }
        let mut files = self.current.files.clone();
        files.append(&mut self.added);
        if self.lost {
            files.retain(|file| self.live.get(&file.path).is_some_and(|live| Arc::ptr_eq(live, file)));
        }
        // Few files come at a time: the sort finds the run of those that are in place already.
        files.sort_by(|left, right| left.place(right));
        self.lost = false;
        self.current = Arc::new(TableVersion { version: self.version, files });
        self.handed_out.retain(|version| version.strong_count() > 0);
        self.handed_out.push(Arc::downgrade(&self.current));
        Arc::clone(&self.current)
    }

    /// Versions that somebody may still read.
    pub(super) fn in_use(&self) -> Vec<Arc<TableVersion>> {
        self.handed_out.iter().filter_map(Weak::upgrade).collect()
    }
}

pub(super) fn check_protocol(root: &Path, reader: i32, writer: i32) -> Result<(), TableError> {
    if reader <= PROTOCOL.min_reader_version && writer <= PROTOCOL.min_writer_version {
        return Ok(());
    }
    let what = format!(
        "was raised to Delta protocol {reader}/{writer}; Kronika handles up to {}/{}",
        PROTOCOL.min_reader_version, PROTOCOL.min_writer_version
    );
    Err(TableError::Foreign { table: root.to_string(), what })
}

pub(super) fn check_model(root: &Path, property: Option<String>) -> Result<(), TableError> {
    let found = property.as_deref().and_then(|text| text.parse::<u32>().ok());
    match found {
        Some(found) if found <= MODEL_VERSION => Ok(()),
        Some(found) => Err(TableError::NewerModel { found, known: MODEL_VERSION }),
        None => Err(TableError::Foreign {
            table: root.to_string(),
            what: format!("has no property `{MODEL_PROPERTY}`: it was not made by Kronika"),
        }),
    }
}

/// Values of the partition columns as the log has them.
pub(super) fn partition_values(file: &DataFile) -> std::collections::BTreeMap<String, Option<String>> {
    [(DATE.to_owned(), Some(date_text(file.date))), (MODULE.to_owned(), file.module.clone())].into()
}

fn work(tag: &str) -> Option<Work> {
    let (flushed, rewritten) = tag.split_once(',')?;
    Some(Work { flushed: flushed.parse().ok()?, rewritten: rewritten.parse().ok()? })
}

/// A live file from its entry in the log.
fn data_file(root: &Path, add: &Add) -> Result<Arc<DataFile>, TableError> {
    let damaged = |what: &str| TableError::DamagedFile { path: add.path.clone(), what: what.to_owned() };
    let value = |name: &str| add.partition_values.get(name).cloned().flatten();
    let date = value(DATE).and_then(|text| NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok());
    let days = date.map(|date| (date - NaiveDate::default()).num_days()).and_then(|days| i32::try_from(days).ok());
    let known = add.stats.as_deref().and_then(stats::decode);
    let (rows, stats) = known.ok_or_else(|| damaged("has no row count in the log"))?;
    let size = u64::try_from(add.size).map_err(|_| damaged("has a negative size in the log"))?;
    let work = add.tags.as_ref().and_then(|tags| work(tags.get(WORK_TAG)?.as_deref()?));
    Ok(Arc::new(DataFile {
        location: join(root, &add.path)?,
        path: add.path.clone(),
        size,
        work: work.unwrap_or_else(|| Work::of_flush(size)),
        rows,
        date: days.ok_or_else(|| damaged("has no date in the log"))?,
        module: value(MODULE).filter(|module| !module.is_empty()),
        modified_ms: add.modification_time,
        ordered: add.tags.as_ref().is_some_and(|tags| tags.contains_key(ORDERED_TAG)),
        stats,
        sums: add.tags.as_ref().and_then(|tags| Sums::parse(tags.get(sums::TAG)?.as_deref()?)),
    }))
}
