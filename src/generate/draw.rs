//! The details of one event, as numbers: drawn here, turned into text by `write`.
//!
//! The query constants are found by drawing without writing, which is several times faster.

use super::Generator;
use super::plan::{NOBODY, Planned, Traffic};
use super::random::{Rng, exp};
use super::tables::{ACTORS, ADDRESSES, OBJECTS, RARE, SKUS};
use super::vocabulary::{DELETE, GET, Level, ORIGINS, POST, STATES};

const WEYL: u64 = 0x9E37_79B9_7F4A_7C15;
/// Number of the first visitor that is an actor in the panel.
const PANEL_VISITORS: u64 = 2_000_000;
const RARE_WORD_SHARE: f64 = 2e-6;
const DAY_MS: i64 = 86_400_000;

/// Everything that an event says.
#[derive(Debug)]
pub(super) struct Event {
    /// Milliseconds since 1970.
    pub(super) at_ms: i64,
    /// Random part of the identifier.
    pub(super) id: [u64; 2],
    pub(super) kind: u8,
    pub(super) level: Level,
    pub(super) tenant: u8,
    pub(super) actor: Option<u32>,
    pub(super) address: Option<u32>,
    pub(super) object: u32,
    pub(super) has_http: bool,
    pub(super) status: u16,
    pub(super) duration_ms: u32,
    pub(super) visit: Option<Visit>,
    pub(super) words: [u32; 3],
    pub(super) reference: u32,
    pub(super) exchange: Option<Exchange>,
    pub(super) change: Option<Change>,
}

/// Session and visitor of an event on the site or in the panel.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) session: u64,
    pub(super) visitor: u64,
}

/// Request and response.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) origin: u32,
    pub(super) currency: u32,
    pub(super) sku: u32,
    pub(super) quantity: u32,
    pub(super) amount_cents: u64,
    pub(super) tags: u32,
    pub(super) trace: u64,
    pub(super) revision: u32,
}

/// State before and after.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) before: Snapshot,
    pub(super) after: Snapshot,
}

#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) state: u32,
    pub(super) price_cents: u64,
    pub(super) stock: u32,
    pub(super) revision: u32,
}

/// Who is behind an event.
struct Person {
    /// Number by which visitors differ; zero in the background.
    visitor: u64,
    actor: Option<u32>,
    visit: Option<Visit>,
    tenant: u8,
}

impl Generator {
    pub(super) fn draw(&self, day: u32, planned: &Planned) -> Event {
        let mut rng = planned.stream(self.options.seed, day);
        let tables = &self.tables;
        let kind = &tables.kinds[usize::from(planned.kind)];
        let has_http = planned.traffic != Traffic::Background || kind.always_http;
        let id = [rng.next(), rng.next()];
        let object = object_number(tables.object_odds.pick(&mut rng));
        let level = if kind.level == Level::Info && rng.chance(0.01) { Level::Warn } else { kind.level };
        let status = status(&mut rng, kind.method, level);
        let duration_ms = duration_ms(&mut rng, level, kind.module);
        let mut words = [0; 3].map(|_: u32| tables.word_odds.pick(&mut rng));
        if rng.chance(RARE_WORD_SHARE) {
            words[1] = RARE;
        }
        let reference = rng.next() as u32;
        let exchange = rng.chance(1.0 / 3.0).then(|| self.exchange(&mut rng));
        let change = rng.chance(0.1).then(|| change(&mut rng));
        let person = self.person(day, planned, &mut rng);
        Event {
            at_ms: self.day_start_ms(day) + i64::from(planned.at_ms),
            id,
            kind: planned.kind,
            level,
            tenant: person.tenant,
            actor: person.actor,
            address: self.address(day, planned.traffic, &person),
            object,
            has_http,
            status,
            duration_ms,
            visit: person.visit,
            words,
            reference,
            exchange,
            change,
        }
    }

    /// Milliseconds since 1970 of the start of a day of the journal.
    pub(super) fn day_start_ms(&self, day: u32) -> i64 {
        (i64::from(self.options.start_date) + i64::from(day)) * DAY_MS
    }

