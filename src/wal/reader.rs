//! Reads the frames of one segment in order, and looks for frames behind damage.
//!
//! Shared by replay, inspection and salvage. It judges one segment; what damage means for the whole
//! log is decided in `replay`. Frames stream: one payload is in memory at a time.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use bytes::Bytes;

use super::frame::{Decoded, HEAD, Head, MAGIC};
use super::segment::SEGMENT_HEAD;
use super::{Damage, Frame};

const BUFFER: usize = 256 << 10;

/// What comes next in a segment.
#[derive(Debug)]
pub(super) enum Step {
    Frame(Head, Frame),
    /// Zeros, or too little room for a head.
    End,
    Damaged(Damage),
}

/// Position in a segment's frames.
pub(super) struct FrameReader<R = File> {
    file: BufReader<R>,
    /// Where the next frame starts.
    offset: u64,
    len: u64,
    /// Mark that frames must have; `None` takes any.
    mark: Option<u64>,
}

impl FrameReader {
    /// Starts at the first frame. Without a mark, the header being unreadable, frames of the file's
    /// former lives are taken too.
    pub(super) fn new(file: File, mark: Option<u64>) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Self::over(file, len, mark)
    }
}

impl<R: Read + Seek> FrameReader<R> {
    /// As [`FrameReader::new`], over `len` bytes of anything.
    pub(super) fn over(file: R, len: u64, mark: Option<u64>) -> io::Result<Self> {
        let mut reader = Self { file: BufReader::with_capacity(BUFFER, file), offset: 0, len, mark };
        reader.seek(SEGMENT_HEAD)?;
        Ok(reader)
    }

    /// Where the next frame starts, or where the damage lies after [`Step::Damaged`].
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes on at `offset`.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.offset = offset;
        self.file.seek(SeekFrom::Start(offset)).map(drop)
    }

    /// Reads one frame. After anything but a frame, only [`Self::seek`] goes on.
    pub(super) fn next(&mut self) -> io::Result<Step> {
        let left = self.len.saturating_sub(self.offset);
        if left < HEAD as u64 {
            return Ok(Step::End);
        }
        let mut bytes = [0; HEAD];
        self.file.read_exact(&mut bytes)?;
        let head = match Head::decode(&bytes) {
            Decoded::Head(head) => head,
            Decoded::End => return Ok(Step::End),
            Decoded::Damaged => return Ok(Step::Damaged(Damage::Head)),
        };
        if !self.owns(&head) {
            return Ok(Step::Damaged(Damage::Foreign));
        }
        if head.len() > left {
            return Ok(Step::Damaged(Damage::CutShort));
        }
        let mut payload = vec![0; head.payload_len() as usize];
        self.file.read_exact(&mut payload)?;
        match head.frame(Bytes::from(payload)) {
            Ok(frame) => {
                self.offset += head.len();
                Ok(Step::Frame(head, frame))
            }
            Err(damage) => Ok(Step::Damaged(damage)),
        }
    }

    /// Takes only frames of this mark from now on.
    pub(super) fn set_mark(&mut self, mark: u64) {
        self.mark = Some(mark);
    }

    fn owns(&self, head: &Head) -> bool {
        self.mark.is_none_or(|mark| mark == head.mark)
    }

    /// First head of this segment at or behind `from` that `accept` takes; its payload is not read.
    pub(super) fn find(&mut self, from: u64, accept: impl Fn(&Head) -> bool) -> io::Result<Option<(u64, Head)>> {
        self.file.seek(SeekFrom::Start(from))?;
        let finder = memchr::memmem::Finder::new(&MAGIC);
        // `window` starts at `start`; its last bytes are kept, because a head may reach into the next read.
        let (mut window, mut start) = (Vec::with_capacity(BUFFER + HEAD), from);
        loop {
            let read = self.file.by_ref().take(BUFFER as u64).read_to_end(&mut window)?;
            for at in finder.find_iter(&window) {
                let Some(Decoded::Head(head)) = window[at..].first_chunk().map(Head::decode) else { continue };
                if self.owns(&head) && accept(&head) {
                    return Ok(Some((start + at as u64, head)));
                }
            }
            if read == 0 {
                return Ok(None);
            }
            let keep = window.len().min(HEAD - 1);
            start += (window.len() - keep) as u64;
            window.drain(..window.len() - keep);
        }
    }
}
