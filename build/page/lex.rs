//! JavaScript in tokens: enough of the language to leave out comments and needless white space, no grammar.
//!
//! Two places need care. Whether `/` divides or begins a regular expression is told by the token before it; where that
//! does not tell (behind a `}`), the file is refused. A template literal is a token for each of its stretches of text,
//! with the tokens of its `${}` between them.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, a keyword, a private name.
    Word,
    Number,
    /// A string in quotes.
    Text,
    /// A stretch of a template literal: from `` ` `` or `}` to `${` or `` ` ``.
    Template,
    Regex,
    Punct,
}

/// A token, and how it stood in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
    /// Whether it is the first of its line, without white space before it.
    pub(crate) leads: bool,
    /// Whether a line ended between the token before it and this one.
    pub(crate) breaks: bool,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Punct) && self.text == text
    }

    /// Whether an expression of a template literal follows.
    pub(crate) fn opens(&self) -> bool {
        self.kind == Kind::Template && self.text.ends_with("${")
    }
}

/// Longest first.
const PUNCTS: [&str; 33] = [
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=", "<=", ">=", "&&",
    "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>", "**",
];
/// Keywords that an expression follows: `/` begins a regular expression there.
const BEFORE_VALUES: [&str; 15] = [
    "return",
    "typeof",
    "case",
    "in",
    "of",
    "delete",
    "void",
    "throw",
    "new",
    "else",
    "do",
    "instanceof",
    "yield",
    "await",
    "extends",
];

/// The tokens of a file, or the line where it cannot be read and why.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, (usize, String)> {
    let mut lexer = Lexer {
        source,
        at: 0,
        line: 1,
        line_start: 0,
        open: Vec::new(),
        after_condition: false,
        breaks: false,
        found: Vec::new(),
    };
    while lexer.skip_blank()? {
        lexer.token()?;
    }
    match lexer.open.last() {
        None => Ok(lexer.found),
        Some(open) => Err((open.line, format!("`{}` is never closed", open.with))),
    }
}

/// A bracket that is open.
struct Open {
    with: &'static str,
    line: usize,
    /// `(` of `if`, `while`, `for`: a statement follows its `)`.
    is_condition: bool,
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    /// Where the present line begins.
    line_start: usize,
    open: Vec<Open>,
    /// Whether the last token closes the condition of a statement.
    after_condition: bool,
    breaks: bool,
    found: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn refuse<T>(&self, why: &str) -> Result<T, (usize, String)> {
        Err((self.line, why.to_owned()))
    }

