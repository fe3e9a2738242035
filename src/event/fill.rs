//! The fields of one record into the columns of one row.
//!
//! Rules first; then what they did not hold exactly goes to `attributes`, in the order sent; then
//! the columns that are derived, and defaults for those that must not be empty.

use super::attributes::{self, Document};
use super::columns::Rows;
use super::convert::{Fit, convert, free_text, is_free_text, scalar};
use super::derive;
use super::json::{Shape, Value, unescape_into};
use super::model::index_of;
use super::names::ModuleName;
use super::plan::{Late, LateRule, NONE, Plan, RelatedTemplate, Rule};
use super::record::Reader;

pub(super) const EVENT_ID: usize = index_of("event_id");
pub(super) const EVENT_TIME: usize = index_of("event_time");
pub(super) const OBSERVED_TIME: usize = index_of("observed_time");
pub(super) const TENANT_ID: usize = index_of("tenant_id");
pub(super) const SEQUENCE: usize = index_of("sequence");
pub(super) const UNIT_ID: usize = index_of("unit_id");
pub(super) const SOURCE: usize = index_of("source");
pub(super) const DATASET: usize = index_of("dataset");
pub(super) const MODULE: usize = index_of("module");
const EVENT_TYPE: usize = index_of("event_type");
const ACTION: usize = index_of("action");
const RAW: usize = index_of("raw");
const RELATED: usize = index_of("related");

/// What the parser counted while filling rows, by ledger kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Events for which no `event_time` was sent.
    pub time_missing: u64,
    /// Events for which an `event_time` was sent that could not be used.
    pub time_unusable: u64,
    /// Other values that their column cannot hold.
    pub value_unusable: u64,
    /// Values under names that no column and no mapping has.
    pub unknown_field: u64,
    /// Keys that stood twice in an object.
    pub duplicate_key: u64,
    /// Modules above the project's cap, stored as `_other`.
    pub module_overflow: u64,
    /// Snapshots whose differences would take many times their own size.
    pub changes_too_large: u64,
    /// Secrets that were blanked before the parser saw them, in rejected records too.
    pub redacted: u64,
}

impl Remarks {
    /// The counts with their ledger kinds.
    #[must_use]
    pub fn by_kind(&self) -> [(&'static str, u64); 8] {
        [
            ("time_missing", self.time_missing),
            ("time_unusable", self.time_unusable),
            ("value_unusable", self.value_unusable),
            ("unknown_field", self.unknown_field),
            ("duplicate_key", self.duplicate_key),
            ("module_overflow", self.module_overflow),
            ("changes_too_large", self.changes_too_large),
            ("redacted", self.redacted),
        ]
    }
}

/// What a row takes from outside its record.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// How keys become columns.
    pub plan: &'a Plan,
    /// `tenant_id` of records without one.
    pub project: &'a str,
    /// `source` of records without one.
    pub source: &'a str,
    /// Time of receipt, µs.
    pub received_at: i64,
    /// Fields of the document around the records.
    pub document: &'a Document,
    /// The row's module is above the project's cap.
    pub overflow: bool,
}

/// What is done with the value in a slot.
#[derive(Debug, Clone, Copy)]
enum Op {
    /// Nothing now.
    None,
    /// Text as it comes, into a column that takes every text.
    Text(usize),
    /// The slot's rules.
    Rules,
}

impl Op {
    fn of(rules: &[Rule]) -> Self {
        match rules {
            [] => Self::None,
            [rule] if *rule == Rule::plain(rule.column) && is_free_text(rule.column) => Self::Text(rule.column),
            _ => Self::Rules,
        }
    }
}

/// Fills rows from the fields that a [`Reader`] found.
#[derive(Debug)]
pub struct Filler {
    /// By slot; most values need no look at their rules.
    ops: Vec<Op>,
    leftovers: attributes::Writer,
    diff: derive::Differ,
    /// Module of the row, where it was replaced by `_other`.
    module: Vec<u8>,
    /// A time was sent for the row, if only one that cannot be used.
    time_sent: bool,
    /// Scratch for joined texts.
    joined: Vec<u8>,
    /// Counts since they were last taken.
    pub remarks: Remarks,
}

