//! NDJSON: one record a line; a bad line costs nothing but itself.

use memchr::memchr;

use super::super::json::{ScanError, Scanner, Shape};
use super::document;
use super::error::BodyError;
use super::record::{Run, Trouble};

/// Reads all lines from `start` on. Where the body is not `valid` UTF-8, each line is looked at.
pub(super) fn walk(run: &mut Run<'_>, start: usize, valid: bool) -> Result<(), BodyError> {
    let body = run.body;
    if is_array(&body[start..]) {
        return Err(BodyError::ArrayAsLines);
    }
    let (mut at, mut line) = (start, 1);
    loop {
        while let Some(byte) = body.get(at) {
            match byte {
                b'\n' => line += 1,
                b'\r' => line += u32::from(body.get(at + 1).is_some_and(|next| *next != b'\n')),
                b' ' | b'\t' => {}
                _ => break,
            }
            at += 1;
        }
        if at >= body.len() {
            return Ok(());
        }
        let done = if valid { one(run, at, line)? } else { checked(run, at, line)? };
        at = match done {
            Ok(end) => end,
            Err(trouble) => {
                let end = line_end(body, at);
                run.reject(line, at..text_end(body, at), &trouble)?;
                end
            }
        };
    }
}

/// A body that starts and ends as one array, and is not two lines with an array each.
fn is_array(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.first() == Some(&b'[') && body.last() == Some(&b']')
}

fn line_end(body: &[u8], at: usize) -> usize {
    memchr(b'\n', &body[at..]).map_or(body.len(), |found| at + found)
}

/// End of the line's text, the white at its end taken off.
fn text_end(body: &[u8], at: usize) -> usize {
    at + body[at..line_end(body, at)].trim_ascii_end().len()
}

/// A line of a body that is no UTF-8 somewhere.
fn checked(run: &mut Run<'_>, at: usize, line: u32) -> Result<Result<usize, Trouble>, BodyError> {
    let end = line_end(run.body, at);
    match simdutf8::compat::from_utf8(&run.body[at..end]) {
        Ok(_) => one(run, at, line),
        Err(error) => Ok(Err(Trouble::Utf8 { at: at + error.valid_up_to() })),
    }
}

/// Reads the record at `at` and returns where it ends; what the body holds behind it is white.
fn one(run: &mut Run<'_>, at: usize, line: u32) -> Result<Result<usize, Trouble>, BodyError> {
    if let Some(wrapper) = &run.plan.wrapper {
        let end = line_end(run.body, at);
        match document::outline(&run.body[..end], at, wrapper) {
            Ok(Some(outline)) => return lines_of(run, &outline, line),
            Ok(None) => {}
            Err(error) => return Ok(Err(Trouble::Json(error))),
        }
    }
    if run.body[at] != b'{' {
        return Ok(Err(no_object(run.body, at)));
    }
    let record = match run.read(at) {
        Ok(record) => record,
        Err(error) => return Ok(Err(within_line(run.body, at, error))),
    };
    let end = record.end as usize;
    if record.spaced && line_end(&run.body[..end], at) < end {
        return Ok(Err(cut_off(run.body, at)));
    }
    if let Err(error) = only_spaces(run.body, end) {
        return Ok(Err(Trouble::Json(error)));
    }
    if let Err(trouble) = run.fits(&record) {
        return Ok(Err(trouble));
    }
    run.accept(&record, line)?;
    Ok(Ok(end))
}

/// The records of a document that stands in one line.
fn lines_of(run: &mut Run<'_>, outline: &document::Outline, line: u32) -> Result<Result<usize, Trouble>, BodyError> {
    if let Err(error) = only_spaces(run.body, outline.end) {
        return Ok(Err(Trouble::Json(error)));
    }
    match document::items(run, outline, Some(line))? {
        Ok(()) => Ok(Ok(outline.end)),
        Err(error) => Ok(Err(Trouble::Json(error))),
    }
}

/// Behind a record comes the end of its line.
fn only_spaces(body: &[u8], mut at: usize) -> Result<(), ScanError> {
    while let Some(byte) = body.get(at) {
        match byte {
            b'\n' | b'\r' => break,
            b' ' | b'\t' => at += 1,
            _ => return Err(ScanError::Expected { expected: "the end of the line", at }),
        }
    }
    Ok(())
}

/// What is wrong with a line that does not start an object.
fn no_object(body: &[u8], at: usize) -> Trouble {
    let mut scanner = Scanner::new(&body[..line_end(body, at)], at);
    match scanner.value().and_then(|value| only_spaces(body, value.end as usize).map(|()| value)) {
        Ok(value) => Trouble::NoObject { at, shape: value.shape },
        Err(ScanError::TooDeep { at }) => Trouble::Json(ScanError::TooDeep { at }),
        Err(error) => Trouble::Json(error),
    }
}

/// A value that was read beyond its line is cut off at the line's end.
fn within_line(body: &[u8], at: usize, error: ScanError) -> Trouble {
    if error.at() > line_end(body, at) { cut_off(body, at) } else { Trouble::Json(error) }
}

fn cut_off(body: &[u8], at: usize) -> Trouble {
    Trouble::Json(ScanError::CutOff { at: text_end(body, at) })
}

/// In words, what stands where an object should.
pub(super) fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Null => "null",
        Shape::True | Shape::False => "a truth value",
        Shape::Integer | Shape::Decimal => "a number",
        Shape::Plain | Shape::Escaped => "a string",
        Shape::Object => "an object",
        Shape::Array => "an array",
    }
}
