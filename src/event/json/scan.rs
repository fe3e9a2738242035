//! The scanner: finds where each value starts and ends, and refuses what is no JSON.

use thiserror::Error;

use super::special::special;

/// Deepest nesting of a record; deeper ones are refused, so that no reader's stack is at risk.
pub const MAX_DEPTH: usize = 64;

/// Why a text is no JSON value. Positions are byte offsets into the scanned body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ScanError {
    /// Something else stands where `expected` should.
    #[error("expected {expected} at byte {at}")]
    Expected {
        /// What JSON asks for here.
        expected: &'static str,
        /// Offset of what stands there.
        at: usize,
    },
    /// The text ends inside a value.
    #[error("the value is cut off at byte {at}")]
    CutOff {
        /// Offset of the end.
        at: usize,
    },
    /// A control character inside a string.
    #[error("control character in a string at byte {at}: write it as an escape")]
    Control {
        /// Offset of the character.
        at: usize,
    },
    /// An escape that JSON does not have.
    #[error("bad escape in a string at byte {at}")]
    Escape {
        /// Offset of the escape.
        at: usize,
    },
    /// Half of a surrogate pair, which is no character.
    #[error("lone surrogate in a string at byte {at}")]
    Surrogate {
        /// Offset of the escape.
        at: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels at byte {at}")]
    TooDeep {
        /// Offset of the bracket that opens one level too many.
        at: usize,
    },
}

impl ScanError {
    /// Offset of the trouble in the scanned body.
    #[must_use]
    pub fn at(&self) -> usize {
        match self {
            Self::Expected { at, .. }
            | Self::CutOff { at }
            | Self::Control { at }
            | Self::Escape { at }
            | Self::Surrogate { at }
            | Self::TooDeep { at } => *at,
        }
    }

    /// The same error with its offset counted from `start`.
    #[must_use]
    pub fn counted_from(mut self, start: usize) -> Self {
        match &mut self {
            Self::Expected { at, .. }
            | Self::CutOff { at }
            | Self::Control { at }
            | Self::Escape { at }
            | Self::Surrogate { at }
            | Self::TooDeep { at } => *at = at.saturating_sub(start),
        }
        self
    }

    /// Stable code of the line error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooDeep { .. } => "too_deep",
            Self::Expected { .. }
            | Self::CutOff { .. }
            | Self::Control { .. }
            | Self::Escape { .. }
            | Self::Surrogate { .. } => "invalid_json",
        }
    }
}

/// What kind of value a span holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// A number without fraction and exponent.
    Integer,
    /// Any other number.
    Decimal,
    /// A string without escapes.
    Plain,
    /// A string with at least one escape.
    Escaped,
    /// An object.
    Object,
    /// An array.
    Array,
}

/// A value's place: `body[start..end]`, quotes and brackets included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What it is.
    pub shape: Shape,
    /// Whether whitespace stands between its tokens.
    pub spaced: bool,
}

impl Value {
    /// The value's own text.
    #[must_use]
    pub fn text<'b>(&self, body: &'b [u8]) -> &'b [u8] {
        &body[self.start as usize..self.end as usize]
    }

    /// The bytes between the quotes of a string.
    #[must_use]
    pub fn inner<'b>(&self, body: &'b [u8]) -> &'b [u8] {
        &body[self.start as usize + 1..self.end as usize - 1]
    }

    /// Whether it is a string.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.shape, Shape::Plain | Shape::Escaped)
    }
}

/// A text that is often looked for: most are told apart by one comparison of their first bytes.
#[derive(Debug, Clone)]
pub struct Token {
    head: u128,
    mask: u128,
    text: Box<[u8]>,
}

impl Token {
    const HEAD: usize = 16;

    /// A token of these bytes.
    #[must_use]
    pub fn new(text: Vec<u8>) -> Self {
        let length = text.len().min(Self::HEAD);
        let mut head = [0; Self::HEAD];
        head[..length].copy_from_slice(&text[..length]);
        let mask = if length == Self::HEAD { u128::MAX } else { (1 << (8 * length)) - 1 };
        Self { head: u128::from_le_bytes(head), mask, text: text.into() }
    }

    /// Its length in bytes.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

/// A cursor over a body of at most 4 GiB.
#[derive(Debug, Clone)]
pub struct Scanner<'b> {
    body: &'b [u8],
    at: usize,
    /// Why the last inner function found nothing.
    error: Option<ScanError>,
}

impl<'b> Scanner<'b> {
    /// Starts at byte `at` of `body`.
    #[must_use]
    pub fn new(body: &'b [u8], at: usize) -> Self {
        Self { body, at, error: None }
    }

    /// Offset of the next byte.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next byte, or 0 at the end (no token starts with 0).
    #[inline]
    #[must_use]
    pub fn peek(&self) -> u8 {
        self.body.get(self.at).copied().unwrap_or(0)
    }

