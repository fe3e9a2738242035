//! The rules of the event model written as plainly as they can be, on top of serde_json: what the
//! parser must agree with. Nothing here is shared with it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::view::Cell;
use crate::event::model::{COLUMNS, Column, Kind, Origin};
use crate::event::names::ModuleName;

/// Members in the order sent, of a key that stands twice the last.
pub(super) type Members = Vec<(String, String)>;

pub(super) fn members(text: &str) -> Option<Members> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, Box<RawValue>)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    let pairs = serde_json::Deserializer::from_str(text).deserialize_map(Pairs).ok()?;
    let pairs: Members = pairs.into_iter().map(|(key, value)| (key, compact(value.get()))).collect();
    let is_last = |at: usize| !pairs[at + 1..].iter().any(|(key, _)| *key == pairs[at].0);
    Some(pairs.iter().enumerate().filter(|(at, _)| is_last(*at)).map(|(_, pair)| pair.clone()).collect())
}

fn items(text: &str) -> Option<Vec<String>> {
    let items: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
    Some(items.iter().map(|item| compact(item.get())).collect())
}

pub(super) fn compact(text: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        if in_string || !matches!(c, ' ' | '\n' | '\r' | '\t') {
            out.push(c);
        }
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else {
            in_string = c == '"';
        }
    }
    out
}

fn string(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// Characters of a string, digits of a number.
fn scalar(text: &str) -> Option<String> {
    if is_number(text) { Some(text.to_string()) } else { string(text) }
}

/// A cell, and whether it tells all that was sent.
type Converted = (Option<Cell>, bool);
const UNUSABLE: Converted = (None, false);

fn convert(column: &Column, text: &str) -> Converted {
    match column.kind {
        Kind::Text => match scalar(text) {
            Some(name) if column.name == "module" && ModuleName::try_from(name.as_str()).is_err() => UNUSABLE,
            Some(id) if column.name == "event_id" && id.is_empty() => UNUSABLE,
            Some(found) => (Some(Cell::Text(found)), true),
            None => UNUSABLE,
        },
        Kind::Json => (Some(Cell::Text(text.to_string())), true),
        Kind::Time => time(text),
        Kind::Int32 => integer(text, i64::from(i32::MIN), i64::from(i32::MAX)),
        Kind::Int64 => integer(text, i64::MIN, i64::MAX),
        Kind::Float32 => match scalar(text)
            .and_then(|digits| Some((digits.parse::<f32>().ok().filter(|f| f.is_finite())?, digits)))
        {
            Some((number, digits)) => (Some(Cell::Float(number)), number.to_string() == digits),
            None => UNUSABLE,
        },
        Kind::Bool => match text {
            "true" => (Some(Cell::Bool(true)), true),
            "false" => (Some(Cell::Bool(false)), true),
            "\"true\"" => (Some(Cell::Bool(true)), false),
            "\"false\"" => (Some(Cell::Bool(false)), false),
            _ => UNUSABLE,
        },
        Kind::TextMap => map(text),
        Kind::Related | Kind::Changes | Kind::Attachments => list(column.kind, text),
        Kind::TextList => UNUSABLE,
    }
}

/// Numbers here are few digits long, so that a float shows their value.
fn integer(text: &str, min: i64, max: i64) -> Converted {
    let Some(digits) = scalar(text) else { return UNUSABLE };
    let plain = digits.strip_prefix('-').unwrap_or(&digits);
    let canonical = digits != "-0"
        && !plain.is_empty()
        && plain.bytes().all(|b| b.is_ascii_digit())
        && (plain == "0" || !plain.starts_with('0'));
    let value = if canonical {
        digits.parse::<i64>().ok()
    } else {
        let is_zero = !plain.split(['e', 'E']).next().unwrap_or("").contains(|c: char| matches!(c, '1'..='9'));
        let well_formed =
            plain.starts_with(|c: char| c.is_ascii_digit()) && !plain.ends_with('.') && !plain.contains(".e");
        digits
            .parse::<f64>()
            .ok()
            .filter(|f| well_formed && f.fract() == 0.0 && f.abs() < 9e15 && (*f != 0.0 || is_zero))
            .map(|f| f as i64)
    };
    match value.filter(|value| (min..=max).contains(value)) {
        Some(value) => (Some(Cell::Int(value)), canonical),
        None => UNUSABLE,
    }
}

fn time(text: &str) -> Converted {
    let Some(found) = scalar(text) else { return UNUSABLE };
    let (us, exact) = if let Ok(instant) = chrono::DateTime::parse_from_rfc3339(&found) {
        let leap = instant.timestamp_subsec_nanos() >= 1_000_000_000;
        let fits = instant.timestamp_subsec_nanos() % 1_000 == 0 && found.ends_with(['Z', 'z']) && !leap;
        (instant.timestamp_micros(), fits)
    } else if let Some(ns) = epoch_ns(&found) {
        let (ns, whole) = ns;
        (i64::try_from(ns.div_euclid(1_000)).unwrap_or(-1), whole && ns % 1_000 == 0)
    } else {
        return UNUSABLE;
    };
    if !(0..7_289_654_400_000_000).contains(&us) {
        return UNUSABLE;
    }
    (Some(Cell::Int(us)), exact)
}

/// A number since 1970 in nanoseconds, and whether it has no finer digits.
pub(super) fn epoch_ns(text: &str) -> Option<(i128, bool)> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 19 {
        return None;
    }
    let number: i128 = whole.parse().ok()?;
    let places = match whole.trim_start_matches('0').len() {
        0..=11 => 9,
        12..=14 => 6,
        15..=17 => 3,
        _ => 0,
    };
    let padded = format!("{fraction:0<9}");
    let (kept, rest) = padded.split_at(places);
    let below: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let ns = sign * (number * 10_i128.pow(u32::try_from(places).ok()?) + below);
    Some((ns, rest.bytes().all(|b| b == b'0')))
}

