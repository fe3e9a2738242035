//! The members of one object, or the items of one array, in the order sent.
//!
//! For the parts of a record that no plan describes key by key: lists, maps, snapshots, wrappers.

use super::scan::{Scanner, Shape, Value};

/// One `"key": value` of an object; for an item of an array the key repeats the value.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The key, quotes included.
    pub key: Value,
    /// The value.
    pub value: Value,
}

/// Walks a container that the scanner has accepted; in any other text it ends at the first mistake.
#[derive(Debug, Clone)]
pub struct Members<'b> {
    scanner: Scanner<'b>,
    object: bool,
    first: bool,
}

/// Members of the object, or items of the array, at `container`.
#[must_use]
pub fn members<'b>(container: &Value, body: &'b [u8]) -> Members<'b> {
    Members {
        scanner: Scanner::new(body, container.start as usize + 1),
        object: container.shape == Shape::Object,
        first: true,
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        self.scanner.skip_spaces();
        if !std::mem::take(&mut self.first) {
            if self.scanner.peek() != b',' {
                return None;
            }
            self.scanner.bump(1);
            self.scanner.skip_spaces();
        }
        let mut key = None;
        if self.object {
            key = Some(self.scanner.string().ok()?);
            self.scanner.skip_spaces();
            self.scanner.expect(b':', "`:`").ok()?;
            self.scanner.skip_spaces();
        }
        let value = self.scanner.value().ok()?;
        Some(Member { key: key.unwrap_or(value), value })
    }
}