    /// Moves over `count` bytes.
    #[inline]
    pub fn bump(&mut self, count: usize) {
        self.at += count;
    }

    /// Moves over `expected` if it comes next.
    #[inline]
    pub fn take(&mut self, expected: &[u8]) -> bool {
        let hit = self.body.get(self.at..self.at + expected.len()) == Some(expected);
        if hit {
            self.at += expected.len();
        }
        hit
    }

    /// Moves over `token` if it comes next.
    #[inline]
    pub fn take_token(&mut self, token: &Token) -> bool {
        let hit = match self.body.get(self.at..self.at + Token::HEAD) {
            Some(head) => {
                let head = u128::from_le_bytes(head.try_into().unwrap_or_default());
                (head ^ token.head) & token.mask == 0
                    && (token.text.len() <= Token::HEAD
                        || self.body.get(self.at + Token::HEAD..self.at + token.text.len())
                            == Some(&token.text[Token::HEAD..]))
            }
            None => self.body[self.at.min(self.body.len())..].starts_with(&token.text),
        };
        if hit {
            self.at += token.text.len();
        }
        hit
    }

    /// Moves over whitespace and says whether there was any.
    #[inline]
    pub fn skip_spaces(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.at > start
    }

    /// Moves over one byte that must be `byte`.
    ///
    /// # Errors
    /// Another byte, or the end.
    #[inline]
    pub fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ScanError> {
        if self.peek() == byte {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(expected))
    }

    #[cold]
    fn unexpected(&self, expected: &'static str) -> ScanError {
        if self.at >= self.body.len() {
            ScanError::CutOff { at: self.at }
        } else {
            ScanError::Expected { expected, at: self.at }
        }
    }

    /// Keeps an error for the caller. The inner functions return two bytes, which travel in a register;
    /// a span or an error would go through memory, once for every value of every record.
    #[cold]
    fn fail(&mut self, error: ScanError) -> Option<Found> {
        self.error = Some(error);
        None
    }

    #[cold]
    fn error(&mut self) -> ScanError {
        self.error.take().unwrap_or(ScanError::CutOff { at: self.at })
    }

    #[inline(always)]
    fn spanned(&mut self, start: usize, found: Option<Found>) -> Result<Value, ScanError> {
        match found {
            Some(found) => Ok(value(start, self.at, found.shape, found.spaced)),
            None => Err(self.error()),
        }
    }

    /// Scans the value that comes next, whatever it is.
    ///
    /// # Errors
    /// No JSON value, or one nested deeper than [`MAX_DEPTH`].
    #[inline(always)]
    pub fn value(&mut self) -> Result<Value, ScanError> {
        let start = self.at;
        let found = match self.peek() {
            b'"' => self.text(),
            b'{' | b'[' => self.nested(),
            _ => self.literal(),
        };
        self.spanned(start, found)
    }

    /// Scans a string whose opening quote comes next.
    ///
    /// # Errors
    /// No string, or a bad one.
    #[inline(always)]
    pub fn string(&mut self) -> Result<Value, ScanError> {
        let start = self.at;
        let found = self.text();
        self.spanned(start, found)
    }

    #[inline(always)]
    fn text(&mut self) -> Option<Found> {
        if self.peek() != b'"' {
            return self.fail(self.unexpected("a string"));
        }
        self.at = special(self.body, self.at + 1);
        if self.peek() == b'"' {
            self.at += 1;
            return FOUND_PLAIN;
        }
        self.escaped_text()
    }

