//! An event as one line of JSON. No formatting machinery: texts are copied, numbers are spelled out.
//!
//! No text of the vocabulary or the tables needs escaping; the four snapshots and bodies are JSON
//! inside a JSON string, so their quotes are written escaped.

use super::draw::{Change, Event, Exchange, Snapshot};
use super::tables::Tables;
use super::vocabulary::{CURRENCIES, LEVELS, LOCATIONS, Level, METHODS, MODULES, ORIGINS, STATES, TAGS, TENANTS};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `event` and a line feed.
pub(super) fn write_event(tables: &Tables, event: &Event, out: &mut Vec<u8>) {
    let mut line = Line { tables, event, out };
    line.identity();
    line.actor();
    line.object();
    line.message();
    if let Some(exchange) = &event.exchange {
        line.request(exchange);
        line.response(exchange);
    }
    if let Some(change) = &event.change {
        line.change(change);
    }
    line.text("}\n");
}

/// Identifier of `event`, as it is written.
pub(super) fn id_text(event: &Event) -> String {
    let [high, low] = id_bits(event);
    let (head, middle, version) = (high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF);
    format!("{head:08x}-{middle:04x}-{version:04x}-{:04x}-{:012x}", low >> 48, low & 0xFFFF_FFFF_FFFF)
}

/// UUIDv7: 48 bits of milliseconds, then random bits around version and variant.
fn id_bits(event: &Event) -> [u64; 2] {
    let [high, low] = event.id;
    [((event.at_ms as u64) << 16) | 0x7000 | (high & 0x0FFF), (low >> 2) | (1 << 63)]
}

struct Line<'a> {
    tables: &'a Tables,
    event: &'a Event,
    out: &'a mut Vec<u8>,
}

