//! Helpers of the log's tests; the tests stand by topic in `tests/`.

mod append;
mod crash;
mod failure;
mod groups;
mod recovery;
mod rot;
mod simulate;
mod space;

use std::error::Error;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tempfile::TempDir;

use super::segment::{self, SEGMENT_HEAD};
use super::{Frame, Replayed, Sink, Wal, WalError};
use crate::config::{self, ByteCount};
use crate::error::Report;
use crate::event::names::ProjectName;

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn settings(segment_size: u64, size_max: u64) -> config::Wal {
    config::Wal { segment_size: ByteCount(segment_size), size_max: ByteCount(size_max) }
}

/// Small segments: a page of header, 12 KiB of frames.
pub(super) fn small() -> config::Wal {
    settings(16 << 10, 1 << 20)
}

pub(super) fn project(name: &str) -> ProjectName {
    ProjectName::try_from(name).unwrap()
}

pub(super) fn frame(name: &str, rows: u32, body: impl Into<Bytes>) -> Frame {
    Frame { project: project(name), rows, meta: Bytes::from_static(b"meta"), body: body.into() }
}

/// A body that says which it is, of `len` bytes.
pub(super) fn body(number: u64, len: usize) -> Bytes {
    number.to_le_bytes().iter().copied().cycle().take(len).collect()
}

/// What a sink was told, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Durable(u64, u64),
    Failed(&'static str, u64),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<(Mutex<Vec<Told>>, Condvar)>);

impl Seen {
    fn push(&self, told: impl IntoIterator<Item = Told>) {
        self.0.0.lock().extend(told);
        self.0.1.notify_all();
    }

    /// Waits until the sink was told of `count` frames.
    #[track_caller]
    pub(super) fn wait(&self, count: usize) -> Vec<Told> {
        let mut told = self.0.0.lock();
        while told.len() < count {
            let late = self.0.1.wait_for(&mut told, PATIENCE).timed_out();
            assert!(!late, "told of {} of {count} frames", told.len());
        }
        told.clone()
    }

    pub(super) fn durable(&self) -> Vec<(u64, u64)> {
        let told = self.0.0.lock();
        told.iter()
            .filter_map(|told| if let Told::Durable(seq, ticket) = told { Some((*seq, *ticket)) } else { None })
            .collect()
    }
}

impl Sink<u64> for Seen {
    fn durable(&mut self, batch: Vec<(u64, u64)>) {
        self.push(batch.into_iter().map(|(seq, ticket)| Told::Durable(seq, ticket)));
    }

    fn failed(&mut self, error: Arc<WalError>, lost: Vec<u64>) {
        self.push(lost.into_iter().map(|ticket| Told::Failed(error.code(), ticket)));
    }
}

/// An open log and what its sink saw; each append's ticket is its number in the order of calls.
pub(super) struct TestLog {
    pub(super) wal: Wal<u64>,
    pub(super) seen: Seen,
    appended: u64,
}

impl TestLog {
    #[track_caller]
    pub(super) fn open(dir: &Path, settings: &config::Wal) -> (Self, Vec<Replayed>) {
        Self::try_open(dir, settings).unwrap()
    }

    pub(super) fn try_open(dir: &Path, settings: &config::Wal) -> Result<(Self, Vec<Replayed>), WalError> {
        let (seen, mut replayed) = (Seen::default(), Vec::new());
        let mut replay = |frame| -> Result<(), Box<dyn Error + Send + Sync>> {
            replayed.push(frame);
            Ok(())
        };
        let wal = Wal::open(dir, settings, &mut replay, Box::new(seen.clone()))?;
        Ok((Self { wal, seen, appended: 0 }, replayed))
    }

    /// A new log in a new directory.
    pub(super) fn create(settings: &config::Wal) -> (TempDir, Self) {
        let dir = tempfile::tempdir().unwrap();
        let (log, replayed) = Self::open(dir.path(), settings);
        assert_eq!(replayed, []);
        (dir, log)
    }

    pub(super) fn append(&mut self, frame: Frame) -> Result<u64, WalError> {
        let appended = self.wal.append(frame, self.appended).map_err(|(error, ticket)| {
            assert_eq!(ticket, self.appended);
            error
        })?;
        self.appended += 1;
        Ok(appended)
    }

    /// Appends and waits until it is durable: each frame is a group of its own.
    #[track_caller]
    pub(super) fn append_durably(&mut self, frame: Frame) -> u64 {
        let told = self.seen.wait(self.appended as usize).len();
        let seq = self.append(frame).unwrap();
        self.seen.wait(told + 1);
        seq
    }
}

/// Waits for what another thread does.
#[track_caller]
pub(super) fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(super) fn segment_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(segment::file_name(id))
}

/// Names of the log's segment files.
pub(super) fn segment_files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| segment::id_of(name).is_some());
    names.sort();
    names
}

/// Where the whole frames of a segment begin, and where the last ends.
pub(super) fn frame_offsets(path: &Path) -> Vec<u64> {
    let mut offsets = vec![SEGMENT_HEAD];
    let file = fs::File::open(path).unwrap();
    let segment::Header::Valid { mark, .. } = segment::read_header(&file).unwrap() else { panic!("no header") };
    let mut reader = super::reader::FrameReader::new(file, Some(mark)).unwrap();
    while let super::reader::Step::Frame(..) = reader.next().unwrap() {
        offsets.push(reader.offset());
    }
    offsets
}

/// Copies what a process killed now would leave. Newest file first and each from its end backwards: the log
/// grows meanwhile, and a copy must not hold a later write without an earlier one.
pub(super) fn copy_dir(from: &Path, to: &Path) {
    let mut names: Vec<_> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    for name in names.iter().rev() {
        // Renamed between listing and copying: a file that was being prepared.
        let Ok(source) = fs::File::open(from.join(name)) else { continue };
        let copy = fs::File::create(to.join(name)).unwrap();
        let len = source.metadata().unwrap().len();
        for at in (0..len.div_ceil(4096)).rev().map(|page| page * 4096) {
            let mut page = vec![0; (len - at).min(4096) as usize];
            source.read_exact_at(&mut page, at).unwrap();
            copy.write_all_at(&page, at).unwrap();
        }
    }
}