    fn person(&self, day: u32, planned: &Planned, rng: &mut Rng) -> Person {
        let hundredth = |number: u32| self.tables.tenants[(number % 100) as usize];
        let who = planned.who;
        match planned.traffic {
            Traffic::Site => {
                // One visitor in nine is a known customer.
                let actor = who.is_multiple_of(9).then(|| (u64::from(who) * 7919 % u64::from(ACTORS)) as u32);
                let visit = self.visit(day, planned.session, u64::from(who));
                Person { visitor: u64::from(who), actor, visit: Some(visit), tenant: hundredth(who) }
            }
            Traffic::Panel => {
                let visitor = PANEL_VISITORS + u64::from(who);
                let visit = self.visit(day, planned.session, visitor);
                Person { visitor, actor: Some(who), visit: Some(visit), tenant: hundredth(who) }
            }
            Traffic::Background => {
                let actor = (who != NOBODY).then_some(who);
                Person { visitor: 0, actor, visit: None, tenant: hundredth(rng.below(100)) }
            }
        }
    }

    fn visit(&self, day: u32, session: u32, visitor: u64) -> Visit {
        let seed = self.options.seed;
        let base = seed.wrapping_mul(1_000_003).wrapping_add(u64::from(day)) << 24;
        Visit {
            session: base.wrapping_add(u64::from(session)).wrapping_mul(WEYL),
            visitor: visitor.wrapping_add(seed).wrapping_mul(WEYL) >> 16,
        }
    }

    /// A visitor keeps one address; an actor has three, by the day.
    fn address(&self, day: u32, traffic: Traffic, person: &Person) -> Option<u32> {
        let number = match (traffic, person.actor) {
            (Traffic::Site, _) => person.visitor * 31,
            (_, Some(actor)) => u64::from(actor) * 131 + (self.options.start_date as u64 + u64::from(day)) % 3,
            (_, None) => return None,
        };
        Some((number % u64::from(ADDRESSES)) as u32)
    }

    fn exchange(&self, rng: &mut Rng) -> Exchange {
        let tables = &self.tables;
        Exchange {
            origin: rng.below(ORIGINS.len() as u32),
            currency: tables.currencies.pick(rng),
            sku: tables.object_odds.pick(rng) % SKUS,
            quantity: rng.geometric(0.5).min(40),
            amount_cents: cents(4.0 + 1.1 * rng.normal()),
            tags: tables.tags.pick(rng),
            trace: rng.next() >> 1,
            revision: rng.range(1, 40),
        }
    }
}

/// Spreads the ranks over the numbers, so that frequent objects are not the lowest ones.
fn object_number(rank: u32) -> u32 {
    (u64::from(rank) * 2_654_435_761 % u64::from(OBJECTS)) as u32 + 1
}

fn status(rng: &mut Rng, method: u8, level: Level) -> u16 {
    let luck = rng.unit();
    match level {
        Level::Warn => [429, 409, 403, 401][rng.below(4) as usize],
        Level::Error => [500, 500, 502, 503, 504, 422, 400][rng.below(7) as usize],
        _ if luck > 0.993 => 302,
        _ if method == GET && luck > 0.97 => 404,
        _ if method == GET && luck < 0.06 => 304,
        _ if method == POST && luck < 0.6 => 201,
        _ if method == DELETE => 204,
        _ => 200,
    }
}

/// Log-normal; failures take longer, and modules differ.
fn duration_ms(rng: &mut Rng, level: Level, module: usize) -> u32 {
    let slower = if level == Level::Error { 1.5 } else { 0.0 } + (module % 5) as f64 * 0.15;
    (exp(3.6 + rng.normal() + slower) + 1.0).min(120_000.0) as u32
}

fn change(rng: &mut Rng) -> Change {
    let state = rng.below(STATES.len() as u32);
    let price_cents = cents(4.0 + rng.normal());
    let revision = rng.range(1, 60);
    let percent = [90, 100, 100, 110][rng.below(4) as usize];
    let mut snapshot = |state, price_cents, revision| Snapshot { state, price_cents, stock: rng.below(500), revision };
    Change {
        before: snapshot(state, price_cents, revision),
        after: snapshot((state + 1) % STATES.len() as u32, (price_cents * percent + 50) / 100, revision + 1),
    }
}

fn cents(log_price: f64) -> u64 {
    (exp(log_price) * 100.0 + 0.5) as u64
}