impl Filler {
    /// A filler for records of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let mut ops: Vec<Op> = plan.direct.iter().map(|rules| Op::of(rules)).collect();
        if let Some(op) = ops.get_mut(plan.attributes as usize) {
            *op = Op::None;
        }
        Self {
            ops,
            leftovers: attributes::Writer::default(),
            diff: derive::Differ::default(),
            module: Vec::new(),
            time_sent: false,
            joined: Vec::new(),
            remarks: Remarks::default(),
        }
    }

    /// Fills one row, all but `event_id` where none was sent; the caller ends the row.
    pub fn fill(
        &mut self,
        reader: &mut Reader,
        body: &[u8],
        record: &Value,
        around: &Surroundings<'_>,
        rows: &mut Rows,
    ) {
        let plan = around.plan;
        self.remarks.duplicate_key += reader.duplicate_keys;
        self.direct(plan, reader, body, rows);
        for late in &plan.late {
            // A column may have several: the next is asked where those before found nothing.
            if !rows.is_set(late.rule.column) {
                self.late(late, reader, body, rows);
            }
        }
        for (column, text) in &plan.defaults {
            if !rows.is_set(*column) {
                let _ = scalar(text, &Rule::plain(*column), rows);
            }
        }
        if plan.keep_raw && !rows.is_set(RAW) {
            rows.text(RAW).push(record.text(body));
        }
        self.module.clear();
        if around.overflow && rows.is_set(MODULE) {
            self.module.extend_from_slice(rows.current_text(MODULE));
            rows.replace_text(MODULE, ModuleName::OTHER.as_bytes());
            self.remarks.module_overflow += 1;
        }
        let extra = attributes::Extra { document: around.document, module: &self.module };
        self.leftovers.write(plan.attributes, reader, body, &extra, rows);
        self.required(around, rows);
        self.remarks.changes_too_large += u64::from(!self.diff.derive(rows));
    }

    fn direct(&mut self, plan: &Plan, reader: &mut Reader, body: &[u8], rows: &mut Rows) {
        self.time_sent = false;
        for field in &mut reader.fields {
            if field.slot == NONE || field.dead {
                self.remarks.unknown_field += u64::from(!field.dead);
                continue;
            }
            match self.ops[field.slot as usize] {
                Op::None => continue,
                Op::Text(column) if free_text(&field.value, body, column, rows) => {
                    field.held = true;
                    continue;
                }
                Op::Text(_) | Op::Rules => {}
            }
            for rule in &plan.direct[field.slot as usize] {
                // Of two keys for one column the first counts; the other stays in `attributes`.
                let fit = if rows.is_set(rule.column) { Fit::Partial } else { convert(&field.value, body, rule, rows) };
                match fit {
                    Fit::Exact | Fit::Missing => field.held = true,
                    Fit::Partial | Fit::Passed => {}
                    Fit::Unusable => self.unusable(rule.column),
                }
            }
        }
    }

    fn unusable(&mut self, column: usize) {
        if column == EVENT_TIME {
            // Once an event, however many of its keys were tried.
            self.remarks.time_unusable += u64::from(!self.time_sent);
            self.time_sent = true;
        } else {
            self.remarks.value_unusable += 1;
        }
    }

    fn late(&mut self, late: &LateRule, reader: &mut Reader, body: &[u8], rows: &mut Rows) {
        match &late.source {
            Late::Constant(text) => {
                let _ = scalar(text, &late.rule, rows);
            }
            Late::FirstOf(slots) => {
                for slot in slots {
                    let Some(at) = reader.slot(*slot) else { continue };
                    match convert(&reader.fields[at].value, body, &late.rule, rows) {
                        Fit::Exact => reader.fields[at].held = true,
                        Fit::Partial => {}
                        Fit::Unusable => {
                            self.unusable(late.rule.column);
                            continue;
                        }
                        Fit::Missing | Fit::Passed => continue,
                    }
                    return;
                }
            }
            Late::Concat(slots, separator) => self.concat(slots, separator, reader, body, (&late.rule, rows)),
            Late::Related(templates) => related(templates, reader, body, rows),
        }
    }

    /// Joins the texts of slots; these stay in `attributes`, since a joined text cannot be taken apart.
    fn concat(
        &mut self,
        slots: &[u16],
        separator: &str,
        reader: &Reader,
        body: &[u8],
        (rule, rows): (&Rule, &mut Rows),
    ) {
        self.joined.clear();
        let mut any = false;
        for slot in slots {
            let Some(value) = reader.slot(*slot).map(|at| reader.fields[at].value) else { continue };
            if matches!(value.shape, Shape::Null | Shape::Object | Shape::Array) {
                continue;
            }
            if any {
                self.joined.extend_from_slice(separator.as_bytes());
            }
            any = true;
            if value.is_text() {
                unescape_into(&value, body, &mut self.joined);
            } else {
                self.joined.extend_from_slice(value.text(body));
            }
        }
        if any && scalar(&self.joined, rule, rows) == Fit::Unusable {
            self.unusable(rule.column);
        }
    }

    fn required(&mut self, around: &Surroundings<'_>, rows: &mut Rows) {
        if !rows.is_set(EVENT_TIME) {
            rows.i64s(EVENT_TIME).push(around.received_at);
            self.remarks.time_missing += u64::from(!self.time_sent);
        }
        rows.i64s(OBSERVED_TIME).push(around.received_at);
        let defaults: [(usize, &str); 5] = [
            (TENANT_ID, around.project),
            (SOURCE, around.source),
            (DATASET, "events"),
            (EVENT_TYPE, "event"),
            (ACTION, "other"),
        ];
        for (column, text) in defaults {
            if !rows.is_set(column) {
                rows.text(column).push(text.as_bytes());
            }
        }
    }
}

fn related(templates: &[RelatedTemplate], reader: &mut Reader, body: &[u8], rows: &mut Rows) {
    let scalar_of = |reader: &Reader, slot: u16| {
        let at = reader.slot(slot)?;
        let shape = reader.fields[at].value.shape;
        let named = matches!(shape, Shape::Plain | Shape::Escaped | Shape::Integer | Shape::Decimal);
        (named && reader.fields[at].value.text(body) != b"\"\"").then_some(at)
    };
    let mut any = false;
    for template in templates {
        let Some(id) = scalar_of(reader, template.id) else { continue };
        let list = rows.list(RELATED);
        any = true;
        list.text(0).push(&template.object_type);
        put(&reader.fields[id].value, body, list.text(1));
        reader.fields[id].held = true;
        if let Some(name) = scalar_of(reader, template.name) {
            put(&reader.fields[name].value, body, list.text(2));
            reader.fields[name].held = true;
        }
        if let Some(role) = &template.role {
            list.text(3).push(role);
        }
        list.end_item();
    }
    if any {
        rows.list(RELATED).end_list();
    }
}

fn put(value: &Value, body: &[u8], text: &mut super::columns::TextColumn) {
    if value.is_text() {
        text.push_with(|out| unescape_into(value, body, out));
    } else {
        text.push(value.text(body));
    }
}

#[cfg(test)]
mod tests;
