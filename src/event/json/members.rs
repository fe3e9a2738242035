//! The members of one object, in the order sent. For the uncommon paths: lists, snapshots, diffs.

use super::scan::{ScanError, Scanner, Shape, Value};

/// One `"key": value` of an object.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The key, quotes included.
    pub key: Value,
    /// The value.
    pub value: Value,
}

/// Members of the object, or (with keys that repeat the values) items of the array at `container`.
///
/// # Errors
/// Bad JSON; not for a span that the scanner has accepted.
pub fn members(container: &Value, body: &[u8], out: &mut Vec<Member>) -> Result<(), ScanError> {
    out.clear();
    let mut scanner = Scanner::new(body, container.start as usize + 1);
    let close = if container.shape == Shape::Object { b'}' } else { b']' };
    scanner.skip_spaces();
    if scanner.peek() == close {
        return Ok(());
    }
    loop {
        let mut key = None;
        if container.shape == Shape::Object {
            key = Some(scanner.string()?);
            scanner.skip_spaces();
            scanner.expect(b':', "`:`")?;
            scanner.skip_spaces();
        }
        let value = scanner.value()?;
        out.push(Member { key: key.unwrap_or(value), value });
        scanner.skip_spaces();
        if scanner.peek() != b',' {
            return scanner.expect(close, "`,` or the end of the value");
        }
        scanner.bump(1);
        scanner.skip_spaces();
    }
}
