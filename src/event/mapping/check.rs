//! Which functions fit which columns, and the rule of the plan that they make.
//!
//! | function | kinds of columns |
//! |---|---|
//! | path, first_of | all |
//! | concat, separator | text, time |
//! | constant, default | text (`default` and `constant` not for ids), integers, float, bool |
//! | values, otherwise, only_listed | text, integers, float, bool |
//! | lower | as values; without them text only |
//! | parse_json | JSON |
//! | scale | integers |
//! | formats, zone | time |
//! | items | lists of objects |

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::error::{RuleProblem, nearest};
use super::file::{ColumnRule, Literal};
use crate::event::lists::item_names;
use crate::event::model::{COLUMNS, Kind, index_of};
use crate::event::names::ModuleName;
use crate::event::plan::{Rule, ValueTable};
use crate::event::time::{TimeFormat, Unit};

const EVENT_ID: usize = index_of("event_id");
const MODULE: usize = index_of("module");
/// A name that no key of a JSON record has: keys are UTF-8.
const NO_KEY: &[u8] = b"\xff";

/// The rule of the plan that `functions` make for `column`.
pub(super) fn rule(column: usize, functions: &ColumnRule, zone: Option<Tz>) -> Result<Rule, RuleProblem> {
    let kind = COLUMNS[column].kind;
    kinds(kind, functions)?;
    table_functions(functions)?;
    if let Some(scale) = functions.scale.filter(|scale| *scale < 1) {
        return Err(RuleProblem::BadScale(scale));
    }
    let own_zone = functions.zone.as_deref().map(zone_of).transpose()?;
    Ok(Rule {
        column,
        formats: functions.formats.iter().map(|text| format(text)).collect::<Result<_, _>>()?,
        zone: if kind == Kind::Time { own_zone.or(zone) } else { None },
        parse_json: functions.parse_json,
        lower: functions.lower,
        values: table(column, functions)?,
        scale: functions.scale,
        items: items(kind, &functions.items)?,
    })
}

