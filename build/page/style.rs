//! Style sheets and texts without comments and needless white space.

/// A style sheet with the least white space that means the same.
pub(crate) fn style(source: &str) -> Result<String, String> {
    let (mut text, mut rest, mut space) = (String::new(), source, false);
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("/*") {
            let end = rest.find("*/").ok_or("a comment that is never closed")?;
            (rest, space) = (&rest[end + 2..], true);
        } else if next.is_whitespace() {
            (rest, space) = (&rest[next.len_utf8()..], true);
        } else {
            let end = match next {
                '"' | '\'' => closed(rest, next).ok_or("a string that is never closed")?,
                _ if rest.starts_with("url(") => {
                    rest.find(')').map(|at| at + 1).ok_or("a `url(` that is never closed")?
                }
                _ => next.len_utf8(),
            };
            let before = text.chars().next_back();
            // Behind `:` a value begins; a `:` with nothing before `;` is an empty value, which the space is.
            let holds = before.is_some_and(|before| !"{};,".contains(before) && (before != ':' || next == ';'))
                && !"{},".contains(next)
                && (next != ';' || before == Some(':'));
            if space && holds {
                text.push(' ');
            }
            if next == '}' && text.ends_with(';') {
                text.pop();
            }
            text.push_str(&rest[..end]);
            (rest, space) = (&rest[end..], false);
        }
    }
    Ok(text)
}

/// Texts (JSON) without the white space between them.
pub(crate) fn texts(source: &str) -> Result<String, String> {
    let (mut text, mut rest) = (String::new(), source);
    while let Some(next) = rest.chars().next() {
        let end =
            if next == '"' { closed(rest, next).ok_or("a string that is never closed")? } else { next.len_utf8() };
        if !next.is_whitespace() {
            text.push_str(&rest[..end]);
        }
        rest = &rest[end..];
    }
    Ok(text)
}

/// Where a string that begins here ends.
fn closed(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, next)) = chars.next() {
        match next {
            '\\' => drop(chars.next()),
            _ if next == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}
