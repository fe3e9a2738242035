//! JSON that is not one record a line: an array of records, or records one after the other.
//!
//! The splitter looks only at brackets, strings and commas, keeps one record at a time, and leaves the
//! judgement of what is inside to the server. Line breaks between tokens become spaces, so that a record
//! is one line.
//!
//! A wrapper document such as `{"Records":[…]}` is one record, which a mapping takes apart. One that grows
//! beyond [`PART`] goes out in several, each with the members before the list and some of its elements;
//! where it is cut depends on the content alone, so that numbers stay the same.

use std::io::BufRead;

use super::InputError;
use super::input::{Fault, Records, Taken};
use super::source::Position;

/// Size at which a wrapper document is cut at the last whole element.
const PART: usize = 4 << 20;

/// Records of a JSON text.
pub(super) struct JsonRecords<R> {
    input: R,
    position: Position,
    splitter: Splitter,
}

impl<R> JsonRecords<R> {
    pub(super) fn new(input: R, position: Position, record_max: usize) -> Self {
        Self { input, position, splitter: Splitter::new(record_max, PART.min(record_max)) }
    }
}

impl<R: BufRead + Send> Records for JsonRecords<R> {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Taken>, InputError> {
        loop {
            let chunk = self.input.fill_buf().map_err(InputError::read("read it"))?;
            if chunk.is_empty() {
                return Ok(self.splitter.end(out));
            }
            let found = chunk.iter().position(|byte| self.splitter.step(*byte));
            let used = found.map_or(chunk.len(), |at| at + 1);
            self.input.consume(used);
            if found.is_some() {
                return Ok(Some(self.splitter.take(out)));
            }
        }
    }

    fn position(&self) -> u64 {
        self.position.bytes()
    }
}

/// What the splitter is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Between records.
    Nothing,
    /// A record that is a number or a word; the server will refuse it.
    Word,
    /// An object, array or string.
    Value,
}

/// A list that is a member of a top-level object: where its elements start, and the last comma between two.
#[derive(Debug, Clone, Copy)]
struct List {
    start: usize,
    comma: Option<usize>,
}

#[derive(Debug)]
struct Splitter {
    record_max: usize,
    part: usize,
    /// Between the brackets of a top-level array.
    in_array: bool,
    inside: Inside,
    text: Vec<u8>,
    depth: u32,
    in_string: bool,
    escaped: bool,
    list: Option<List>,
    /// Bytes are passed over: those of a record, or of an element of `list`, that is too long.
    passing: bool,
    fault: Option<Fault>,
    /// A part of a wrapper is ready, the document goes on.
    cut: bool,
}

impl Splitter {
    fn new(record_max: usize, part: usize) -> Self {
        Self {
            record_max,
            part,
            in_array: false,
            inside: Inside::Nothing,
            text: Vec::new(),
            depth: 0,
            in_string: false,
            escaped: false,
            list: None,
            passing: false,
            fault: None,
            cut: false,
        }
    }

    /// Takes one byte; `true` when a record (or part, or fault) is ready for [`Splitter::take`].
    fn step(&mut self, byte: u8) -> bool {
        match self.inside {
            Inside::Nothing => self.between(byte),
            Inside::Word => self.word(byte),
            Inside::Value if self.in_string => self.string(byte),
            Inside::Value => self.value(byte),
        }
    }

    fn between(&mut self, byte: u8) -> bool {
        match byte {
            // 0x1e starts each record of a JSON text sequence (RFC 7464).
            b' ' | b'\t' | b'\n' | b'\r' | b',' | 0x1e => {}
            b'[' if !self.in_array => self.in_array = true,
            b']' if self.in_array => self.in_array = false,
            b'{' | b'[' | b'"' => {
                self.inside = Inside::Value;
                self.in_string = byte == b'"';
                self.depth = u32::from(byte != b'"');
                self.text.push(byte);
            }
            _ => {
                self.inside = Inside::Word;
                self.text.push(byte);
            }
        }
        false
    }

