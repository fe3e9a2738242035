//! CSV: the first line names the columns, every further one is a record whose values are text.

use std::io::{BufRead, Read};

use ::csv::{ByteRecord, ReaderBuilder};

use super::InputError;
use super::format::Options;
use super::input::{Fault, Records, Taken};
use super::source::Position;

/// Characters that a header line is searched for.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Rows of a CSV file as JSON objects.
pub(super) struct CsvRecords {
    reader: ::csv::Reader<Box<dyn Read + Send>>,
    position: Position,
    /// `"name":` for every column, ready to be copied.
    keys: Vec<Vec<u8>>,
    row: ByteRecord,
    skip_empty: bool,
    record_max: usize,
}

impl CsvRecords {
    /// Reads the header.
    pub(super) fn new(
        mut input: Box<dyn BufRead + Send>,
        position: Position,
        options: &Options,
    ) -> Result<Self, InputError> {
        // The header is looked at before the reader needs to know the delimiter.
        let mut line = Vec::new();
        input.read_until(b'\n', &mut line).map_err(InputError::read("read it"))?;
        let delimiter = options.delimiter.unwrap_or_else(|| most_frequent(&line));
        let whole: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(line).chain(input));
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(whole);
        let keys = keys(reader.byte_headers()?)?;
        let (row, skip_empty, record_max) = (ByteRecord::new(), options.skip_empty, options.record_max);
        Ok(Self { reader, position, keys, row, skip_empty, record_max })
    }

    /// Appends the row as an object; the message says what is wrong with it.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let (cells, names) = (self.row.len(), self.keys.len());
        if cells != names {
            let message = format!("the row has {cells} cells, the header names {names}");
            return Err(Fault { code: "csv_cells", message });
        }
        out.push(b'{');
        let mut first = true;
        for (key, cell) in self.keys.iter().zip(&self.row) {
            if self.skip_empty && cell.is_empty() {
                continue;
            }
            let text = std::str::from_utf8(cell)
                .map_err(|_| Fault { code: "invalid_utf8", message: "a cell is not UTF-8".into() })?;
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(key);
            push_text(text, out);
        }
        out.push(b'}');
        Ok(())
    }
}

impl Records for CsvRecords {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Taken>, InputError> {
        if !self.reader.read_byte_record(&mut self.row)? {
            return Ok(None);
        }
        let start = out.len();
        let written = self.write(out).and_then(|()| match out.len() - start > self.record_max {
            true => Err(Fault::too_long(self.record_max)),
            false => Ok(()),
        });
        Ok(Some(match written {
            Ok(()) => Taken::Record,
            Err(fault) => {
                out.truncate(start);
                Taken::Fault(fault)
            }
        }))
    }

    fn position(&self) -> u64 {
        self.position.bytes()
    }
}

fn most_frequent(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [0_u32; DELIMITERS.len()];
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some(at) = DELIMITERS.iter().position(|known| known == byte).filter(|_| !quoted) {
            counts[at] += 1;
        }
    }
    // The first of equals, so that a single column takes the comma.
    let best = (0..counts.len()).rev().max_by_key(|at| counts[*at]);
    DELIMITERS[best.unwrap_or(0)]
}

fn keys(header: &ByteRecord) -> Result<Vec<Vec<u8>>, InputError> {
    let mut keys: Vec<Vec<u8>> = Vec::with_capacity(header.len());
    for (at, name) in header.iter().enumerate() {
        let wrong = |problem: String| InputError::Header { problem };
        let name = std::str::from_utf8(name).map_err(|_| wrong(format!("is not UTF-8 in column {}", at + 1)))?;
        let mut key = Vec::with_capacity(name.len() + 3);
        push_text(name, &mut key);
        key.push(b':');
        if let Some(before) = keys.iter().position(|known| *known == key) {
            return Err(wrong(format!("names columns {} and {} both {name:?}", before + 1, at + 1)));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Appends `text` as a JSON string.
fn push_text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("text is always JSON, and a Vec takes every byte");
}

#[cfg(test)]
mod tests;
