//! The scanner: finds where each value starts and ends, and refuses what is no JSON.

use thiserror::Error;

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

/// A cursor over a body of at most 4 GiB.
#[derive(Debug, Clone)]
pub struct Scanner<'b> {
    body: &'b [u8],
    at: usize,
}

impl<'b> Scanner<'b> {
    /// Starts at byte `at` of `body`.
    #[must_use]
    pub fn new(body: &'b [u8], at: usize) -> Self {
        Self { body, at }
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

    /// Scans a string whose opening quote comes next.
    ///
    /// # Errors
    /// No string, or a bad one.
    #[inline]
    pub fn string(&mut self) -> Result<Value, ScanError> {
        let start = self.at;
        self.expect(b'"', "a string")?;
        let mut shape = Shape::Plain;
        loop {
            self.at = special(self.body, self.at);
            match self.body.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value(start, self.at, shape, false));
                }
                Some(b'\\') => {
                    shape = Shape::Escaped;
                    self.escape()?;
                }
                Some(_) => return Err(ScanError::Control { at: self.at }),
                None => return Err(ScanError::CutOff { at: self.at }),
            }
        }
    }

    fn escape(&mut self) -> Result<(), ScanError> {
        let at = self.at;
        match self.body.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit = hex4(self.body, at + 2).ok_or(ScanError::Escape { at })?;
                self.at += 6;
                match unit {
                    0xD800..=0xDBFF => {
                        let low = if self.take(b"\\u") { hex4(self.body, self.at) } else { None };
                        if !matches!(low, Some(0xDC00..=0xDFFF)) {
                            return Err(ScanError::Surrogate { at });
                        }
                        self.at += 4;
                    }
                    0xDC00..=0xDFFF => return Err(ScanError::Surrogate { at }),
                    _ => {}
                }
            }
            _ => return Err(ScanError::Escape { at }),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, ScanError> {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        match self.peek() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return Err(self.unexpected("a digit")),
        }
        let mut shape = Shape::Integer;
        if self.peek() == b'.' {
            self.at += 1;
            shape = Shape::Decimal;
            self.some_digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            shape = Shape::Decimal;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(value(start, self.at, shape, false))
    }

    fn digits(&mut self) {
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), ScanError> {
        if !self.peek().is_ascii_digit() {
            return Err(self.unexpected("a digit"));
        }
        self.digits();
        Ok(())
    }

    fn word(&mut self, word: &'static [u8], shape: Shape) -> Result<Value, ScanError> {
        let start = self.at;
        if self.take(word) { Ok(value(start, self.at, shape, false)) } else { Err(self.unexpected("a JSON value")) }
    }

    /// Scans the value that comes next, whatever it is.
    ///
    /// # Errors
    /// No JSON value, or one nested deeper than [`MAX_DEPTH`].
    #[inline]
    pub fn value(&mut self) -> Result<Value, ScanError> {
        match self.peek() {
            b'{' | b'[' => self.nested(),
            _ => self.scalar(),
        }
    }

    #[inline]
    fn scalar(&mut self) -> Result<Value, ScanError> {
        match self.peek() {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", Shape::True),
            b'f' => self.word(b"false", Shape::False),
            b'n' => self.word(b"null", Shape::Null),
            _ => Err(self.unexpected("a JSON value")),
        }
    }

    /// Objects and arrays, without recursion: one bit per open level says which it is.
    fn nested(&mut self) -> Result<Value, ScanError> {
        let start = self.at;
        let shape = if self.peek() == b'{' { Shape::Object } else { Shape::Array };
        let mut spaced = false;
        let mut objects: u64 = 0;
        let mut depth = 0;
        loop {
            // A value comes next.
            match self.peek() {
                open @ (b'{' | b'[') => {
                    if depth == MAX_DEPTH {
                        return Err(ScanError::TooDeep { at: self.at });
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
                _ => {
                    self.scalar()?;
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
                    _ => return Err(self.unexpected(if in_object { "`,` or `}`" } else { "`,` or `]`" })),
                }
                self.at += 1;
                depth -= 1;
                objects >>= 1;
                if depth == 0 {
                    return Ok(value(start, self.at, shape, spaced));
                }
                spaced |= self.skip_spaces();
            }
        }
    }

    /// Moves over `"key":` and the spaces around; says whether there were any.
    fn key(&mut self) -> Result<bool, ScanError> {
        self.string()?;
        let mut spaced = self.skip_spaces();
        self.expect(b':', "`:`")?;
        spaced |= self.skip_spaces();
        Ok(spaced)
    }
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

/// Offset of the next `"`, `\` or control character at or after `at`, or the length of `body`.
#[inline]
fn special(body: &[u8], at: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: SSE2 is part of x86-64.
        unsafe { special_sse2(body, at) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        special_scalar(body, at)
    }
}

#[inline]
fn special_scalar(body: &[u8], at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20).map_or(body.len(), |found| at + found)
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
unsafe fn special_sse2(body: &[u8], mut at: usize) -> usize {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    };
    let (quote, backslash, last_control) = (_mm_set1_epi8(b'"' as i8), _mm_set1_epi8(b'\\' as i8), _mm_set1_epi8(0x1F));
    while at + 16 <= body.len() {
        // SAFETY: the 16 bytes at `at` lie inside `body`; the load needs no alignment.
        let block = unsafe { _mm_loadu_si128(body.as_ptr().add(at).cast()) };
        let control = _mm_cmpeq_epi8(_mm_min_epu8(block, last_control), block);
        let hits = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)), control);
        let mask = _mm_movemask_epi8(hits);
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += 16;
    }
    special_scalar(body, at)
}
