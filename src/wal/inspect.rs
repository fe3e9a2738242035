//! What is in a log, for people: `kronika wal inspect`. Changes nothing and needs no lock; of a log
//! in use it may show the last group half written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::reader::Step;
use super::segment::SEGMENT_HEAD;
use super::walk::{Seen, walk};
use super::{Damage, WalError, replay, segment};
use crate::event::names::ProjectName;

/// A log's segments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogSummary {
    /// Segments, oldest first.
    pub segments: Vec<SegmentSummary>,
    /// Files that should stand between them.
    pub missing: Vec<String>,
}

/// One segment file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentSummary {
    /// Number in the file name.
    pub id: u64,
    /// File name.
    pub file: String,
    /// Size of the file.
    pub bytes: u64,
    /// Judgement of the whole.
    pub state: SegmentState,
    /// Whole frames.
    pub frames: u64,
    /// Rows in them.
    pub rows: u64,
    /// Number of the first row.
    pub first_seq: Option<u64>,
    /// Number of the last row.
    pub last_seq: Option<u64>,
    /// What each project has here.
    pub projects: BTreeMap<ProjectName, ProjectSummary>,
    /// Places that cannot be read. One at the end of the newest segment may be a torn write.
    pub errors: Vec<Finding>,
}

/// Judgement of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentState {
    /// Prepared, no frames yet.
    Empty,
    /// Frames, all of them whole.
    Whole,
    /// Something cannot be read.
    Damaged,
}

/// One project's frames in a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ProjectSummary {
    /// Whole frames.
    pub frames: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// A place that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// File name.
    pub file: String,
    /// Byte in the file.
    pub offset: u64,
    /// What is wrong there.
    pub damage: Damage,
    /// The same as a sentence.
    pub message: String,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrameSummary {
    /// Segment it stands in.
    pub segment: u64,
    /// Byte in the file.
    pub offset: u64,
    /// Bytes in all.
    pub bytes: u64,
    /// Number of the first row.
    pub seq: u64,
    /// Rows.
    pub rows: u32,
    /// Project of the rows.
    pub project: ProjectName,
    /// Bytes of the meta part.
    pub meta_bytes: u32,
    /// Bytes of the body.
    pub body_bytes: u32,
}

/// Sums up the log in `dir`.
///
/// # Errors
/// What cannot be opened or is of another format; damage is part of the summary, no error.
pub fn inspect(dir: &Path) -> Result<LogSummary, WalError> {
    inspect_frames(dir, |_| {})
}

/// Sums up the log in `dir` and shows every whole frame.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_frames(dir: &Path, mut show: impl FnMut(FrameSummary)) -> Result<LogSummary, WalError> {
    let mut log = LogSummary::default();
    walk(dir, &mut |seen| {
        match seen {
            Seen::Missing(id) => log.missing.push(segment::file_name(id)),
            Seen::Segment { id, bytes } => log.segments.push(SegmentSummary::new(id, bytes)),
            Seen::Damage { offset, damage } => {
                if let Some(newest) = log.segments.last_mut() {
                    newest.state = SegmentState::Damaged;
                    newest.errors.push(Finding::new(newest.file.clone(), offset, damage));
                }
            }
            Seen::Frame { offset, head, frame } => {
                if let Some(newest) = log.segments.last_mut() {
                    let frame = FrameSummary {
                        segment: newest.id,
                        offset,
                        bytes: head.len(),
                        seq: head.seq,
                        rows: head.rows,
                        project: frame.project,
                        meta_bytes: head.meta_len,
                        body_bytes: head.body_len,
                    };
                    newest.add(&frame, head.end());
                    show(frame);
                }
            }
        }
        Ok(())
    })?;
    Ok(log)
}

/// What a start would make of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogCheck {
    /// Segments with frames.
    pub segments: u64,
    /// Whole frames.
    pub frames: u64,
    /// Rows in them.
    pub rows: u64,
    /// Numbers of each project's rows: first and last of every frame that has any.
    pub projects: BTreeMap<ProjectName, Vec<(u64, u64)>>,
    /// Number after the last row.
    pub end_seq: u64,
    /// Whether the last write never finished; it was never acknowledged.
    pub torn: bool,
}

/// Judges the log in `dir` as a start would, and changes nothing.
///
/// # Errors
/// What would stop the start.
pub fn verify(dir: &Path) -> Result<LogCheck, WalError> {
    let mut check = LogCheck::default();
    let recovered = replay::recover(dir, replay::Mode::Look, &mut |found| {
        let rows = u64::from(found.frame.rows);
        check.rows += rows;
        let of = check.projects.entry(found.frame.project).or_default();
        if rows > 0 {
            of.push((found.seq, found.seq + rows - 1));
        }
        Ok(())
    })?;
    check.segments = recovered.ledger.len() as u64;
    (check.frames, check.end_seq, check.torn) = (recovered.frames, recovered.end_seq, recovered.cut);
    Ok(check)
}

/// A segment as a copy of the log must have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPart {
    /// Number in the file name.
    pub id: u64,
    /// The file.
    pub path: PathBuf,
    /// Tells this use of the file from its former and later ones.
    pub mark: u64,
    /// Bytes up to the end of its last whole frame.
    pub used: u64,
}

/// Segments that hold frames, oldest first; of a log in use, too: what it appends meanwhile is left out or not.
///
/// # Errors
/// A file cannot be read, or is damaged at its start.
pub fn parts(dir: &Path) -> Result<Vec<SegmentPart>, WalError> {
    let mut parts = Vec::new();
    for (id, path) in replay::list(dir, false)? {
        let segment = replay::open_segment(id, &path)?;
        let mut reader = replay::reader(&segment)?;
        let unreadable = || WalError::io("read log segment", &path);
        while let Step::Frame(..) = reader.next().map_err(unreadable())? {}
        if reader.offset() > SEGMENT_HEAD {
            parts.push(SegmentPart { id, mark: segment.mark, used: reader.offset(), path });
        }
    }
    Ok(parts)
}

impl SegmentSummary {
    fn new(id: u64, bytes: u64) -> Self {
        Self {
            id,
            file: segment::file_name(id),
            bytes,
            state: SegmentState::Empty,
            frames: 0,
            rows: 0,
            first_seq: None,
            last_seq: None,
            projects: BTreeMap::new(),
            errors: Vec::new(),
        }
    }

    fn add(&mut self, frame: &FrameSummary, end: u64) {
        if self.state == SegmentState::Empty {
            self.state = SegmentState::Whole;
        }
        self.frames += 1;
        self.rows += u64::from(frame.rows);
        self.first_seq = self.first_seq.or(Some(frame.seq));
        self.last_seq = Some(end - 1);
        let project = self.projects.entry(frame.project.clone()).or_default();
        project.frames += 1;
        project.rows += u64::from(frame.rows);
        project.bytes += frame.bytes;
    }
}

impl Finding {
    pub(super) fn new(file: String, offset: u64, damage: Damage) -> Self {
        Self { file, offset, damage, message: damage.to_string() }
    }
}
