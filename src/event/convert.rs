//! One JSON value into one cell.

use std::fmt::Write as _;

use super::columns::{ColumnData, Rows};
use super::json::{Scanner, Shape, Value, compact_into, unescape_into, unescaped};
use super::model::{COLUMNS, Kind, index_of};
use super::names::ModuleName;
use super::plan::Rule;
use super::time;

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Fit {
    /// The column tells exactly what was sent.
    Exact,
    /// The column has a value, but the original says more.
    Partial,
    /// The column cannot hold it and stays empty.
    Unusable,
    /// The value was null: as if it had not been sent.
    Missing,
    /// The rule takes only other values: the column stays as it is, and so does the value.
    Passed,
}

const MODULE: usize = index_of("module");
const EVENT_ID: usize = index_of("event_id");

/// Puts `value` into the column of `rule`, for the row being built.
pub fn convert(value: &Value, body: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    if value.shape == Shape::Null {
        return Fit::Missing;
    }
    let kind = COLUMNS[rule.column].kind;
    if rule.values.is_some() || rule.lower {
        return replaced(value, body, rule, rows);
    }
    match kind {
        Kind::Text => text(value, body, rule.column, rows),
        Kind::Json => json(value, body, rule, rows),
        Kind::Time => instant(value, body, rule, rows),
        Kind::Int64 | Kind::Int32 => integer(&literal(value, body), rule, rows),
        Kind::Float32 => float(&literal(value, body), rule.column, rows),
        Kind::Bool => truth(value, body, rule.column, rows),
        Kind::TextList => Fit::Unusable,
        Kind::TextMap => super::lists::map(value, body, rule.column, rows),
        Kind::Related | Kind::Changes | Kind::Attachments => super::lists::list(value, body, rule, rows),
    }
}

/// The characters of a scalar: those of a string, or the literal as it stands.
fn literal<'b>(value: &Value, body: &'b [u8]) -> std::borrow::Cow<'b, [u8]> {
    if value.is_text() { unescaped(value, body) } else { value.text(body).into() }
}

fn text(value: &Value, body: &[u8], column: usize, rows: &mut Rows) -> Fit {
    match value.shape {
        Shape::Plain if column != MODULE && column != EVENT_ID => rows.text(column).push(value.inner(body)),
        Shape::Escaped if column != MODULE && column != EVENT_ID => {
            rows.text(column).push_with(|out| unescape_into(value, body, out));
        }
        Shape::Plain | Shape::Escaped | Shape::Integer | Shape::Decimal => {
            return named(&literal(value, body), column, rows);
        }
        _ => return Fit::Unusable,
    }
    Fit::Exact
}

/// Whether the column takes every text; that of ids every one but the empty.
pub(super) fn is_free_text(column: usize) -> bool {
    COLUMNS[column].kind == Kind::Text && column != MODULE
}

/// Puts text or digits into a column that takes every text and is still empty; else does nothing.
#[inline]
pub(super) fn free_text(value: &Value, body: &[u8], column: usize, rows: &mut Rows) -> bool {
    let (start, end) = (value.start as usize, value.end as usize);
    let quotes = match value.shape {
        Shape::Plain | Shape::Escaped => 1,
        Shape::Integer | Shape::Decimal => 0,
        Shape::Null | Shape::True | Shape::False | Shape::Object | Shape::Array => return false,
    };
    if column == EVENT_ID && end - start == 2 * quotes {
        return false;
    }
    let Some(text) = rows.vacant_text(column) else { return false };
    if value.shape == Shape::Escaped {
        text.push_with(|out| unescape_into(value, body, out));
    } else {
        text.push_from(body, start + quotes, end - quotes);
    }
    true
}

/// Text of a column that does not take every text.
fn named(text: &[u8], column: usize, rows: &mut Rows) -> Fit {
    let refused = match column {
        // No module; `attributes` remembers that an empty text was sent.
        MODULE if text.is_empty() => return Fit::Partial,
        MODULE => std::str::from_utf8(text).map_or(true, |name| ModuleName::check(name).is_err()),
        EVENT_ID => text.is_empty(),
        _ => false,
    };
    if refused {
        return Fit::Unusable;
    }
    rows.text(column).push(text);
    Fit::Exact
}

