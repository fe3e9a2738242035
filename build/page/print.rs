//! Tokens as text again, with as little between them as keeps them what they were.

use super::lex::{Kind, Token};

/// Behind these a line break never ends a statement; behind other tokens it may.
fn goes_on(token: &Token) -> bool {
    match token.kind {
        Kind::Punct => !matches!(token.text.as_str(), ")" | "]" | "}" | "++" | "--"),
        Kind::Template => token.opens(),
        _ => false,
    }
}

/// Before these a line break never ends a statement.
fn continues(token: &Token) -> bool {
    match token.kind {
        Kind::Punct => matches!(
            token.text.as_str(),
            ")" | "]" | "}" | "," | ";" | "." | "?." | "?" | ":" | "=" | "=>" | "&&" | "||" | "??"
        ),
        Kind::Template => token.text.starts_with('}'),
        _ => false,
    }
}

/// Whether two tokens without a space between them would be read as others.
fn clings(left: &Token, right: &Token) -> bool {
    let is_name = |token: &Token| matches!(token.kind, Kind::Word | Kind::Number);
    let (end, start) =
        (left.text.chars().next_back().unwrap_or_default(), right.text.chars().next().unwrap_or_default());
    if is_name(right) && (is_name(left) || left.kind == Kind::Regex) {
        return true;
    }
    if left.kind == Kind::Number {
        return start == '.';
    }
    if left.kind != Kind::Punct {
        return false;
    }
    match end {
        '+' | '-' => start == end || start == '>',
        '/' => start == '/' || start == '*',
        '<' => start == '!' || start == '/',
        '?' => start == '.',
        '.' => start.is_ascii_digit(),
        _ => false,
    }
}

/// What stands between two tokens.
fn between(left: &Token, right: &Token) -> &'static str {
    if right.breaks && !goes_on(left) && !continues(right) {
        "\n"
    } else if clings(left, right) {
        " "
    } else {
        ""
    }
}

/// The tokens as text.
pub(crate) fn print(tokens: &[Token]) -> String {
    let mut text = String::new();
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 {
            text.push_str(between(&tokens[at - 1], token));
        }
        text.push_str(&token.text);
    }
    text
}
