//! First look at a record: where each of its values lies.
//!
//! Senders repeat themselves: after `"status":` usually comes `"duration_ms":`. For every key this
//! remembers which two keys followed it last and compares their bytes first; the table of keys is
//! asked only when both miss. Unknown keys are learnt too, up to a limit.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::json::{ScanError, Scanner, Shape, Token, Value, unescaped};
use super::plan::{NONE, Plan};

/// How many keys that the plan does not know are remembered per object.
const LEARNT_MAX: usize = 4_096;
/// Longest such key, in bytes: memory of a reader is bounded whatever is sent.
const LEARNT_LEN_MAX: usize = 128;

/// What a field of the record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A key with its value.
    Member,
    /// A member of an object that is also taken whole: it feeds rules, and is not written again.
    Inner,
    /// The start of an object of which the plan knows members.
    Open,
    /// Its end.
    Close,
}

/// One key and value of a record, in the order sent.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// What it is for.
    pub mark: Mark,
    /// Whether a later field of the same key replaced it.
    pub dead: bool,
    /// Whether a column tells exactly what was sent.
    pub held: bool,
    /// Slot of the plan, or [`NONE`].
    pub slot: u16,
    /// The key with its quotes, as a span of the body.
    pub key: (u32, u32),
    /// The value.
    pub value: Value,
}

/// Keys of one object of the plan, with what usually follows what.
#[derive(Debug)]
struct Keys {
    table: HashMap<Box<[u8]>, u16, FixedState>,
    known: Vec<Known>,
    /// Number of keys that were in the plan.
    planned: usize,
    /// The two keys that last came first.
    first: [u16; 2],
}

#[derive(Debug)]
struct Known {
    /// `"key":`, as it stands in a body without spaces.
    token: Token,
    slot: u16,
    child: u16,
    /// The two keys that last came behind this one.
    next: [u16; 2],
    /// Record and field in which the key stood last.
    seen: (u64, u32),
}

/// Finds the fields of one record after another.
#[derive(Debug)]
pub struct Reader {
    nodes: Vec<Keys>,
    /// Number of the record, so that marks of earlier ones need no clearing.
    record: u64,
    /// The record's fields.
    pub fields: Vec<Field>,
    /// Field of each slot with the record it belongs to.
    slots: Vec<(u64, u32)>,
    /// Fields of keys that were not learnt, by object and key: only for a record that has such keys.
    strange: HashMap<(u16, Box<[u8]>), u32, FixedState>,
    /// Whether whitespace stands between the record's tokens.
    pub spaced: bool,
    /// Keys of the record that stood twice in one object.
    pub duplicate_keys: u64,
}