fn json(value: &Value, body: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    let column = rows.text(rule.column);
    if rule.parse_json && value.is_text() {
        return column.try_push_with(|out| parsed(value, body, out)).unwrap_or(Fit::Unusable);
    }
    column.push_with(|out| compact_into(value, body, out));
    // Under `parse_json` the column alone means a string.
    if rule.parse_json { Fit::Partial } else { Fit::Exact }
}

/// Appends the JSON value that is written in a string.
fn parsed(value: &Value, body: &[u8], out: &mut Vec<u8>) -> Option<Fit> {
    let start = out.len();
    unescape_into(value, body, out);
    let mut scanner = Scanner::new(out, start);
    let mut spaced = scanner.skip_spaces();
    let inner = scanner.value().ok()?;
    spaced |= scanner.skip_spaces() | inner.spaced;
    if scanner.position() != out.len() {
        return None;
    }
    if !spaced {
        return Some(Fit::Exact);
    }
    // The string was a text of its own, so its spaces are part of what was sent.
    let text = inner.text(out).to_vec();
    out.truncate(start);
    let whole = Value { start: 0, end: inner.end - inner.start, ..inner };
    compact_into(&whole, &text, out);
    Some(Fit::Partial)
}

fn instant(value: &Value, body: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    if !matches!(value.shape, Shape::Plain | Shape::Escaped | Shape::Integer | Shape::Decimal) {
        return Fit::Unusable;
    }
    instant_text(&literal(value, body), rule, rows)
}

fn instant_text(text: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    let formats = if rule.formats.is_empty() { time::ANY } else { &rule.formats };
    match time::read(text, formats, rule.zone) {
        Some(instant) if instant.in_range() => {
            rows.i64s(rule.column).push(instant.us);
            if instant.exact { Fit::Exact } else { Fit::Partial }
        }
        _ => Fit::Unusable,
    }
}

/// A decimal number as digits and the power of ten that they are divided by.
fn decimal(text: &[u8]) -> Option<(i128, u32)> {
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).ok()?.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let mut number: i128 = 0;
    let mut places: i32 = 0;
    let mut after_point = false;
    if !digits.first()?.is_ascii_digit() || !digits.last()?.is_ascii_digit() || digits.len() > 30 {
        return None;
    }
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                number = number * 10 + i128::from(byte - b'0');
                places += i32::from(after_point);
            }
            b'.' if !after_point => after_point = true,
            _ => return None,
        }
    }
    let number = if negative { -number } else { number };
    let places = places.checked_sub(exponent)?;
    if places >= 0 {
        return Some((number, u32::try_from(places).ok()?));
    }
    let factor = 10_i128.checked_pow(places.unsigned_abs())?;
    Some((number.checked_mul(factor)?, 0))
}

/// Whether a text is a number exactly as its value is written: no exponent, no zero too many.
fn canonical(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(at) => (&digits[..at], Some(&digits[at + 1..])),
        None => (digits, None),
    };
    let all_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let leading_zero = whole.len() > 1 && whole[0] == b'0';
    let fraction_fits = fraction.is_none_or(|part| all_digits(part) && part.last() != Some(&b'0'));
    all_digits(whole) && !leading_zero && fraction_fits && text != b"-0"
}

/// An integer of up to 18 digits, written as such.
fn short_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && text.len() > 1) {
        return None;
    }
    let number =
        digits.iter().try_fold(0, |sum: i64, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))?;
    Some(if digits.len() < text.len() { -number } else { number })
}

fn integer(text: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    let scale = rule.scale.unwrap_or(1);
    let (whole, fit) = match short_integer(text).and_then(|number| number.checked_mul(scale)) {
        Some(whole) => (whole, Fit::Exact),
        None => match long_integer(text, rule.scale) {
            Some(found) => found,
            None => return Fit::Unusable,
        },
    };
    match rows.column(rule.column) {
        ColumnData::I64(column) => column.push(whole),
        ColumnData::I32(column) => match i32::try_from(whole) {
            Ok(whole) => column.push(whole),
            Err(_) => return Fit::Unusable,
        },
        _ => return Fit::Unusable,
    }
    fit
}