fn map(text: &str) -> Converted {
    let Some(pairs) = members(text) else { return UNUSABLE };
    let sent = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>().count();
    let twins = count_members(text) != pairs.len();
    let mut exact = !twins && sent == 1;
    let mut item = |(key, value): &(String, String)| {
        let value = match value.as_str() {
            "null" => None,
            other => Some(scalar(other).unwrap_or_else(|| {
                exact = false;
                other.to_string()
            })),
        };
        vec![Some(key.clone()), value]
    };
    let list = pairs.iter().map(&mut item).collect();
    (Some(Cell::List(list)), exact)
}

/// Members with the repeated ones.
fn count_members(text: &str) -> usize {
    struct Count;
    impl<'de> Visitor<'de> for Count {
        type Value = usize;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
            let mut count = 0;
            while map.next_entry::<String, serde::de::IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(count)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Count).unwrap_or(0)
}

fn fields_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Related => &["type", "id", "name", "role"],
        Kind::Changes => &["path", "op", "before", "after"],
        _ => &["role", "name", "content_type", "size", "sha256", "ref", "expires_at"],
    }
}

fn list(kind: Kind, text: &str) -> Converted {
    let names = fields_of(kind);
    let Some(items) = items(text) else { return UNUSABLE };
    let (mut list, mut exact) = (Vec::new(), true);
    for item in items {
        let Some(pairs) = members(&item) else { return UNUSABLE };
        exact &= count_members(&item) == pairs.len();
        let mut fields = vec![None; names.len()];
        for (key, value) in &pairs {
            let Some(at) = names.iter().position(|name| name == key) else {
                exact = false;
                continue;
            };
            fields[at] = match (*key == *"size", matches!(key.as_str(), "before" | "after") && kind == Kind::Changes) {
                (_, true) => Some(value.clone()),
                (true, _) if value != "null" => {
                    let size = value.parse::<i64>().ok().filter(|_| value.bytes().all(|b| b.is_ascii_digit()));
                    exact &= size.is_some();
                    size.map(|size| size.to_string())
                }
                _ if value == "null" => None,
                _ => {
                    exact &= scalar(value).is_some();
                    scalar(value)
                }
            };
        }
        if kind == Kind::Changes && fields[1].is_none() {
            let op = match (&fields[2], &fields[3]) {
                (None, _) => "add",
                (Some(_), None) => "remove",
                (Some(_), Some(_)) => "replace",
            };
            fields[1] = Some(op.to_string());
        }
        list.push(fields);
    }
    (Some(Cell::List(list)), exact)
}