/// Refuses functions that the kind of column does not have.
fn kinds(kind: Kind, functions: &ColumnRule) -> Result<(), RuleProblem> {
    let text = kind == Kind::Text;
    let number = matches!(kind, Kind::Int32 | Kind::Int64);
    let scalar = text || number || matches!(kind, Kind::Float32 | Kind::Bool);
    let listed = !functions.values.is_empty() || functions.otherwise.is_some() || functions.only_listed;
    let used: [(&'static str, bool, bool); 9] = [
        ("concat", !functions.concat.is_empty(), text || kind == Kind::Time),
        ("constant", functions.constant.is_some(), scalar),
        ("default", functions.default.is_some(), scalar),
        ("values", listed, scalar),
        ("lower", functions.lower, text || (scalar && listed)),
        ("parse_json", functions.parse_json, kind == Kind::Json),
        ("scale", functions.scale.is_some(), number),
        ("formats", !functions.formats.is_empty() || functions.zone.is_some(), kind == Kind::Time),
        ("items", !functions.items.is_empty(), !item_names(kind).is_empty()),
    ];
    match used.into_iter().find(|(_, used, fits)| *used && !fits) {
        Some((function, ..)) => Err(RuleProblem::NotForKind { function, kind: kind_name(kind) }),
        None => Ok(()),
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Json => "JSON",
        Kind::Time => "time",
        Kind::Int32 | Kind::Int64 => "integers",
        Kind::Float32 => "floats",
        Kind::Bool => "truth values",
        Kind::TextList => "lists of text",
        Kind::TextMap => "maps",
        Kind::Related | Kind::Changes | Kind::Attachments => "lists of objects",
    }
}

fn table_functions(functions: &ColumnRule) -> Result<(), RuleProblem> {
    if functions.otherwise.is_some() && functions.only_listed {
        return Err(RuleProblem::OtherwiseAndOnlyListed);
    }
    if functions.only_listed && functions.values.is_empty() {
        return Err(RuleProblem::Needs { function: "only_listed", needs: "values" });
    }
    if functions.separator.is_some() && functions.concat.is_empty() {
        return Err(RuleProblem::Needs { function: "separator", needs: "concat" });
    }
    Ok(())
}

fn table(column: usize, functions: &ColumnRule) -> Result<Option<ValueTable>, RuleProblem> {
    if functions.values.is_empty() && functions.otherwise.is_none() {
        return Ok(None);
    }
    let mut map: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for (sent, replacement) in &functions.values {
        let sent = if functions.lower { sent.to_lowercase() } else { sent.clone() };
        let replacement = literal(column, replacement)?;
        if map.insert(sent.clone().into_bytes(), replacement.clone()).is_some_and(|earlier| earlier != replacement) {
            return Err(RuleProblem::SameWhenLower(sent));
        }
    }
    let mut replacements: Vec<&Vec<u8>> = map.values().collect();
    replacements.sort_unstable();
    replacements.dedup();
    let one_to_one = replacements.len() == map.len();
    let otherwise = functions.otherwise.as_ref().map(|text| literal(column, text)).transpose()?;
    Ok(Some(ValueTable { map, one_to_one, otherwise, only_listed: functions.only_listed }))
}

/// The text of a value in the mapping, if the column can hold it.
pub(super) fn literal(column: usize, value: &Literal) -> Result<Vec<u8>, RuleProblem> {
    let text = value.to_string();
    let wanted = match COLUMNS[column].kind {
        Kind::Int32 if text.parse::<i32>().is_err() => "it takes 32-bit integers",
        Kind::Int64 if text.parse::<i64>().is_err() => "it takes 64-bit integers",
        Kind::Float32 if !text.parse::<f32>().is_ok_and(f32::is_finite) => "it takes numbers",
        Kind::Bool if !matches!(text.as_str(), "true" | "false") => "it takes true and false",
        _ if column == MODULE && ModuleName::check(&text).is_err() => "it takes names of modules",
        _ if column == EVENT_ID => "an id that many events share tells no event",
        _ => return Ok(text.into_bytes()),
    };
    Err(RuleProblem::BadValue { text, wanted })
}

/// The zone called `name`.
pub(super) fn zone_of(name: &str) -> Result<Tz, RuleProblem> {
    name.parse::<Tz>().map_err(|_| RuleProblem::UnknownZone {
        zone: name.to_string(),
        nearest: nearest(name, TZ_VARIANTS.iter().map(|zone| zone.name())),
    })
}

fn format(text: &str) -> Result<TimeFormat, RuleProblem> {
    Ok(match text {
        "rfc3339" => TimeFormat::Rfc3339,
        "epoch" => TimeFormat::Epoch(None),
        "epoch_s" => TimeFormat::Epoch(Some(Unit::Second)),
        "epoch_ms" => TimeFormat::Epoch(Some(Unit::Millisecond)),
        "epoch_us" => TimeFormat::Epoch(Some(Unit::Microsecond)),
        "epoch_ns" => TimeFormat::Epoch(Some(Unit::Nanosecond)),
        pattern if !pattern.contains('%') => return Err(RuleProblem::BadFormat(pattern.to_string())),
        pattern if StrftimeItems::new(pattern).any(|item| matches!(item, Item::Error)) => {
            return Err(RuleProblem::BadFormat(pattern.to_string()));
        }
        pattern => {
            let format = TimeFormat::Pattern(pattern.to_string());
            // What the pattern writes it must be able to read, else it never fits.
            let sample = chrono::DateTime::UNIX_EPOCH.format(pattern).to_string();
            if crate::event::time::read(sample.as_bytes(), std::slice::from_ref(&format), None).is_none() {
                return Err(RuleProblem::NoDate(pattern.to_string()));
            }
            format
        }
    })
}

fn items(kind: Kind, theirs: &BTreeMap<String, String>) -> Result<Option<Vec<Vec<u8>>>, RuleProblem> {
    if theirs.is_empty() {
        return Ok(None);
    }
    let ours = item_names(kind);
    if let Some(field) = theirs.keys().find(|field| !ours.contains(&field.as_str())) {
        return Err(RuleProblem::UnknownItem { field: field.clone(), known: ours.join(", ") });
    }
    let name = |field: &&str| match theirs.get(*field) {
        Some(name) => name.clone().into_bytes(),
        // A name of ours that the sender gives to another field means that other field.
        None if theirs.values().any(|name| name == field) => NO_KEY.to_vec(),
        None => field.as_bytes().to_vec(),
    };
    Ok(Some(ours.iter().map(name).collect()))
}