/// Numbers with a fraction, an exponent, many digits.
fn long_integer(text: &[u8], scale: Option<i64>) -> Option<(i64, Fit)> {
    let (digits, places) = decimal(text)?;
    let product = digits.checked_mul(i128::from(scale.unwrap_or(1)))?;
    let divisor = 10_i128.checked_pow(places)?;
    let divides = product % divisor == 0;
    if scale.is_none() && !divides {
        return None;
    }
    let whole = i64::try_from(product.div_euclid(divisor)).ok()?;
    Some((whole, if divides && canonical(text) { Fit::Exact } else { Fit::Partial }))
}

fn float(text: &[u8], column: usize, rows: &mut Rows) -> Fit {
    let parsed = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f32>().ok());
    let Some(number) = parsed.filter(|number| number.is_finite()) else { return Fit::Unusable };
    let ColumnData::F32(floats) = rows.column(column) else { return Fit::Unusable };
    floats.push(number);
    let mut rest = Expected(text);
    let same = write!(rest, "{number}").is_ok() && rest.0.is_empty();
    if same { Fit::Exact } else { Fit::Partial }
}

/// A writer that takes only the text it expects.
struct Expected<'a>(&'a [u8]);

impl std::fmt::Write for Expected<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = self.0.strip_prefix(text.as_bytes()).ok_or(std::fmt::Error)?;
        Ok(())
    }
}

fn truth(value: &Value, body: &[u8], column: usize, rows: &mut Rows) -> Fit {
    let (truth, fit) = match (value.shape, value.text(body)) {
        (Shape::True, _) => (1, Fit::Exact),
        (Shape::False, _) => (0, Fit::Exact),
        (_, br#""true""#) => (1, Fit::Partial),
        (_, br#""false""#) => (0, Fit::Partial),
        _ => return Fit::Unusable,
    };
    let ColumnData::Bool(truths) = rows.column(column) else { return Fit::Unusable };
    truths.push(truth);
    fit
}

/// A value that goes through a table or loses its capitals.
fn replaced(value: &Value, body: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    if matches!(value.shape, Shape::Object | Shape::Array) {
        return Fit::Unusable;
    }
    let sent = literal(value, body);
    let lowered = rule.lower.then(|| String::from_utf8_lossy(&sent).to_lowercase().into_bytes());
    let mut text = lowered.as_deref().unwrap_or(&sent);
    // Text does not tell `true` from `"true"`.
    let mut exact = text == &*sent && !matches!(value.shape, Shape::True | Shape::False);
    if let Some(table) = &rule.values {
        match (table.map.get(text), &table.otherwise) {
            (Some(replacement), _) => {
                text = replacement;
                exact &= table.one_to_one;
            }
            (None, Some(otherwise)) => {
                text = otherwise;
                exact = false;
            }
            (None, None) if table.only_listed => return Fit::Passed,
            // What the table gives for another value must not be taken for that value.
            (None, None) => exact &= !table.map.values().any(|replacement| replacement == text),
        }
    }
    let fit = scalar(text, rule, rows);
    if fit == Fit::Exact && !exact { Fit::Partial } else { fit }
}

/// Puts a text that is not in the body into the column of `rule`.
pub fn scalar(text: &[u8], rule: &Rule, rows: &mut Rows) -> Fit {
    match COLUMNS[rule.column].kind {
        Kind::Text => named(text, rule.column, rows),
        Kind::Int32 | Kind::Int64 => integer(text, rule, rows),
        Kind::Float32 => float(text, rule.column, rows),
        Kind::Time => instant_text(text, rule, rows),
        Kind::Bool => match (text, rows.column(rule.column)) {
            (b"true" | b"false", ColumnData::Bool(truths)) => {
                truths.push(u8::from(text == b"true"));
                Fit::Exact
            }
            _ => Fit::Unusable,
        },
        Kind::Json => {
            rows.text(rule.column).push_with(|out| super::json::quote_into(&String::from_utf8_lossy(text), out));
            Fit::Exact
        }
        Kind::TextList | Kind::TextMap | Kind::Related | Kind::Changes | Kind::Attachments => Fit::Unusable,
    }
}

#[cfg(test)]
mod tests;