fn diff(before: &Members, after: &Members, path: &str, out: &mut Vec<Vec<Option<String>>>) {
    let sorted = |members: &Members| members.iter().cloned().collect::<BTreeMap<String, String>>();
    let (old, new) = (sorted(before), sorted(after));
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let change =
            |op: &str| vec![Some(here.clone()), Some(op.to_string()), old.get(key).cloned(), new.get(key).cloned()];
        match (old.get(key), new.get(key)) {
            (Some(a), Some(b)) if a == b || (string(a).is_some() && string(a) == string(b)) => {}
            (Some(a), Some(b)) => match (members(a), members(b)) {
                (Some(inner_old), Some(inner_new)) => diff(&inner_old, &inner_new, &here, out),
                _ => out.push(change("replace")),
            },
            (Some(_), None) => out.push(change("remove")),
            _ => out.push(change("add")),
        }
    }
}

/// What one event becomes.
pub(super) struct Expected {
    /// Cells by column; `attributes` stands apart.
    pub(super) cells: BTreeMap<&'static str, Cell>,
    /// Attributes that are no object, as they are.
    pub(super) whole: Option<String>,
    /// Members of the attributes that were sent.
    pub(super) sent: Members,
    /// The record's own fields that stand beside them, or in an object of their own.
    pub(super) own: Members,
}

/// Reads a record in the words of the model.
pub(super) fn read(line: &str, project: &str, source: &str, received_at: i64) -> Expected {
    let mut cells = BTreeMap::new();
    let (mut own, mut attributes) = (Vec::new(), None);
    for (key, value) in members(line).expect("a record") {
        let column = COLUMNS
            .iter()
            .find(|column| column.name == key && matches!(column.origin, Origin::Wire | Origin::WireOrDerived));
        match column {
            Some(column) if column.name == "attributes" => attributes = Some(value).filter(|value| value != "null"),
            Some(_) if value == "null" => {}
            Some(column) => {
                let (cell, exact) = convert(column, &value);
                if let Some(cell) = cell {
                    cells.insert(column.name, cell);
                }
                if !exact {
                    own.push((key, value));
                }
            }
            None => own.push((key, value)),
        }
    }
    derive(&mut cells);
    for (column, text) in [
        ("tenant_id", project),
        ("source", source),
        ("dataset", "events"),
        ("event_type", "event"),
        ("action", "other"),
    ] {
        cells.entry(column).or_insert_with(|| Cell::Text(text.to_string()));
    }
    cells.entry("event_time").or_insert(Cell::Int(received_at));
    cells.insert("observed_time", Cell::Int(received_at));
    let sent = attributes.as_deref().and_then(members);
    let whole = attributes.filter(|_| sent.is_none());
    Expected { cells, whole, sent: sent.unwrap_or_default(), own }
}

fn derive(cells: &mut BTreeMap<&'static str, Cell>) {
    let text = |cells: &BTreeMap<&'static str, Cell>, column: &str| match cells.get(column) {
        Some(Cell::Text(text)) => Some(text.clone()),
        _ => None,
    };
    if !cells.contains_key("changes")
        && let (Some(before), Some(after)) = (text(cells, "object_before"), text(cells, "object_after"))
        && let (Some(before), Some(after)) = (members(&before), members(&after))
    {
        let mut out = Vec::new();
        diff(&before, &after, "", &mut out);
        cells.insert("changes", Cell::List(out));
    }
    if let Some(Cell::List(changes)) = cells.get("changes") {
        // A change without a path is listed with an empty one.
        let paths = changes.iter().map(|change| vec![Some(change[0].clone().unwrap_or_default())]).collect();
        cells.insert("changed_fields", Cell::List(paths));
    }
    let mut refs = Vec::new();
    if let Some(id) = text(cells, "object_id").filter(|id| id != "-") {
        refs.push(vec![Some(format!("{}:{id}", text(cells, "object_type").unwrap_or_default()))]);
    }
    if let Some(Cell::List(related)) = cells.get("related") {
        let named = related.iter().filter_map(|item| {
            Some(vec![Some(format!("{}:{}", item[0].clone().unwrap_or_default(), item[1].as_ref()?))])
        });
        refs.extend(named);
    }
    cells.insert("object_refs", Cell::List(refs));
    for (body, size) in [("request_body", "request_body_size"), ("response_body", "response_body_size")] {
        if let Some(text) = text(cells, body) {
            cells.entry(size).or_insert(Cell::Int(i64::try_from(text.len()).expect("a short text")));
        }
    }
}
