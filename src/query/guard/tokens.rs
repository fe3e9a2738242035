//! Counts tokens before a tree is made of them: the tokenizer is a loop, the parser and everything
//! after it recurse, and even dropping a deep tree does.
//!
//! Chains without parentheses (`a AND b AND …`, `x::int::int…`, `NOT NOT …`) are as deep as they are
//! long, which the parser's own limit does not see; so whatever can chain counts as an operator.
//! Lists behind `IN` are flat at every stage and may be as long as the text.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer, Whitespace};

use crate::config::Guard;
use crate::query::dialect::EventsDialect;
use crate::query::error::{Position, QueryError};

/// Words that chain or nest without parentheses.
const CHAINING: [Keyword; 22] = [
    Keyword::AND,
    Keyword::OR,
    Keyword::XOR,
    Keyword::NOT,
    Keyword::IS,
    Keyword::NOTNULL,
    Keyword::IN,
    Keyword::LIKE,
    Keyword::ILIKE,
    Keyword::RLIKE,
    Keyword::REGEXP,
    Keyword::SIMILAR,
    Keyword::BETWEEN,
    Keyword::AT,
    Keyword::COLLATE,
    Keyword::DIV,
    Keyword::OVERLAPS,
    Keyword::INTERVAL,
    Keyword::PRIOR,
    Keyword::BINARY,
    Keyword::CONNECT_BY_ROOT,
    Keyword::EXPLAIN,
];

/// Refuses a text whose tokens are over a limit of `guard`.
///
/// A text that is no sequence of tokens passes: the parser refuses it, and says where.
pub(super) fn check(sql: &str, guard: &Guard) -> Result<(), QueryError> {
    let Ok(tokens) = Tokenizer::new(&EventsDialect, sql).tokenize_with_location() else { return Ok(()) };
    let mut counts = Counts::new(guard);
    let mut previous = &Token::EOF;
    for token in &tokens {
        if matches!(token.token, Token::Whitespace(_)) {
            continue;
        }
        counts.add(&token.token, previous, token.span.start)?;
        previous = &token.token;
    }
    Ok(())
}

/// What was seen so far.
struct Counts<'a> {
    guard: &'a Guard,
    tokens: usize,
    operators: usize,
    joins: usize,
    unions: usize,
    /// One for each open bracket: whether it is the list of an `IN`.
    open: Vec<bool>,
}

impl<'a> Counts<'a> {
    fn new(guard: &'a Guard) -> Self {
        Self { guard, tokens: 0, operators: 0, joins: 0, unions: 0, open: Vec::new() }
    }

    fn add(&mut self, token: &Token, previous: &Token, start: Location) -> Result<(), QueryError> {
        let over = |what, limit: u64, setting| QueryError::TooComplex {
            what,
            limit,
            setting,
            position: Some(Position { line: start.line, column: start.column }),
        };
        let literal = literal_len(token);
        if literal as u64 > self.guard.literal_max.0 {
            return Err(over("bytes in one text literal", self.guard.literal_max.0, "literal_max"));
        }
        let in_list = self.open.last().copied().unwrap_or(false);
        let item = is_item(token) || matches!(token, Token::Comma) || is_sign(token, previous);
        if in_list && item {
            return Ok(());
        }
        self.tokens += 1;
        if self.tokens > self.guard.tokens_max {
            return Err(over("tokens", self.guard.tokens_max as u64, "tokens_max"));
        }
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                self.open.push(matches!(token, Token::LParen) && is_word(previous, Keyword::IN));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                self.open.pop();
            }
            Token::Word(word) if word.quote_style.is_none() => match word.keyword {
                Keyword::JOIN => self.joins += 1,
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::MINUS => self.unions += 1,
                _ => {}
            },
            _ => {}
        }
        // A subscript or an array type chains like an operator: `x[1][1]…`, `int[][]…`.
        if chains(token) {
            self.operators += 1;
        }
        let guard = self.guard;
        for (count, limit, what, setting) in [
            (self.operators, guard.operators_max, "operators", "operators_max"),
            (self.open.len(), guard.nesting_max.max(1) * 2, "levels of brackets", "nesting_max"),
            (self.joins, guard.joins_max, "joins", "joins_max"),
            (self.unions, guard.unions_max, "UNION, INTERSECT and EXCEPT", "unions_max"),
        ] {
            if count > limit {
                return Err(over(what, limit as u64, setting));
            }
        }
        Ok(())
    }
}

/// Bytes of the text of a literal; 0 for other tokens.
fn literal_len(token: &Token) -> usize {
    match token {
        Token::SingleQuotedString(text)
        | Token::TripleSingleQuotedString(text)
        | Token::NationalStringLiteral(text)
        | Token::EscapedStringLiteral(text)
        | Token::UnicodeStringLiteral(text)
        | Token::HexStringLiteral(text)
        | Token::SingleQuotedByteStringLiteral(text)
        | Token::SingleQuotedRawStringLiteral(text)
        | Token::DoubleQuotedString(text)
        | Token::Number(text, _)
        | Token::Whitespace(Whitespace::MultiLineComment(text)) => text.len(),
        Token::DollarQuotedString(text) => text.value.len(),
        Token::Word(word) => word.value.len(),
        _ => 0,
    }
}

/// A value that a list behind `IN` is made of.
fn is_item(token: &Token) -> bool {
    match token {
        Token::SingleQuotedString(_) | Token::Number(..) | Token::Placeholder(_) => true,
        Token::Word(word) => matches!(word.keyword, Keyword::NULL | Keyword::TRUE | Keyword::FALSE),
        _ => false,
    }
}

/// The sign of a number in a list.
fn is_sign(token: &Token, previous: &Token) -> bool {
    matches!(token, Token::Minus | Token::Plus) && matches!(previous, Token::Comma | Token::LParen)
}

fn is_word(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

fn chains(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.quote_style.is_none() && CHAINING.contains(&word.keyword),
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::TripleSingleQuotedString(_)
        | Token::TripleDoubleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::SingleQuotedByteStringLiteral(_)
        | Token::DoubleQuotedByteStringLiteral(_)
        | Token::SingleQuotedRawStringLiteral(_)
        | Token::DoubleQuotedRawStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_)
        | Token::Placeholder(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::LParen
        | Token::RParen
        | Token::RBracket
        | Token::LBrace
        | Token::RBrace
        | Token::Period
        | Token::SemiColon => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