impl Line<'_> {
    fn identity(&mut self) {
        let (event, tables) = (self.event, self.tables);
        let kind = &tables.kinds[usize::from(event.kind)];
        self.text("{\"id\":\"");
        self.uuid();
        self.text("\",\"ts\":");
        self.number(event.at_ms as u64);
        self.text(",\"project\":\"");
        self.text(TENANTS[usize::from(event.tenant)].0);
        self.text("\",\"module\":\"");
        self.text(MODULES[kind.module].name);
        self.text("\",\"event\":\"");
        self.text(&kind.name);
        self.text("\",\"level\":\"");
        self.text(LEVELS[event.level as usize]);
    }

    fn uuid(&mut self) {
        let [high, low] = id_bits(self.event);
        self.hex(high >> 32, 8);
        self.out.push(b'-');
        self.hex(high >> 16, 4);
        self.out.push(b'-');
        self.hex(high, 4);
        self.out.push(b'-');
        self.hex(low >> 48, 4);
        self.out.push(b'-');
        self.hex(low, 12);
    }

    fn actor(&mut self) {
        let (event, tables) = (self.event, self.tables);
        self.out.push(b'"');
        if let Some(actor) = event.actor {
            self.text(",\"actor_id\":");
            self.number(u64::from(actor) + 1);
            self.text(",\"actor_email\":\"");
            self.text(tables.emails.get(actor));
            self.out.push(b'"');
        }
        if let Some(address) = event.address {
            self.text(",\"ip\":\"");
            self.text(tables.addresses.get(address));
            self.text("\",\"location\":\"");
            self.text(LOCATIONS[usize::from(tables.places[address as usize])]);
            self.out.push(b'"');
        }
    }

    fn object(&mut self) {
        let event = self.event;
        let kind = &self.tables.kinds[usize::from(event.kind)];
        self.text(",\"object_type\":\"");
        self.text(kind.object);
        self.text("\",\"object_id\":");
        self.number(u64::from(event.object));
        if event.has_http {
            self.text(",\"method\":\"");
            self.text(METHODS[usize::from(kind.method)]);
            self.text("\",\"url\":\"");
            self.text(&kind.url_start);
            self.number(u64::from(event.object));
            self.text(kind.url_end);
            self.text("\",\"status\":");
            self.number(u64::from(event.status));
        }
        self.text(",\"duration_ms\":");
        self.number(u64::from(event.duration_ms));
        if let Some(visit) = &event.visit {
            self.text(",\"session_id\":\"");
            self.hex(visit.session, 16);
            self.text("\",\"visitor_id\":\"");
            self.hex(visit.visitor, 12);
            self.out.push(b'"');
        }
    }

    fn message(&mut self) {
        let event = self.event;
        let kind = &self.tables.kinds[usize::from(event.kind)];
        self.text(",\"message\":\"");
        self.text(&kind.message_start);
        self.number(u64::from(event.object));
        self.text(kind.message_verb);
        self.word(0);
        self.text(kind.message_tail);
        self.word(1);
        self.out.push(b' ');
        self.word(2);
        self.text(&kind.message_end);
        self.hex(u64::from(event.reference), 8);
        self.out.push(b'"');
    }

    fn request(&mut self, exchange: &Exchange) {
        self.text(r#","request":"{\"source\":\""#);
        self.text(ORIGINS[exchange.origin as usize]);
        self.text(r#"\",\"currency\":\""#);
        self.text(CURRENCIES[exchange.currency as usize]);
        self.text(r#"\",\"sku\":\"SKU-"#);
        self.digits(u64::from(exchange.sku), 6);
        self.text(r#"\",\"qty\":"#);
        self.number(u64::from(exchange.quantity));
        self.text(r#",\"amount\":"#);
        self.money(exchange.amount_cents);
        self.text(r#",\"tags\":"#);
        self.text(TAGS[exchange.tags as usize]);
        self.text(r#",\"note\":\""#);
        self.word(1);
        self.out.push(b' ');
        self.word(2);
        self.text(r#"\",\"trace\":\""#);
        self.hex(exchange.trace, 16);
        self.text(r#"\"}""#);
    }

    fn response(&mut self, exchange: &Exchange) {
        let event = self.event;
        self.text(r#","response":"{\"ok\":"#);
        self.text(if event.level == Level::Error { "false" } else { "true" });
        self.text(r#",\"code\":"#);
        self.number(u64::from(event.status));
        self.text(r#",\"id\":"#);
        self.number(u64::from(event.object));
        self.text(r#",\"took_ms\":"#);
        self.number(u64::from(event.duration_ms));
        self.text(r#",\"result\":{\"state\":\""#);
        self.word(2);
        self.text(r#"\",\"rev\":"#);
        self.number(u64::from(exchange.revision));
        self.text(r#",\"next\":\"/v1/next/"#);
        self.number(u64::from(event.object));
        self.text(r#"\"},\"trace\":\""#);
        self.hex(exchange.trace, 16);
        self.text(r#"\"}""#);
    }

    fn change(&mut self, change: &Change) {
        self.text(r#","before":""#);
        self.snapshot(&change.before);
        self.text(r#"","after":""#);
        self.snapshot(&change.after);
        self.out.push(b'"');
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        self.text(r#"{\"state\":\""#);
        self.text(STATES[snapshot.state as usize]);
        self.text(r#"\",\"price\":"#);
        self.money(snapshot.price_cents);
        self.text(r#",\"stock\":"#);
        self.number(u64::from(snapshot.stock));
        self.text(r#",\"rev\":"#);
        self.number(u64::from(snapshot.revision));
        self.text(r#",\"label\":\""#);
        self.word(0);
        self.text(r#"\"}"#);
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn word(&mut self, which: usize) {
        let tables = self.tables;
        self.text(tables.words.get(self.event.words[which]));
    }

    fn number(&mut self, number: u64) {
        let mut buffer = itoa::Buffer::new();
        self.text(buffer.format(number));
    }

    /// The last `width` decimal digits, with leading zeros.
    fn digits(&mut self, number: u64, width: u32) {
        for place in (0..width).rev() {
            self.out.push(b'0' + (number / 10u64.pow(place) % 10) as u8);
        }
    }

    /// The last `width` hexadecimal digits, with leading zeros.
    fn hex(&mut self, number: u64, width: u32) {
        let mut digits = [0; 16];
        for (place, digit) in digits.iter_mut().enumerate() {
            *digit = HEX[(number >> (60 - 4 * place)) as usize & 15];
        }
        self.out.extend_from_slice(&digits[16 - width as usize..]);
    }

    /// A number without trailing zeros: 12.5, 12, 0.07.
    fn money(&mut self, cents: u64) {
        self.number(cents / 100);
        match cents % 100 {
            0 => {}
            tenths if tenths % 10 == 0 => {
                self.out.push(b'.');
                self.digits(tenths / 10, 1);
            }
            hundredths => {
                self.out.push(b'.');
                self.digits(hundredths, 2);
            }
        }
    }
}
