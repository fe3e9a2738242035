//! What a statement asks, without the values in it: for those who may know that a question was asked,
//! and not whom it was about.
//!
//! The text is taken apart into tokens, as the parser does it, and put together again: one space between
//! words, unquoted names in lower case, no comments, `?` for every value and once for a list of them.
//! A quoted name may be a text in the wrong quotes: only those that exist here are kept.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Word};

use super::dialect::EventsDialect;
use super::ledger::LEDGER;
use super::session::EVENTS;
use super::views;
use crate::event::schema::row_schema;

/// A statement without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its text: the same for statements that differ in values only.
    pub text: String,
    /// The table and the views that it names, sorted.
    pub tables: Vec<&'static str>,
}

/// The shape of `sql`; `None` where it is no sequence of tokens.
#[must_use]
pub fn shape_of(sql: &str) -> Option<Shape> {
    let tokens = Tokenizer::new(&EventsDialect, sql).tokenize().ok()?;
    let tokens: Vec<&Token> =
        tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF)).collect();
    let mut tables: Vec<_> = tokens.iter().filter_map(|token| table(token)).collect();
    tables.sort_unstable();
    tables.dedup();
    Some(Shape { text: text_of(&parts(&tokens)), tables })
}

/// A piece of the text.
enum Part<'a> {
    /// Anything but a value.
    Token(&'a Token),
    Value,
    /// Values with commas between them.
    Values,
}

/// The tokens with values for what they are.
fn parts<'a>(tokens: &[&'a Token]) -> Vec<Part<'a>> {
    let mut parts = Vec::with_capacity(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or(&Token::EOF, |at| tokens[at]);
        let after = tokens.get(at + 1).copied().unwrap_or(&Token::EOF);
        let begins = matches!(before, Token::Comma | Token::LParen | Token::LBracket);
        let ends = matches!(after, Token::Comma | Token::RParen | Token::RBracket);
        let signed = begins && is_literal(after) && matches!(token, Token::Plus | Token::Minus);
        if is_literal(token) || (begins && ends && is_constant(token)) {
            add_value(&mut parts);
        } else if !signed {
            parts.push(Part::Token(token));
        }
    }
    parts
}

/// Adds a value, to a list where there is one.
fn add_value(parts: &mut Vec<Part<'_>>) {
    let list = matches!(parts.as_slice(), [.., Part::Value | Part::Values, Part::Token(Token::Comma)]);
    if !list {
        return parts.push(Part::Value);
    }
    parts.truncate(parts.len() - 2);
    parts.push(Part::Values);
}

fn text_of(parts: &[Part<'_>]) -> String {
    let mut text = String::new();
    let mut open = true;
    for part in parts {
        let close = matches!(
            part,
            Part::Token(
                Token::Comma | Token::Period | Token::RParen | Token::RBracket | Token::RBrace | Token::SemiColon
            )
        );
        if !open && !close {
            text.push(' ');
        }
        open = matches!(part, Part::Token(Token::LParen | Token::LBracket | Token::LBrace | Token::Period));
        match part {
            Part::Token(Token::Word(word)) => text.push_str(&name(word)),
            Part::Token(token) => text.push_str(&token.to_string()),
            Part::Value => text.push('?'),
            Part::Values => text.push_str("?, …"),
        }
    }
    text
}

/// A keyword or a name as it may be shown.
fn name(word: &Word) -> String {
    if word.quote_style.is_none() {
        return word.value.to_lowercase();
    }
    let known = row_schema().field_with_name(&word.value).is_ok() || named_table(&word.value).is_some();
    if known { format!("\"{}\"", word.value) } else { "\"?\"".to_owned() }
}

/// The table or view that a token names.
fn table(token: &Token) -> Option<&'static str> {
    let Token::Word(word) = token else { return None };
    if word.quote_style.is_some() { named_table(&word.value) } else { named_table(&word.value.to_lowercase()) }
}

fn named_table(name: &str) -> Option<&'static str> {
    let table = [EVENTS, LEDGER].into_iter().find(|table| *table == name);
    table.or_else(|| views::find(name).map(|view| view.name))
}

/// A value that is a word.
fn is_constant(token: &Token) -> bool {
    matches!(token, Token::Word(word)
        if word.quote_style.is_none() && matches!(word.keyword, Keyword::NULL | Keyword::TRUE | Keyword::FALSE))
}

fn is_literal(token: &Token) -> bool {
    matches!(
        token,
        Token::Number(..)
            | Token::Char(_)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::TripleSingleQuotedString(_)
            | Token::TripleDoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::DoubleQuotedByteStringLiteral(_)
            | Token::TripleSingleQuotedByteStringLiteral(_)
            | Token::TripleDoubleQuotedByteStringLiteral(_)
            | Token::SingleQuotedRawStringLiteral(_)
            | Token::DoubleQuotedRawStringLiteral(_)
            | Token::TripleSingleQuotedRawStringLiteral(_)
            | Token::TripleDoubleQuotedRawStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
    )
}

#[cfg(test)]
mod tests;
