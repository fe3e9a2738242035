//! NDJSON: a record a line. What a line holds is the server's to judge.

use std::io::BufRead;

use super::InputError;
use super::input::{Fault, Records, Taken};
use super::source::Position;

/// Lines of a text; empty ones count.
pub(super) struct Lines<R> {
    input: R,
    position: Position,
    record_max: usize,
}

impl<R> Lines<R> {
    pub(super) fn new(input: R, position: Position, record_max: usize) -> Self {
        Self { input, position, record_max }
    }
}

impl<R: BufRead + Send> Records for Lines<R> {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Taken>, InputError> {
        let start = out.len();
        let (mut any, mut over) = (false, false);
        loop {
            let chunk = self.input.fill_buf().map_err(InputError::read("read it"))?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            // One more than the limit: a carriage return does not count.
            over |= out.len() - start + part.len() > self.record_max + 1;
            if !over {
                out.extend_from_slice(part);
            }
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        if out.len() > start && out.ends_with(b"\r") {
            out.pop();
        }
        if over || out.len() - start > self.record_max {
            out.truncate(start);
            return Ok(Some(Taken::Fault(Fault::too_long(self.record_max))));
        }
        Ok(Some(Taken::Record))
    }

    fn position(&self) -> u64 {
        self.position.bytes()
    }
}

#[cfg(test)]
mod tests;
