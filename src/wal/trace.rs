//! What the log does to its disk, in order, for simulations of disks that fail (`tests/simulate`).
//!
//! Outside of tests every function here is empty.

use std::io::IoSlice;
use std::path::Path;

#[cfg(test)]
pub(super) use recorder::{Op, Recording};

#[cfg(test)]
mod recorder {
    use std::collections::HashMap;
    use std::path::{Path, PathBuf};

    use parking_lot::Mutex;

    /// One thing that was done; paths are file names in the log's directory.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in crate::wal) enum Op {
        Create(String),
        Write {
            file: String,
            offset: u64,
            bytes: Vec<u8>,
        },
        Sync(String),
        Rename(String, String),
        Remove(String),
        SyncDir,
        /// The sink was told that this frame is durable.
        Acked(u64),
    }

    static RECORDINGS: Mutex<Option<HashMap<PathBuf, Vec<Op>>>> = Mutex::new(None);

    /// Records what is done in a directory, until it is taken.
    pub(in crate::wal) struct Recording(PathBuf);

    impl Recording {
        pub(in crate::wal) fn of(dir: &Path) -> Self {
            RECORDINGS.lock().get_or_insert_default().insert(dir.to_owned(), Vec::new());
            Self(dir.to_owned())
        }

        pub(in crate::wal) fn acked(&self, seq: u64) {
            note(&self.0, Op::Acked(seq));
        }

        pub(in crate::wal) fn take(&self) -> Vec<Op> {
            RECORDINGS.lock().as_mut().and_then(|all| all.remove(&self.0)).unwrap_or_default()
        }
    }

    pub(super) fn note(dir: &Path, op: Op) {
        if let Some(ops) = RECORDINGS.lock().as_mut().and_then(|all| all.get_mut(dir)) {
            ops.push(op);
        }
    }

    pub(super) fn note_at(path: &Path, op: impl FnOnce(String) -> Op) {
        if let (Some(dir), Some(name)) = (path.parent(), path.file_name()) {
            note(dir, op(name.to_string_lossy().into_owned()));
        }
    }
}

macro_rules! noted {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $kind:ty),*) $body:block)*) => { $(
        $(#[$doc])*
        #[cfg(test)]
        pub(super) fn $name($($arg: $kind),*) $body

        $(#[$doc])*
        #[cfg(not(test))]
        #[inline]
        pub(super) fn $name($(_: $kind),*) {}
    )* };
}

noted! {
    /// A file was made, or emptied.
    fn created(path: &Path) {
        recorder::note_at(path, Op::Create);
    }

    /// Bytes were written one behind the other.
    fn wrote(path: &Path, offset: u64, bytes: &[IoSlice<'_>]) {
        recorder::note_at(path, |file| Op::Write { file, offset, bytes: bytes.iter().flat_map(|part| part.to_vec()).collect() });
    }

    /// Zeros were written.
    fn zeroed(path: &Path, offset: u64, count: u64) {
        recorder::note_at(path, |file| Op::Write { file, offset, bytes: vec![0; count as usize] });
    }

    /// A sync of the file returned.
    fn synced(path: &Path) {
        recorder::note_at(path, Op::Sync);
    }

    /// A file got another name.
    fn renamed(from: &Path, to: &Path) {
        let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
        recorder::note_at(from, |file| Op::Rename(file, name));
    }

    /// A file was removed.
    fn removed(path: &Path) {
        recorder::note_at(path, Op::Remove);
    }

    /// A sync of the directory returned.
    fn dir_synced(dir: &Path) {
        recorder::note(dir, Op::SyncDir);
    }
}