    /// Goes over white space and comments; whether something is left.
    fn skip_blank(&mut self) -> Result<bool, (usize, String)> {
        loop {
            let rest = self.rest();
            let Some(next) = rest.chars().next() else { return Ok(false) };
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let Some(end) = rest.find("*/") else { return self.refuse("a comment that is never closed") };
                self.pass(end + 2);
            } else if next.is_whitespace() || next == '\u{feff}' {
                self.pass(next.len_utf8());
            } else {
                return Ok(true);
            }
        }
    }

    /// Goes over so many bytes, and counts their lines.
    fn pass(&mut self, bytes: usize) {
        let passed = &self.source[self.at..self.at + bytes];
        if let Some(last) = passed.rfind('\n') {
            self.line += passed.matches('\n').count();
            self.line_start = self.at + last + 1;
            self.breaks = true;
        }
        self.at += bytes;
    }

    fn token(&mut self) -> Result<(), (usize, String)> {
        let rest = self.rest();
        let next = rest.chars().next().unwrap_or_default();
        let after = rest[next.len_utf8()..].chars().next().unwrap_or_default();
        match next {
            '\'' | '"' => self.text(next),
            '`' => self.template(),
            '}' if self.open.last().is_some_and(|open| open.with == "${") => {
                self.open.pop();
                self.template()
            }
            '/' if self.is_value_due()? => self.regex(),
            '.' if after.is_ascii_digit() => self.number(),
            _ if next.is_ascii_digit() => self.number(),
            '#' if is_word(after) => self.word(),
            _ if is_word(next) => self.word(),
            _ => self.punct(),
        }
    }

    /// Adds a token of so many bytes.
    fn add(&mut self, kind: Kind, bytes: usize) {
        let text = self.source[self.at..self.at + bytes].to_owned();
        let (line, leads, breaks) = (self.line, self.at == self.line_start, self.breaks);
        self.pass(bytes);
        self.breaks = false;
        self.after_condition = false;
        self.found.push(Token { kind, text, line, leads, breaks });
    }

    fn word(&mut self) -> Result<(), (usize, String)> {
        let rest = self.rest();
        let end = rest.char_indices().skip(1).find(|(_, next)| !is_word(*next)).map_or(rest.len(), |(at, _)| at);
        self.add(Kind::Word, end);
        Ok(())
    }

    fn number(&mut self) -> Result<(), (usize, String)> {
        let bytes = self.rest().as_bytes();
        let is_decimal = !(bytes[0] == b'0' && bytes.get(1).is_some_and(u8::is_ascii_alphabetic));
        let (mut end, mut has_point) = (0, false);
        while let Some(next) = bytes.get(end) {
            let is_exponent_sign =
                is_decimal && end > 0 && matches!(bytes[end - 1], b'e' | b'E') && matches!(next, b'+' | b'-');
            let is_point = is_decimal && *next == b'.' && !has_point;
            if !(next.is_ascii_alphanumeric() || *next == b'_' || is_exponent_sign || is_point) {
                break;
            }
            has_point |= is_point;
            end += 1;
        }
        self.add(Kind::Number, end);
        Ok(())
    }

    fn text(&mut self, quote: char) -> Result<(), (usize, String)> {
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, next)) = chars.next() {
            match next {
                '\\' => drop(chars.next()),
                '\n' => break,
                _ if next == quote => {
                    self.add(Kind::Text, at + 1);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.refuse("a string that does not end on its line")
    }

    /// A stretch of a template literal, which begins with `` ` `` or `}`.
    fn template(&mut self) -> Result<(), (usize, String)> {
        let rest = self.rest();
        let mut chars = rest.char_indices().skip(1);
        while let Some((at, next)) = chars.next() {
            match next {
                '\\' => drop(chars.next()),
                '`' => {
                    self.add(Kind::Template, at + 1);
                    return Ok(());
                }
                '$' if rest[at + 1..].starts_with('{') => {
                    self.open.push(Open { with: "${", line: self.line, is_condition: false });
                    self.add(Kind::Template, at + 2);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.refuse("a template literal that is never closed")
    }

    fn regex(&mut self) -> Result<(), (usize, String)> {
        let rest = self.rest();
        let (mut in_class, mut chars) = (false, rest.char_indices().skip(1));
        while let Some((at, next)) = chars.next() {
            match next {
                '\\' => drop(chars.next()),
                '\n' => break,
                '[' => in_class = true,
                ']' => in_class = false,
                '/' if !in_class => {
                    let flags =
                        rest[at + 1..].find(|next: char| !next.is_ascii_alphanumeric()).unwrap_or(rest.len() - at - 1);
                    self.add(Kind::Regex, at + 1 + flags);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.refuse("a regular expression that does not end on its line")
    }

    fn punct(&mut self) -> Result<(), (usize, String)> {
        let rest = self.rest();
        let found = PUNCTS.iter().find(|punct| rest.starts_with(**punct));
        // `a?.5:b` asks, it does not look inside.
        let is_question = rest.starts_with("?.") && rest.as_bytes().get(2).is_some_and(u8::is_ascii_digit);
        let text = match found {
            Some(punct) if !is_question => *punct,
            _ => &rest[..rest.chars().next().map_or(0, char::len_utf8)],
        };
        let bytes = text.len();
        if !text.is_ascii() || matches!(text, "\\" | "#" | "@") {
            return self.refuse(&format!("`{text}` is not known here"));
        }
        let closed = self.bracket(rest.as_bytes()[0])?;
        self.add(Kind::Punct, bytes);
        self.after_condition = closed;
        Ok(())
    }

    /// Opens or closes a bracket; whether it closes the condition of a statement.
    fn bracket(&mut self, bracket: u8) -> Result<bool, (usize, String)> {
        let last = |back: usize| self.found.len().checked_sub(back).map(|at| &self.found[at]);
        let is_condition = last(1).is_some_and(|word| ["if", "while", "for", "with"].iter().any(|name| word.is(name)))
            && !last(2).is_some_and(|before| before.is(".") || before.is("?."))
            || last(1).is_some_and(|word| word.is("await")) && last(2).is_some_and(|before| before.is("for"));
        let closes = match bracket {
            b'(' => return Ok(self.push("(", is_condition)),
            b'[' => return Ok(self.push("[", false)),
            b'{' => return Ok(self.push("{", false)),
            b')' => "(",
            b']' => "[",
            b'}' => "{",
            _ => return Ok(false),
        };
        match self.open.pop() {
            Some(open) if open.with == closes => Ok(open.is_condition),
            _ => self.refuse(&format!("a bracket closes that `{closes}` did not open")),
        }
    }

    fn push(&mut self, with: &'static str, is_condition: bool) -> bool {
        self.open.push(Open { with, line: self.line, is_condition });
        false
    }

    /// Whether a value is due, so that `/` begins a regular expression.
    fn is_value_due(&self) -> Result<bool, (usize, String)> {
        let Some(last) = self.found.last() else { return Ok(true) };
        let is_member = self.found.len() > 1 && matches!(self.found[self.found.len() - 2].text.as_str(), "." | "?.");
        Ok(match last.kind {
            Kind::Word => !is_member && BEFORE_VALUES.contains(&last.text.as_str()),
            Kind::Number | Kind::Text | Kind::Regex => false,
            Kind::Template => last.opens(),
            Kind::Punct => match last.text.as_str() {
                ")" => self.after_condition,
                "]" | "++" | "--" => false,
                "}" => return self.refuse("`/` behind `}`: whether it divides cannot be told; put the value before it in parentheses or in a constant"),
                _ => true,
            },
        })
    }
}

/// Whether a character may be part of a name.
pub(crate) fn is_word(next: char) -> bool {
    next == '_' || next == '$' || next.is_alphanumeric()
}
