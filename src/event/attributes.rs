//! `attributes`: what was sent and no column tells exactly, as one JSON object.
//!
//! First the members of the attributes that were sent, then the record's other fields in their order,
//! objects of which the plan takes only some members included, then the fields of the document around
//! the record. Where two of these would meet under one key, the later group moves into an object of its
//! own, [`EVENT`] or [`DOCUMENT`], so that no value hides another.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::columns::Rows;
use super::json::{Shape, Value, compact_into, members, quote_into, unescaped};
use super::plan::{ATTRIBUTES, NONE};
use super::record::{Field, Mark, Reader};

/// Key of the record's own fields when an attribute of the same name was sent as well.
pub const EVENT: &str = "$event";
/// Key of the fields of the document when one of them is also a field of the record.
pub const DOCUMENT: &str = "$document";

/// Fields of the document around wrapped records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// `"key":value` in compact form, joined by commas.
    pub text: Vec<u8>,
    /// The keys' characters.
    pub keys: Vec<Vec<u8>>,
}

/// What else belongs to a row's attributes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extra<'a> {
    /// Fields of the document around the record.
    pub document: &'a Document,
    /// The module as sent, where the column holds another; else empty.
    pub module: &'a [u8],
}

/// Scratch memory for writing attributes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// Where an object starts in the output, and where its members start.
    opened: Vec<(usize, usize)>,
    /// Keys of the record's left fields, quotes included.
    top: Vec<(u32, u32)>,
}

/// Which groups move into an object of their own, and under which key.
#[derive(Debug, Default)]
struct Layout {
    event: Option<String>,
    document: Option<String>,
    /// The module is written among the record's fields.
    module: bool,
}

impl Writer {
    /// Writes the cell of the row being built, if there is anything to write.
    pub(super) fn write(&mut self, slot: u16, reader: &Reader, body: &[u8], extra: &Extra<'_>, rows: &mut Rows) {
        let sent = reader.slot(slot).map(|at| reader.fields[at].value).filter(|value| value.shape != Shape::Null);
        let plain = extra.document.keys.is_empty() && extra.module.is_empty();
        if plain && !reader.fields.iter().any(|field| is_left(field, slot)) {
            if let Some(value) = sent {
                rows.text(ATTRIBUTES).push_with(|out| compact_into(&value, body, out));
            }
            return;
        }
        let layout =
            if plain && sent.is_none() { Layout::default() } else { self.layout(slot, sent, reader, body, extra) };
        let opened = &mut self.opened;
        rows.text(ATTRIBUTES).push_with(|out| {
            out.push(b'{');
            if let Some(value) = sent {
                base(&value, body, out);
            }
            group(layout.event.as_deref(), out, |out| {
                if layout.module {
                    comma(out);
                    out.extend_from_slice(b"\"module\":");
                    quote_into(&String::from_utf8_lossy(extra.module), out);
                }
                leftovers(opened, &reader.fields, slot, body, out);
            });
            if !extra.document.keys.is_empty() {
                group(layout.document.as_deref(), out, |out| {
                    comma(out);
                    out.extend_from_slice(&extra.document.text);
                });
            }
            out.push(b'}');
        });
    }

