//! A value in texts: found in the spellings that URLs and JSON have for it, and taken out.
//!
//! It counts only as a word of its own: where a letter or digit stands right before or behind it, the text
//! is about something else (`12345` in `912345`). In JSON, text stays text and a number becomes `null`, so
//! that the document can still be read.
//!
//! Not found: the value in other cases of its letters, compressed, in base64, or in two encodings at once.

/// Least length of a value that is looked for in texts, in characters: shorter ones are everywhere.
pub const LENGTH_MIN: usize = 6;

/// A value that is looked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Needle {
    /// Its spellings, the longest first.
    spellings: Vec<String>,
    /// What takes its place.
    replacement: String,
    /// Whether it may stand in JSON as a number.
    is_number: bool,
}

/// Without the value.
impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Needle(… → {})", self.replacement)
    }
}

impl Needle {
    /// Looks for `value`, for which `replacement` is put; `None` where it is too short to be told from others.
    ///
    /// The replacement must need no escape in JSON.
    #[must_use]
    pub fn new(value: &str, replacement: &str) -> Option<Self> {
        (value.chars().count() >= LENGTH_MIN).then(|| Self::of_any(value, replacement))
    }

    /// As [`Needle::new`], of any length: for places in which too much rather than too little may go.
    #[must_use]
    pub fn of_any(value: &str, replacement: &str) -> Self {
        let mut spellings = vec![value.to_owned()];
        for ascii in [false, true] {
            // A text in a text: bodies and rejected lines hold documents.
            spellings.extend([json(value, ascii), json(&json(value, ascii), false)]);
        }
        for (upper, plus) in [(true, false), (false, false), (true, true)] {
            spellings.push(percent(value, upper, plus));
        }
        spellings.sort_by(|a, b| (b.len(), a).cmp(&(a.len(), b)));
        spellings.dedup();
        let is_number = value.parse::<f64>().is_ok();
        Self { spellings, replacement: replacement.to_owned(), is_number }
    }

    /// Its spellings.
    #[must_use]
    pub fn spellings(&self) -> &[String] {
        &self.spellings
    }

    /// Whether it stands in a text.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.spellings.iter().any(|spelling| places(text, spelling).next().is_some())
    }

    /// The text without it; `None` where it is not there.
    #[must_use]
    pub fn blank(&self, text: &str) -> Option<String> {
        self.replace(text, false)
    }

    /// As [`Needle::blank`], of JSON text, which stays JSON.
    #[must_use]
    pub fn blank_json(&self, text: &str) -> Option<String> {
        self.replace(text, true)
    }

    fn replace(&self, text: &str, json: bool) -> Option<String> {
        let mut changed: Option<String> = None;
        for spelling in &self.spellings {
            let current = changed.as_deref().unwrap_or(text);
            let mut out = String::new();
            let mut rest = 0;
            for at in places(current, spelling) {
                if at < rest {
                    continue;
                }
                let end = at + spelling.len();
                out.push_str(&current[rest..at]);
                let bare = json && self.is_number && is_token(current, at, end);
                out.push_str(if bare { "null" } else { &self.replacement });
                rest = end;
            }
            if rest > 0 {
                out.push_str(&current[rest..]);
                changed = Some(out);
            }
        }
        changed
    }

    /// The value without it, in all texts and names of members; whether it was there.
    pub fn blank_value(&self, value: &mut serde_json::Value) -> bool {
        use serde_json::Value;
        match value {
            Value::String(text) => self.blank(text).map(|blanked| *text = blanked).is_some(),
            Value::Number(number) if self.is_number && self.is_in(&number.to_string()) => {
                *value = Value::Null;
                true
            }
            // All of them, also behind the first that has it.
            Value::Array(items) => {
                let mut found = false;
                for item in items {
                    found |= self.blank_value(item);
                }
                found
            }
            Value::Object(members) => {
                let named: Vec<String> = members.keys().filter(|name| self.is_in(name)).cloned().collect();
                for name in &named {
                    if let (Some(member), Some(blanked)) = (members.remove(name), self.blank(name)) {
                        members.insert(blanked, member);
                    }
                }
                members.values_mut().fold(!named.is_empty(), |found, member| self.blank_value(member) || found)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// Where `spelling` stands in `text` as a word of its own.
fn places<'a>(text: &'a str, spelling: &'a str) -> impl Iterator<Item = usize> + 'a {
    let wordy = |edge: Option<char>| edge.is_some_and(char::is_alphanumeric);
    let (first, last) = (wordy(spelling.chars().next()), wordy(spelling.chars().next_back()));
    text.match_indices(spelling).map(|(at, _)| at).filter(move |at| {
        let before = first && wordy(char_before(&text[..*at]));
        let behind = last && wordy(text[at + spelling.len()..].chars().next());
        !before && !behind
    })
}

/// The last character of a text, by its meaning where it is the end of an escape of JSON or of a URL.
fn char_before(text: &str) -> Option<char> {
    let last = text.chars().next_back()?;
    let escape = |length: usize, mark: &str| {
        let tail = text.get(text.len().checked_sub(length)?..)?;
        let digits = tail.strip_prefix(mark)?;
        u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
    };
    if let Some(meant) = escape(6, "\\u").or_else(|| escape(3, "%")) {
        return Some(meant);
    }
    let backslashes = text[..text.len() - last.len_utf8()].bytes().rev().take_while(|byte| *byte == b'\\').count();
    match last {
        'n' | 'r' | 't' | 'b' | 'f' if backslashes % 2 == 1 => Some(' '),
        last => Some(last),
    }
}

/// Whether a JSON token may stand there outside of a text.
fn is_token(text: &str, at: usize, end: usize) -> bool {
    let (before, behind) = (text[..at].bytes().next_back(), text[end..].bytes().next());
    matches!(before, None | Some(b':' | b'[' | b',')) && matches!(behind, None | Some(b',' | b']' | b'}'))
}

/// As the inside of a JSON text; with `ascii`, other characters are escaped as well.
fn json(value: &str, ascii: bool) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let mut out = String::new();
    for c in inside.chars() {
        if ascii && !c.is_ascii() {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// As a part of a URL; with `plus`, blanks as forms have them.
fn percent(value: &str, upper: bool, plus: bool) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' if plus => out.push('+'),
            byte if upper => out.push_str(&format!("%{byte:02X}")),
            byte => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}