    /// Goes on behind the first escape of a string.
    fn escaped_text(&mut self) -> Option<Found> {
        let body = self.body;
        let mut at = self.at;
        loop {
            match body.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Some(Found { shape: Shape::Escaped, spaced: false });
                }
                Some(b'\\') => match body.get(at + 1) {
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                    Some(b'u') => match unicode_escape(body, at) {
                        Ok(length) => at += length,
                        Err(error) => return self.fail(error),
                    },
                    _ => return self.fail(ScanError::Escape { at }),
                },
                Some(0..0x20) => return self.fail(ScanError::Control { at }),
                Some(_) => at = special(body, at),
                None => return self.fail(ScanError::CutOff { at }),
            }
        }
    }

    fn literal(&mut self) -> Option<Found> {
        match self.peek() {
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", Shape::True),
            b'f' => self.word(b"false", Shape::False),
            b'n' => self.word(b"null", Shape::Null),
            _ => self.fail(self.unexpected("a JSON value")),
        }
    }

    fn number(&mut self) -> Option<Found> {
        let body = self.body;
        let mut at = self.at + usize::from(self.peek() == b'-');
        match body.get(at) {
            Some(b'0') => at += 1,
            Some(b'1'..=b'9') => at = behind_digits(body, at),
            _ => return self.fail_at(at, "a digit"),
        }
        let mut shape = Shape::Integer;
        if body.get(at) == Some(&b'.') {
            shape = Shape::Decimal;
            let digits = at + 1;
            at = behind_digits(body, digits);
            if at == digits {
                return self.fail_at(at, "a digit");
            }
        }
        if matches!(body.get(at), Some(b'e' | b'E')) {
            shape = Shape::Decimal;
            let digits = at + 1 + usize::from(matches!(body.get(at + 1), Some(b'+' | b'-')));
            at = behind_digits(body, digits);
            if at == digits {
                return self.fail_at(at, "a digit");
            }
        }
        self.at = at;
        Some(Found { shape, spaced: false })
    }

    #[cold]
    fn fail_at(&mut self, at: usize, expected: &'static str) -> Option<Found> {
        self.at = at;
        self.fail(self.unexpected(expected))
    }

    fn word(&mut self, word: &'static [u8], shape: Shape) -> Option<Found> {
        if self.take(word) { Some(Found { shape, spaced: false }) } else { self.fail(self.unexpected("a JSON value")) }
    }

    /// Objects and arrays, without recursion: one bit per open level says which it is.
    fn nested(&mut self) -> Option<Found> {
        let shape = if self.peek() == b'{' { Shape::Object } else { Shape::Array };
        let mut spaced = false;
        let mut objects: u64 = 0;
        let mut depth = 0;
        loop {
            // A value comes next.
            match self.peek() {
                open @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return self.fail(ScanError::TooDeep { at: self.at });
                    }
                    self.at += 1;
                    depth += 1;
                    objects = objects << 1 | u64::from(open == b'{');
                    spaced |= self.skip_spaces();
                    let close = if open == b'{' { b'}' } else { b']' };
                    if self.peek() != close {
                        if open == b'{' {
                            spaced |= self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => {
                    self.text()?;
                    spaced |= self.skip_spaces();
                }
                _ => {
                    self.literal()?;
                    spaced |= self.skip_spaces();
                }
            }
            // A value has ended, or an empty container stands before its closing bracket.
            loop {
                let in_object = objects & 1 == 1;
                match self.peek() {
                    b',' => {
                        self.at += 1;
                        spaced |= self.skip_spaces();
                        if in_object {
                            spaced |= self.key()?;
                        }
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return self.fail(self.unexpected(if in_object { "`,` or `}`" } else { "`,` or `]`" })),
                }
                self.at += 1;
                depth -= 1;
                objects >>= 1;
                if depth == 0 {
                    return Some(Found { shape, spaced });
                }
                spaced |= self.skip_spaces();
            }
        }
    }

    /// Moves over `"key":` and the spaces around; says whether there were any.
    #[inline]
    fn key(&mut self) -> Option<bool> {
        self.text()?;
        let mut spaced = self.skip_spaces();
        if self.peek() != b':' {
            self.fail(self.unexpected("`:`"))?;
        }
        self.at += 1;
        spaced |= self.skip_spaces();
        Some(spaced)
    }
}

/// What the inner functions find: the caller knows where it starts, the scanner where it ends.
#[derive(Debug, Clone, Copy)]
struct Found {
    shape: Shape,
    spaced: bool,
}

const FOUND_PLAIN: Option<Found> = Some(Found { shape: Shape::Plain, spaced: false });

/// Length of the escape `\uXXXX`, or of the two that make one character, at `at`.
fn unicode_escape(body: &[u8], at: usize) -> Result<usize, ScanError> {
    match hex4(body, at + 2) {
        None => Err(ScanError::Escape { at }),
        Some(0xD800..=0xDBFF) if body[at + 6..].starts_with(b"\\u") => match hex4(body, at + 8) {
            Some(0xDC00..=0xDFFF) => Ok(12),
            _ => Err(ScanError::Surrogate { at }),
        },
        Some(0xD800..=0xDFFF) => Err(ScanError::Surrogate { at }),
        Some(_) => Ok(6),
    }
}

/// Offset behind the digits that start at `at`.
#[inline]
fn behind_digits(body: &[u8], mut at: usize) -> usize {
    while body.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

#[allow(clippy::cast_possible_truncation)] // Bodies are limited far below 4 GiB where they enter.
fn value(start: usize, end: usize, shape: Shape, spaced: bool) -> Value {
    Value { start: start as u32, end: end as u32, shape, spaced }
}

/// The four hex digits at `at`.
pub(super) fn hex4(body: &[u8], at: usize) -> Option<u32> {
    let digits = body.get(at..at + 4)?;
    digits.iter().try_fold(0, |sum, digit| Some(sum << 4 | char::from(*digit).to_digit(16)?))
}