    fn layout(&mut self, slot: u16, sent: Option<Value>, reader: &Reader, body: &[u8], extra: &Extra<'_>) -> Layout {
        self.top_keys(slot, &reader.fields);
        if extra.document.keys.is_empty() && extra.module.is_empty() && self.are_apart(sent, body) {
            return Layout::default();
        }
        let key_of = |span: &(u32, u32)| {
            let quoted = Value { start: span.0, end: span.1, shape: Shape::Escaped, spaced: false };
            unescaped(&quoted, body)
        };
        let own: HashSet<Cow<'_, [u8]>, FixedState> = self.top.iter().map(key_of).collect();
        let taken: HashSet<Cow<'_, [u8]>, FixedState> = match sent {
            Some(value) if value.shape == Shape::Object => {
                members(&value, body).map(|member| unescaped(&member.key, body)).collect()
            }
            Some(_) => std::iter::once(Cow::from(&b"attributes"[..])).collect(),
            None => HashSet::default(),
        };
        let module = !extra.module.is_empty() && !own.contains(&b"module"[..]);
        let met = own.iter().any(|key| taken.contains(key)) || (module && taken.contains(&b"module"[..]));
        let is_used = |name: &[u8]| {
            taken.contains(name) || own.contains(name) || extra.document.keys.iter().any(|key| key == name)
        };
        let document_met = extra.document.keys.iter().any(|key| {
            let beside = !met && (own.contains(&key[..]) || (module && key == b"module"));
            beside || taken.contains(&key[..]) || (met && key.starts_with(EVENT.as_bytes()))
        });
        Layout {
            event: met.then(|| free(EVENT, &is_used)),
            document: document_met.then(|| free(DOCUMENT, &is_used)),
            module,
        }
    }

    /// Whether a look without memory of its own shows that no key was sent both ways.
    fn are_apart(&self, sent: Option<Value>, body: &[u8]) -> bool {
        const LOOKS_MAX: usize = 512;
        let Some(object) = sent.filter(|value| value.shape == Shape::Object) else { return false };
        let mut looks = 0;
        members(&object, body).all(|member| {
            looks += self.top.len();
            looks <= LOOKS_MAX
                && member.key.shape == Shape::Plain
                && self.top.iter().all(|&(start, end)| {
                    let key = &body[start as usize..end as usize];
                    key != member.key.text(body) && !key.contains(&b'\\')
                })
        })
    }

    /// Collects the keys that the record's left fields will have in the outermost object.
    fn top_keys(&mut self, slot: u16, fields: &[Field]) {
        self.top.clear();
        let (mut depth, mut outer, mut written) = (0, (0, 0), false);
        for field in fields.iter().filter(|field| !field.dead) {
            match field.mark {
                Mark::Open => {
                    if depth == 0 {
                        (outer, written) = (field.key, false);
                    }
                    depth += 1;
                }
                Mark::Close => {
                    depth -= 1;
                    if depth == 0 && written {
                        self.top.push(outer);
                    }
                }
                Mark::Member if is_left(field, slot) && depth == 0 => self.top.push(field.key),
                Mark::Member => written |= is_left(field, slot),
                Mark::Inner => {}
            }
        }
    }
}

/// Whether the field's value has to go to `attributes`.
#[inline]
fn is_left(field: &Field, slot: u16) -> bool {
    field.mark == Mark::Member && !field.dead && !field.held && (field.slot == NONE || field.slot != slot)
}

/// A key that nothing uses yet.
fn free(name: &str, is_used: &dyn Fn(&[u8]) -> bool) -> String {
    let mut name = name.to_string();
    while is_used(name.as_bytes()) {
        name.push('_');
    }
    name
}

/// Writes members as they are, or inside an object under `name`.
fn group(name: Option<&str>, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if let Some(name) = name {
        comma(out);
        quote_into(name, out);
        out.extend_from_slice(b":{");
    }
    write(out);
    if name.is_some() {
        out.push(b'}');
    }
}

fn leftovers(opened: &mut Vec<(usize, usize)>, fields: &[Field], slot: u16, body: &[u8], out: &mut Vec<u8>) {
    opened.clear();
    for field in fields.iter().filter(|field| !field.dead) {
        match field.mark {
            Mark::Member if is_left(field, slot) => {
                comma(out);
                out.extend_from_slice(&body[field.key.0 as usize..field.key.1 as usize]);
                out.push(b':');
                compact_into(&field.value, body, out);
            }
            Mark::Member | Mark::Inner => {}
            Mark::Open => {
                let before = out.len();
                comma(out);
                out.extend_from_slice(&body[field.key.0 as usize..field.key.1 as usize]);
                out.extend_from_slice(b":{");
                opened.push((before, out.len()));
            }
            Mark::Close => {
                if let Some((before, empty)) = opened.pop() {
                    if out.len() == empty {
                        out.truncate(before);
                    } else {
                        out.push(b'}');
                    }
                }
            }
        }
    }
}

/// Starts `attributes` with those sent: the members of an object, or any other value as it is.
fn base(value: &Value, body: &[u8], out: &mut Vec<u8>) {
    if value.shape == Shape::Object {
        // The caller has written the bracket; compact text starts with the same one.
        out.pop();
        compact_into(value, body, out);
        out.pop();
    } else {
        out.extend_from_slice(b"\"attributes\":");
        compact_into(value, body, out);
    }
}

fn comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}
