//! A compiled interpretation: which key feeds which column, and how.
//!
//! A mapping, or the model itself for events in our own words, becomes a tree of keys and a list of
//! rules once; the parser then only follows numbers. Nothing of a mapping is looked up per event.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::model::{COLUMNS, Kind, Origin, index_of};
use super::time::TimeFormat;

/// Position of the column `attributes`.
pub const ATTRIBUTES: usize = index_of("attributes");
/// "No entry", "no slot", "no node".
pub const NONE: u16 = u16::MAX;

/// One key of an object that the plan knows.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key's characters.
    pub key: Box<[u8]>,
    /// Where the value is put for the rules, or [`NONE`].
    pub slot: u16,
    /// Node of the object under this key, or [`NONE`].
    pub child: u16,
}

/// Keys of one object.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Its known keys.
    pub entries: Vec<Entry>,
}

/// Replacement of values by a table.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueTable {
    /// From the value's text to what the column gets.
    pub map: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether no two values give the same, so that the column alone tells what was sent.
    pub one_to_one: bool,
    /// What all other values become; without it they stay as they are.
    pub otherwise: Option<Vec<u8>>,
    /// Other values are not taken at all.
    pub only_listed: bool,
}

/// How one value becomes one cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Column that it fills.
    pub column: usize,
    /// Forms in which instants come.
    pub formats: Vec<TimeFormat>,
    /// Zone of instants without an offset.
    pub zone: Option<Tz>,
    /// A JSON string is parsed.
    pub parse_json: bool,
    /// Letters become small.
    pub lower: bool,
    /// Values are replaced.
    pub values: Option<ValueTable>,
    /// Numbers are multiplied.
    pub scale: Option<i64>,
    /// Names that the source gives to the fields of list items, in the order of ours.
    pub items: Option<Vec<Vec<u8>>>,
}

impl Rule {
    /// The value as it comes.
    #[must_use]
    pub fn plain(column: usize) -> Self {
        Self {
            column,
            formats: Vec::new(),
            zone: None,
            parse_json: false,
            lower: false,
            values: None,
            scale: None,
            items: None,
        }
    }
}

/// What fills a column once the whole record was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Late {
    /// The first slot with a usable value.
    FirstOf(Vec<u16>),
    /// The texts of the slots, joined; missing when all are missing.
    Concat(Vec<u16>, String),
    /// Always the same text.
    Constant(Vec<u8>),
    /// Items of `related` made of slots.
    Related(Vec<RelatedTemplate>),
}

/// One item of `related`, made of slots.
#[derive(Debug, Clone, PartialEq)]
pub struct RelatedTemplate {
    /// Constant type.
    pub object_type: Vec<u8>,
    /// Slot of the id; no id, no item.
    pub id: u16,
    /// Slot of the name, or [`NONE`].
    pub name: u16,
    /// Constant role.
    pub role: Option<Vec<u8>>,
}

/// A column that is filled at the end of the record.
#[derive(Debug, Clone, PartialEq)]
pub struct LateRule {
    /// Where the value comes from.
    pub source: Late,
    /// What is done to it, and its column.
    pub rule: Rule,
}

/// A compiled interpretation.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Objects whose keys matter; the first is the record.
    pub nodes: Vec<Node>,
    /// Rules by slot.
    pub direct: Vec<Vec<Rule>>,
    /// Columns filled at the end of the record.
    pub late: Vec<LateRule>,
    /// Texts for columns that are still empty then.
    pub defaults: Vec<(usize, Vec<u8>)>,
    /// Slot whose object becomes `attributes` itself, or [`NONE`].
    pub attributes: u16,
    /// Key under which records come wrapped in a document.
    pub wrapper: Option<Vec<u8>>,
    /// Whether the record's own text is stored in `raw`.
    pub keep_raw: bool,
}

impl Plan {
    /// An interpretation that knows no key yet.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            nodes: vec![Node::default()],
            direct: Vec::new(),
            late: Vec::new(),
            defaults: Vec::new(),
            attributes: NONE,
            wrapper: None,
            keep_raw: false,
        }
    }

    /// Events in the words of the model itself.
    #[must_use]
    pub fn native() -> Self {
        let mut plan = Self::empty();
        for (at, column) in COLUMNS.iter().enumerate() {
            if matches!(column.origin, Origin::Wire | Origin::WireOrDerived) {
                let slot = plan.slot(&[column.name.to_string()]);
                if at == ATTRIBUTES {
                    plan.attributes = slot;
                } else {
                    debug_assert_ne!(column.kind, Kind::TextList, "lists of text are always derived");
                    plan.direct[slot as usize].push(Rule::plain(at));
                }
            }
        }
        plan
    }

    /// The slot of a path of keys, made where it does not exist yet.
    pub fn slot(&mut self, path: &[String]) -> u16 {
        let mut node = 0_usize;
        for (depth, key) in path.iter().enumerate() {
            let at = self.entry(node, key.as_bytes());
            if depth + 1 == path.len() {
                if self.nodes[node].entries[at].slot == NONE {
                    self.nodes[node].entries[at].slot = short(self.direct.len());
                    self.direct.push(Vec::new());
                }
                return self.nodes[node].entries[at].slot;
            }
            if self.nodes[node].entries[at].child == NONE {
                self.nodes[node].entries[at].child = short(self.nodes.len());
                self.nodes.push(Node::default());
            }
            node = self.nodes[node].entries[at].child as usize;
        }
        NONE
    }

    fn entry(&mut self, node: usize, key: &[u8]) -> usize {
        let entries = &mut self.nodes[node].entries;
        entries.iter().position(|entry| &*entry.key == key).unwrap_or_else(|| {
            entries.push(Entry { key: key.into(), slot: NONE, child: NONE });
            entries.len() - 1
        })
    }
}

/// Plans are small: a mapping names at most a few hundred keys.
fn short(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(NONE - 1)
}
