//! `text_pattern(text)`.
//!
//! ```text
//! Order 700007 paid by "Anna Nowak" with 12.50 EUR   ->   Order * paid by "*" with * EUR
//! ```
//!
//! What differs from event to event of one kind is mostly a word with a digit in it (ids, numbers, times, addresses), an
//! e-mail address, or something in quotes; each becomes `*`, and so does a list of them. Everything else stays, so that
//! texts of one kind have one pattern. It is one pass without a dictionary of what was seen before: a text has the same
//! pattern in every query, and a filter finds what a count has counted.

use std::net::Ipv6Addr;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{at, texts};

/// Longest text that is looked at, in characters: texts of one kind differ before that.
const CHARS_MAX: usize = 200;

/// Longest quotation that is taken for one, in characters: behind it the quotation mark stands for itself.
const QUOTED_MAX: usize = 100;

/// What stands for what differs.
const ANY: char = '*';

/// What a text has in common with others of its kind.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TextPattern(Signature);

impl TextPattern {
    pub(super) fn new() -> Self {
        Self(Signature::any(1, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for TextPattern {
    fn name(&self) -> &'static str {
        "text_pattern"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let given = texts(&args.args[0], args.number_rows)?;
        let mut made = StringBuilder::with_capacity(args.number_rows, given.values().len() / 2);
        let mut pattern = String::new();
        for row in 0..args.number_rows {
            match at(&given, row) {
                Some(text) => {
                    pattern.clear();
                    write_pattern(text, &mut pattern);
                    made.append_value(&pattern);
                }
                None => made.append_null(),
            }
        }
        let made: ArrayRef = Arc::new(made.finish());
        Ok(ColumnarValue::Array(made))
    }
}

/// Appends the pattern of `text`, which is never longer than it.
fn write_pattern(text: &str, out: &mut String) {
    let line = text.trim_start().lines().next().unwrap_or_default().trim_end();
    let mut rest = line.char_indices().nth(CHARS_MAX).map_or(line, |(end, _)| &line[..end]);
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let word = word(rest);
        if !word.is_empty() {
            if differs(word) {
                write_any(out);
            } else {
                out.push_str(word);
            }
            rest = &rest[word.len()..];
            before = 'a';
        } else if let Some(quoted) = quoted(rest, first, before) {
            out.push(first);
            out.push(ANY);
            rest = &rest[first.len_utf8() + quoted..];
            before = ANY;
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            before = first;
        }
    }
}

/// The word that `text` begins with; empty where it begins with none. `12:30`, `3.14` and `a-1` are one word each,
/// `code:7` and `/orders/7` are two.
fn word(text: &str) -> &str {
    if let Some(address) = address(text) {
        return address;
    }
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    let mut last = ' ';
    while let Some((at, char)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        let is_inside = match char {
            '_' => true,
            '-' | '+' if end == 0 => next.is_numeric(),
            '-' | '+' | '@' | '.' => last.is_alphanumeric() && next.is_alphanumeric(),
            ':' | ',' => last.is_numeric() && next.is_numeric(),
            _ => char.is_alphanumeric(),
        };
        if !is_inside {
            break;
        }
        (end, last) = (at + char.len_utf8(), char);
    }
    &text[..end]
}

/// The IPv6 address that `text` begins with.
fn address(text: &str) -> Option<&str> {
    let end = text.find(|char: char| !char.is_ascii_hexdigit() && char != ':' && char != '.').unwrap_or(text.len());
    let run = text[..end].trim_end_matches('.');
    (run.contains(':') && run.parse::<Ipv6Addr>().is_ok()).then_some(run)
}

/// Whether a word is an id, a number, a time or an address.
fn differs(word: &str) -> bool {
    word.chars().any(|char| char.is_numeric() || char == '@')
}

/// Writes that something differs; a list of such is one.
fn write_any(out: &mut String) {
    let list = out.trim_end_matches([' ', ',', ';']);
    if list.ends_with(ANY) {
        out.truncate(list.len());
    } else {
        out.push(ANY);
    }
}

/// Bytes between the quotation mark `first` that `text` begins with and the one that ends it, if it is one: with `before`
/// it an apostrophe is none.
fn quoted(text: &str, first: char, before: char) -> Option<usize> {
    let last = match first {
        '"' | '`' => first,
        '\'' if !before.is_alphanumeric() => first,
        '„' => '”',
        '“' => '”',
        '«' => '»',
        _ => return None,
    };
    let inside = &text[first.len_utf8()..];
    let end = inside.char_indices().take(QUOTED_MAX).find(|(_, char)| *char == last)?.0;
    (end > 0).then_some(end)
}

#[cfg(test)]
mod tests;
