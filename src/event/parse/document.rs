//! JSON bodies: one object, an array of objects, or a document that wraps records.

use super::super::attributes::Document;
use super::super::json::{ScanError, Scanner, behind_string, compact_into, unescaped};
use super::error::BodyError;
use super::record::{Run, Trouble};

/// Reads the body from `start` on.
pub(super) fn walk(run: &mut Run<'_>, start: usize) -> Result<(), BodyError> {
    let body = run.body;
    let mut scanner = Scanner::new(body, start);
    scanner.skip_spaces();
    let at = scanner.position();
    match scanner.peek() {
        b'[' => array(run, &mut scanner, None)?.map_err(BodyError::InvalidJson)?,
        b'{' => object(run, &mut scanner, None)?.map_err(BodyError::InvalidJson)?,
        _ => {
            scanner.value().map_err(BodyError::InvalidJson)?;
            return Err(BodyError::NotRecords);
        }
    }
    scanner.skip_spaces();
    match scanner.position() {
        end if end == body.len() => Ok(()),
        end if end > at => Err(BodyError::TrailingData { at: end }),
        end => Err(BodyError::InvalidJson(ScanError::Expected { expected: "a JSON value", at: end })),
    }
}

/// Reads the items of the array that comes next. Items get `line`, or their number.
fn array(run: &mut Run<'_>, scanner: &mut Scanner<'_>, line: Option<u32>) -> Result<Result<(), ScanError>, BodyError> {
    scanner.bump(1);
    scanner.skip_spaces();
    if scanner.take(b"]") {
        return Ok(Ok(()));
    }
    loop {
        let read = if scanner.peek() == b'{' { object(run, scanner, line)? } else { no_object(run, scanner, line)? };
        if let Err(error) = read {
            return Ok(Err(error));
        }
        scanner.skip_spaces();
        if !scanner.take(b",") {
            return Ok(scanner.expect(b']', "`,` or `]`"));
        }
        scanner.skip_spaces();
    }
}

/// Reads the object that comes next: a record, or a document with records.
fn object(run: &mut Run<'_>, scanner: &mut Scanner<'_>, line: Option<u32>) -> Result<Result<(), ScanError>, BodyError> {
    let at = scanner.position();
    if let Some(wrapper) = &run.plan.wrapper
        && !run.is_wrapped()
    {
        match outline(run.body, at, wrapper) {
            Ok(Some(outline)) => {
                scanner.bump(outline.end - at);
                return items(run, &outline, line);
            }
            Ok(None) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    let number = line.unwrap_or(run.parsed.records + 1);
    match run.read(at) {
        Ok(record) => {
            scanner.bump(record.end as usize - at);
            match run.fits(&record) {
                Ok(()) => run.accept(&record, number)?,
                Err(trouble) => run.reject(number, at..record.end as usize, &trouble)?,
            }
        }
        Err(error @ ScanError::TooDeep { .. }) => return too_deep(run, scanner, number, error),
        Err(error) => return Ok(Err(error)),
    }
    Ok(Ok(()))
}

fn no_object(
    run: &mut Run<'_>,
    scanner: &mut Scanner<'_>,
    line: Option<u32>,
) -> Result<Result<(), ScanError>, BodyError> {
    let at = scanner.position();
    let number = line.unwrap_or(run.parsed.records + 1);
    let mut ahead = scanner.clone();
    match ahead.value() {
        Ok(value) => {
            run.reject(number, at..value.end as usize, &Trouble::NoObject { at, shape: value.shape })?;
            *scanner = ahead;
            Ok(Ok(()))
        }
        Err(error @ ScanError::TooDeep { .. }) => too_deep(run, scanner, number, error),
        Err(error) => Ok(Err(error)),
    }
}

/// A value nested too deep is stepped over by its brackets.
fn too_deep(
    run: &mut Run<'_>,
    scanner: &mut Scanner<'_>,
    line: u32,
    error: ScanError,
) -> Result<Result<(), ScanError>, BodyError> {
    let at = scanner.position();
    let Some(end) = behind_brackets(run.body, at) else { return Ok(Err(ScanError::CutOff { at: run.body.len() })) };
    run.reject(line, at..end, &Trouble::Json(error))?;
    scanner.bump(end - at);
    Ok(Ok(()))
}

/// Offset behind the container that starts at `at`, by counting brackets outside strings.
fn behind_brackets(body: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    while let Some(byte) = body.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => {
                at = behind_string(body, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the records lie in a document, and what stands around them.
#[derive(Debug)]
pub(super) struct Outline {
    arrays: Vec<usize>,
    document: Document,
    /// Offset behind the document.
    pub(super) end: usize,
}

/// Looks whether the object at `at` holds an array under the wrapper's key.
pub(super) fn outline(body: &[u8], at: usize, wrapper: &[u8]) -> Result<Option<Outline>, ScanError> {
    let mut scanner = Scanner::new(body, at);
    if !scanner.take(b"{") {
        return Ok(None);
    }
    let mut outline = Outline { arrays: Vec::new(), document: Document::default(), end: 0 };
    let mut others = Vec::new();
    scanner.skip_spaces();
    if scanner.take(b"}") {
        return Ok(None);
    }
    loop {
        let key = scanner.string()?;
        scanner.skip_spaces();
        scanner.expect(b':', "`:`")?;
        scanner.skip_spaces();
        if scanner.peek() == b'[' && *unescaped(&key, body) == *wrapper {
            let from = scanner.position();
            outline.arrays.push(from);
            let end = behind_brackets(body, from).ok_or(ScanError::CutOff { at: body.len() })?;
            scanner.bump(end - from);
        } else {
            match scanner.value() {
                Ok(value) => others.push((key, value)),
                // A record of its own may say why it is refused; a document is refused here.
                Err(_) if outline.arrays.is_empty() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        scanner.skip_spaces();
        if !scanner.take(b",") {
            break;
        }
        scanner.skip_spaces();
    }
    if outline.arrays.is_empty() {
        return Ok(None);
    }
    scanner.expect(b'}', "`,` or `}`")?;
    outline.end = scanner.position();
    for (key, value) in others {
        let name = unescaped(&key, body).into_owned();
        if !outline.document.keys.is_empty() {
            outline.document.text.push(b',');
        }
        outline.document.text.extend_from_slice(key.text(body));
        outline.document.text.push(b':');
        compact_into(&value, body, &mut outline.document.text);
        outline.document.keys.push(name);
    }
    Ok(Some(outline))
}

/// Reads the records of a document.
pub(super) fn items(
    run: &mut Run<'_>,
    outline: &Outline,
    line: Option<u32>,
) -> Result<Result<(), ScanError>, BodyError> {
    run.enter(outline.document.clone());
    let mut done = Ok(Ok(()));
    for at in &outline.arrays {
        done = array(run, &mut Scanner::new(run.body, *at), line);
        if !matches!(done, Ok(Ok(()))) {
            break;
        }
    }
    run.leave();
    done
}
