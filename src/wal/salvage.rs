//! Saves the readable frames of a damaged log: `kronika wal salvage DIR OUT`.
//!
//! OUT becomes one whole segment, whatever its size. Put alone into a new log directory under the
//! name of segment [`SALVAGED_ID`], the next start replays it. The damaged log is only read.

use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use super::frame::{self, HEAD, Head};
use super::inspect::Finding;
use super::segment::{self, SEGMENT_HEAD};
use super::walk::{Seen, walk};
use super::{Frame, WalError};

/// Id of the segment that is written.
pub(super) const SALVAGED_ID: u64 = 1;

/// What was saved and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SalvageReport {
    /// Frames saved.
    pub frames: u64,
    /// Rows in them.
    pub rows: u64,
    /// Size of the file written.
    pub bytes: u64,
    /// Number of the first row saved.
    pub first_seq: Option<u64>,
    /// Number of the last row saved.
    pub last_seq: Option<u64>,
    /// Name the file must have to be replayed.
    pub file: String,
    /// Places where frames could not be read.
    pub errors: Vec<Finding>,
    /// Files that should stand between the others.
    pub missing: Vec<String>,
}

/// Writes every whole frame of the log in `dir` to the new file `out`.
///
/// # Errors
/// What cannot be read at all, is of another format, or cannot be written; a half-made `out` is
/// removed. A file that exists is never overwritten.
pub fn salvage(dir: &Path, out: &Path) -> Result<SalvageReport, WalError> {
    let file = OpenOptions::new().write(true).create_new(true).open(out).map_err(WalError::io("create", out))?;
    let mut saved = Saved {
        out: BufWriter::with_capacity(1 << 18, file),
        path: out,
        mark: 0,
        end: None,
        report: SalvageReport::default(),
    };
    saved.run(dir).inspect_err(|_| drop(fs::remove_file(out)))?; // the first error counts
    Ok(saved.report)
}

struct Saved<'a> {
    out: BufWriter<fs::File>,
    path: &'a Path,
    mark: u64,
    /// Number after the last row saved.
    end: Option<u64>,
    report: SalvageReport,
}

impl Saved<'_> {
    fn run(&mut self, dir: &Path) -> Result<(), WalError> {
        self.mark = segment::new_mark().map_err(WalError::io("get random bytes for", self.path))?;
        self.report.file = segment::file_name(SALVAGED_ID);
        self.report.bytes = SEGMENT_HEAD;
        self.write(&segment::header(SALVAGED_ID, self.mark))?;
        let mut file = String::new();
        walk(dir, &mut |seen| {
            match seen {
                Seen::Segment { id, .. } => file = segment::file_name(id),
                Seen::Missing(id) => self.report.missing.push(segment::file_name(id)),
                Seen::Damage { offset, damage } => self.report.errors.push(Finding::new(file.clone(), offset, damage)),
                Seen::Frame { head, frame, .. } => self.frame(head, &frame)?,
            }
            Ok(())
        })?;
        self.write(&[0; HEAD])?;
        self.report.bytes += HEAD as u64;
        self.out.flush().and_then(|()| self.out.get_ref().sync_all()).map_err(WalError::io("write", self.path))?;
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => segment::sync_dir(parent),
            _ => segment::sync_dir(Path::new(".")),
        }
    }

    /// Numbers stay as they were; what is missing between them becomes an explicit jump.
    fn frame(&mut self, old: Head, frame: &Frame) -> Result<(), WalError> {
        let prev_end = self.end.unwrap_or(old.prev_end);
        let head = Head::of(frame, old.payload_crc, self.mark, self.report.bytes).at(old.seq, prev_end);
        self.write(&head.encode())?;
        self.write(frame.project.as_str().as_bytes())?;
        self.write(&frame.meta)?;
        self.write(&frame.body)?;
        debug_assert_eq!(frame::len_of(frame), head.len());
        self.end = Some(head.end());
        self.report.frames += 1;
        self.report.rows += u64::from(frame.rows);
        self.report.bytes += head.len();
        self.report.first_seq = self.report.first_seq.or(Some(head.seq));
        self.report.last_seq = Some(head.end() - 1);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WalError> {
        self.out.write_all(bytes).map_err(WalError::io("write", self.path))
    }
}