    fn word(&mut self, byte: u8) -> bool {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => true,
            b']' if self.in_array => {
                self.in_array = false;
                true
            }
            _ => self.keep(byte),
        }
    }

    fn string(&mut self, byte: u8) -> bool {
        if self.escaped {
            self.escaped = false;
        } else {
            match byte {
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                b'\n' | b'\r' => {
                    let message = "a line break stands inside a string".into();
                    self.fault.get_or_insert(Fault { code: "invalid_json", message });
                }
                _ => {}
            }
        }
        self.keep(byte) || (self.depth == 0 && !self.in_string)
    }

    fn value(&mut self, byte: u8) -> bool {
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                self.depth += 1;
                if byte == b'['
                    && self.depth == 2
                    && !self.in_array
                    && self.text.first() == Some(&b'{')
                    && !self.passing
                {
                    self.list = Some(List { start: self.text.len() + 1, comma: None });
                }
            }
            b'}' | b']' => return self.close(byte),
            b',' if self.depth == 2 => return self.comma(),
            b'\n' | b'\r' => return self.keep(b' '),
            _ => {}
        }
        self.keep(byte)
    }

    fn close(&mut self, byte: u8) -> bool {
        self.depth -= 1;
        if self.depth == 1 && self.list.take().is_some() {
            self.passing = false;
        }
        if self.depth > 0 {
            return self.keep(byte);
        }
        if !self.passing {
            self.text.push(byte);
        }
        true
    }

    fn comma(&mut self) -> bool {
        let Some(list) = &mut self.list else { return self.keep(b',') };
        if self.passing {
            // The element before it was left out, and its comma with it.
            self.passing = false;
            return false;
        }
        list.comma = Some(self.text.len());
        self.keep(b',')
    }

    /// Stores a byte; `true` when that makes a part or a fault.
    fn keep(&mut self, byte: u8) -> bool {
        if self.passing {
            return false;
        }
        self.text.push(byte);
        if self.text.len() <= self.part {
            return false;
        }
        if self.list.is_some_and(|list| list.comma.is_some()) {
            self.cut = true;
            return true;
        }
        if self.text.len() <= self.record_max {
            return false;
        }
        self.passing = true;
        self.fault = Some(Fault::too_long(self.record_max));
        match &self.list {
            Some(list) => {
                self.text.truncate(list.start);
                self.cut = true;
                true
            }
            None => {
                self.text.clear();
                false
            }
        }
    }

    /// Hands over what [`Splitter::step`] announced.
    fn take(&mut self, out: &mut Vec<u8>) -> Taken {
        let over = !self.cut && self.text.len() > self.record_max;
        let fault = self.fault.take().or_else(|| over.then(|| Fault::too_long(self.record_max)));
        if std::mem::take(&mut self.cut) {
            if let Some(List { start, comma: Some(comma) }) = self.list {
                if fault.is_none() {
                    out.extend_from_slice(&self.text[..comma]);
                    out.extend_from_slice(b"]}");
                }
                self.text.drain(start..=comma);
                self.list = Some(List { start, comma: None });
            }
        } else {
            if fault.is_none() {
                out.extend_from_slice(&self.text);
            }
            self.text.clear();
            (self.inside, self.depth, self.list, self.passing) = (Inside::Nothing, 0, None, false);
        }
        fault.map_or(Taken::Record, Taken::Fault)
    }

    /// The last record, when the text ends without closing it.
    fn end(&mut self, out: &mut Vec<u8>) -> Option<Taken> {
        match self.inside {
            Inside::Word => Some(self.take(out)),
            Inside::Nothing if !self.in_array => None,
            Inside::Nothing | Inside::Value => {
                self.in_array = false;
                self.in_string = false;
                self.cut = false;
                let message = "the file ends before its last bracket or quote is closed".into();
                self.fault = Some(Fault { code: "invalid_json", message });
                Some(self.take(out))
            }
        }
    }
}

#[cfg(test)]
mod tests;
