//! Server-sent events out of a body, as far as the tail uses them.

use std::time::Duration;

/// One block of a stream.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Name of the event; empty for an ordinary one.
    pub(super) event: String,
    /// Its data; empty in blocks that only tell how far the stream is.
    pub(super) data: String,
}

/// Takes a stream apart, whatever the pieces in which it comes.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    block: Block,
    /// Where to go on after the last whole block.
    pub(super) last_id: Option<String>,
    next_id: Option<String>,
    /// How long to wait before coming back, once the server has said so.
    pub(super) retry: Option<Duration>,
}

/// A stream that goes on behind an event.
impl From<Option<String>> for Parser {
    fn from(last_id: Option<String>) -> Self {
        Self { last_id, ..Self::default() }
    }
}

impl Parser {
    /// The blocks that are whole with `bytes`, in their order; `each` sees every one before the next is known.
    ///
    /// # Errors
    /// What `each` fails with; the position is then still that of the block before.
    pub(super) fn feed<E>(&mut self, bytes: &[u8], mut each: impl FnMut(Block) -> Result<(), E>) -> Result<(), E> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some((b'\n', text)) = piece.split_last() else {
                self.line.extend_from_slice(piece);
                continue;
            };
            self.line.extend_from_slice(text);
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                let block = std::mem::take(&mut self.block);
                if !block.data.is_empty() {
                    each(block)?;
                }
                if let Some(id) = self.next_id.take() {
                    self.last_id = Some(id);
                }
            } else {
                self.field(line);
            }
        }
        Ok(())
    }

    /// Forgets what is not whole: the stream broke off.
    pub(super) fn reset(&mut self) {
        self.line.clear();
        self.block = Block::default();
        self.next_id = None;
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.block.event = value.to_owned(),
            "data" => {
                if !self.block.data.is_empty() {
                    self.block.data.push('\n');
                }
                self.block.data.push_str(value);
            }
            "id" => self.next_id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis),
            // A comment, or something of a later release.
            _ => {}
        }
    }
}