impl Reader {
    /// A reader for records of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let nodes = plan
            .nodes
            .iter()
            .map(|node| {
                let mut keys = Keys {
                    table: HashMap::with_hasher(FixedState::default()),
                    known: Vec::new(),
                    planned: node.entries.len(),
                    first: [NONE; 2],
                };
                for entry in &node.entries {
                    keys.learn(&entry.key, entry.slot, entry.child);
                }
                keys
            })
            .collect();
        Self {
            nodes,
            record: 0,
            fields: Vec::new(),
            slots: vec![(0, 0); plan.direct.len()],
            strange: HashMap::with_hasher(FixedState::default()),
            spaced: false,
            duplicate_keys: 0,
        }
    }

    /// Whether it has learnt so many unknown keys that a fresh reader would be better.
    #[must_use]
    pub fn is_worn(&self) -> bool {
        self.nodes.iter().any(|keys| keys.known.len() - keys.planned >= LEARNT_MAX)
    }

    /// Reads the record that comes next in `scanner` and returns its span.
    ///
    /// # Errors
    /// No object, or no JSON.
    pub fn read(&mut self, scanner: &mut Scanner<'_>, body: &[u8]) -> Result<Value, ScanError> {
        self.record += 1;
        self.fields.clear();
        self.spaced = false;
        self.duplicate_keys = 0;
        if !self.strange.is_empty() {
            self.strange.clear();
        }
        let start = u32::try_from(scanner.position()).unwrap_or(u32::MAX);
        self.object(scanner, body, 0)?;
        let end = u32::try_from(scanner.position()).unwrap_or(u32::MAX);
        Ok(Value { start, end, shape: Shape::Object, spaced: self.spaced })
    }

    /// The field in `slot`, if the record has one.
    #[inline]
    #[must_use]
    pub fn slot(&self, slot: u16) -> Option<usize> {
        let (record, field) = *self.slots.get(slot as usize)?;
        (record == self.record).then_some(field as usize)
    }

    fn object(&mut self, scanner: &mut Scanner<'_>, body: &[u8], node: u16) -> Result<(), ScanError> {
        scanner.expect(b'{', "an object")?;
        self.spaced |= scanner.skip_spaces();
        if scanner.take(b"}") {
            return Ok(());
        }
        let mut last = NONE;
        loop {
            last = self.member(scanner, body, node, last)?;
            self.spaced |= scanner.skip_spaces();
            match scanner.peek() {
                b',' => scanner.bump(1),
                _ => return scanner.expect(b'}', "`,` or `}`"),
            }
            self.spaced |= scanner.skip_spaces();
        }
    }

    #[inline]
    fn member(&mut self, scanner: &mut Scanner<'_>, body: &[u8], node: u16, last: u16) -> Result<u16, ScanError> {
        let key_start = scanner.position();
        let (id, key_len) = self.key(scanner, body, node, last)?;
        if scanner.peek() <= b' ' {
            self.spaced |= scanner.skip_spaces();
        }
        let key = span(key_start, key_start + key_len);
        let at = span(self.fields.len(), 0).0;
        let (mut slot, mut child) = (NONE, NONE);
        match self.nodes[node as usize].known.get_mut(id as usize) {
            Some(known) => {
                (slot, child) = (known.slot, known.child);
                // A key that stands twice counts once: the last one wins.
                let (record, earlier) = std::mem::replace(&mut known.seen, (self.record, at));
                if record == self.record {
                    self.kill(earlier as usize);
                }
            }
            None => self.replace_strange(node, key, body),
        }
        if child != NONE && slot == NONE && scanner.peek() == b'{' {
            self.opened(scanner, body, child, key)?;
            return Ok(id);
        }
        let value = scanner.value()?;
        self.spaced |= value.spaced;
        self.fields.push(Field { mark: Mark::Member, dead: false, held: false, slot, key, value });
        if slot != NONE {
            self.slots[slot as usize] = (self.record, at);
            if child != NONE && value.shape == Shape::Object {
                self.inside(&value, body, child)?;
            }
        }
        Ok(id)
    }

    /// An object of which the plan knows members; one without any is a value like others.
    fn opened(&mut self, scanner: &mut Scanner<'_>, body: &[u8], child: u16, key: (u32, u32)) -> Result<(), ScanError> {
        let (at, start) = (self.fields.len(), scanner.position());
        let mut value = Value { start: span(start, start).0, end: key.1, shape: Shape::Object, spaced: false };
        let field = Field { mark: Mark::Open, dead: false, held: false, slot: NONE, key, value };
        self.fields.push(field);
        self.object(scanner, body, child)?;
        if self.fields.len() == at + 1 {
            (value.end, value.spaced) = (span(0, scanner.position()).1, true);
            self.fields[at] = Field { mark: Mark::Member, value, ..field };
        } else {
            self.fields.push(Field { mark: Mark::Close, ..field });
        }
        Ok(())
    }

    /// The plan takes an object whole and some of its members as well.
    fn inside(&mut self, value: &Value, body: &[u8], child: u16) -> Result<(), ScanError> {
        let first = self.fields.len();
        self.object(&mut Scanner::new(body, value.start as usize), body, child)?;
        for field in &mut self.fields[first..] {
            match field.mark {
                Mark::Member => field.mark = Mark::Inner,
                Mark::Open | Mark::Close => field.dead = true,
                Mark::Inner => {}
            }
        }
        Ok(())
    }

    /// Moves over `"key":` and says which key it was and how long it is, quotes included.
    #[inline]
    fn key(&mut self, scanner: &mut Scanner<'_>, body: &[u8], node: u16, last: u16) -> Result<(u16, usize), ScanError> {
        let keys = &mut self.nodes[node as usize];
        let guesses = keys.known.get(last as usize).map_or(keys.first, |known| known.next);
        for guess in guesses {
            if let Some(known) = keys.known.get(guess as usize)
                && scanner.take_token(&known.token)
            {
                return Ok((guess, known.token.len() - 1));
            }
        }
        let key = scanner.string()?;
        let id = keys.find(&unescaped(&key, body));
        self.spaced |= scanner.skip_spaces();
        scanner.expect(b':', "`:`")?;
        let keys = &mut self.nodes[node as usize];
        let next = match keys.known.get_mut(last as usize) {
            Some(known) => &mut known.next,
            None => &mut keys.first,
        };
        *next = [id, next[0]];
        Ok((id, key.text(body).len()))
    }

    /// A key that stands twice counts once, also where it was not learnt, so that what a reader has seen before changes no row.
    #[cold]
    fn replace_strange(&mut self, node: u16, key: (u32, u32), body: &[u8]) {
        let quoted = Value { start: key.0, end: key.1, shape: Shape::Escaped, spaced: false };
        let name = unescaped(&quoted, body).into_owned().into_boxed_slice();
        let at = span(self.fields.len(), 0).0;
        if let Some(earlier) = self.strange.insert((node, name), at) {
            self.kill(earlier as usize);
        }
    }

    #[cold]
    fn kill(&mut self, earlier: usize) {
        if self.fields[earlier].dead {
            return;
        }
        self.duplicate_keys += 1;
        let whole = self.fields[earlier].mark != Mark::Open;
        let mut open = 0;
        for (at, field) in self.fields[earlier..].iter_mut().enumerate() {
            // Behind an object that is taken whole come those of its members that are taken as well.
            let inner = field.mark == Mark::Inner || (field.dead && field.mark != Mark::Member);
            if whole && at > 0 && !inner {
                return;
            }
            field.dead = true;
            if field.slot != NONE {
                self.slots[field.slot as usize] = (0, 0);
            }
            match field.mark {
                Mark::Open => open += 1,
                Mark::Close => open -= 1,
                Mark::Member | Mark::Inner => {}
            }
            if !whole && open == 0 {
                return;
            }
        }
    }
}

impl Keys {
    fn learn(&mut self, key: &[u8], slot: u16, child: u16) -> u16 {
        let id = u16::try_from(self.known.len()).unwrap_or(NONE);
        let mut token = Vec::with_capacity(key.len() + 3);
        super::json::quote_into(&String::from_utf8_lossy(key), &mut token);
        token.push(b':');
        self.known.push(Known { token: Token::new(token), slot, child, next: [NONE; 2], seen: (0, 0) });
        self.table.insert(key.into(), id);
        id
    }

    fn find(&mut self, key: &[u8]) -> u16 {
        if let Some(id) = self.table.get(key) {
            return *id;
        }
        if self.known.len() - self.planned >= LEARNT_MAX || key.len() > LEARNT_LEN_MAX {
            return NONE;
        }
        self.learn(key, NONE, NONE)
    }
}

fn span(start: usize, end: usize) -> (u32, u32) {
    (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX))
}
