//! The plan of one day: which events happen when, and to whom, before any of their details.
//!
//! Sessions run in parallel, so their events must be brought into the order of time before the
//! first can be written. A planned event is 20 bytes, and its details are a function of its place
//! in the plan alone: a day can be written in chunks of any size, with the same bytes.

use super::random::Rng;
use super::tables::Tables;

/// Group of the stream that plans day 0; the group after it belongs to the events of day 0.
const FIRST_DAY_STREAMS: u64 = 1;
const DAY_MS: u32 = 86_400_000;
const HOUR_MS: u32 = 3_600_000;
/// Mean of the pause between two events of a session.
const PAUSE_MS: f64 = 18_000.0;
/// Numbers of panel sessions start here, those of site sessions at zero.
const PANEL_SESSIONS: u32 = 8_000_000;
const VISITORS: f64 = 900_000.0;
/// Stands for "nobody" in [`Planned::who`].
pub(super) const NOBODY: u32 = u32::MAX;

/// Where an event comes from; also the index of its odds in [`Tables::kind_odds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    Site,
    Panel,
    Background,
}

/// One event of a day, without its details.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    /// Milliseconds since the start of the day.
    pub(super) at_ms: u32,
    /// Place in the plan before it was sorted: the name of the stream of its details.
    pub(super) place: u32,
    /// Number of its session within the day; meaningless in the background.
    pub(super) session: u32,
    /// Visitor on the site, actor elsewhere, or [`NOBODY`].
    pub(super) who: u32,
    /// Index in [`Tables::kinds`].
    pub(super) kind: u8,
    pub(super) traffic: Traffic,
}

impl Planned {
    /// The stream of this event's details.
    pub(super) fn stream(&self, seed: u64, day: u32) -> Rng {
        Rng::named(seed, FIRST_DAY_STREAMS + u64::from(day) * 2 + 1, u64::from(self.place))
    }
}

/// All `count` events of a day in the order of time: 35 % on the site, 30 % in the panel, the rest
/// in the background.
pub(super) fn day_plan(tables: &Tables, seed: u64, day: u32, count: u32) -> Vec<Planned> {
    let site = (f64::from(count) * 0.35) as usize;
    let panel = (f64::from(count) * 0.30) as usize;
    let rng = Rng::named(seed, FIRST_DAY_STREAMS + u64::from(day) * 2, 0);
    let mut planner = Planner { tables, rng, events: Vec::with_capacity(count as usize) };
    planner.site(site);
    planner.panel(site + panel);
    planner.background(count as usize);
    let mut events = planner.events;
    events.sort_unstable_by_key(|event| (u64::from(event.at_ms) << 32) | u64::from(event.place));
    events
}

struct Planner<'a> {
    tables: &'a Tables,
    rng: Rng,
    events: Vec<Planned>,
}

impl Planner<'_> {
    /// Visits of about seven events: most only look, some fill a cart, a few buy.
    fn site(&mut self, until: usize) {
        let landmarks = &self.tables.landmarks;
        let mut session = 0;
        while self.events.len() < until {
            let length = self.rng.geometric(1.0 / 7.0);
            let luck = self.rng.unit();
            let visitor = (luck * luck * VISITORS) as u32;
            let intent = self.intent();
            self.session(session, visitor, Traffic::Site, (length, until), |place, drawn| {
                if intent == 3 && length >= 4 && place == length - 1 {
                    landmarks.sale
                } else if intent >= 2 && place == (length / 2 + 1).max(2) {
                    landmarks.checkout
                } else if intent >= 1 && place == (length / 3).max(1) {
                    landmarks.cart
                } else if place == 0 {
                    landmarks.visit
                } else if [landmarks.visit, landmarks.cart, landmarks.checkout, landmarks.sale].contains(&drawn) {
                    landmarks.view
                } else {
                    drawn
                }
            });
            session += 1;
        }
    }

    /// How far a visitor means to go: 0 looks, 1 fills a cart, 2 goes to the checkout, 3 buys.
    fn intent(&mut self) -> u32 {
        match self.rng.below(100) {
            0..74 => 0,
            74..91 => 1,
            91..96 => 2,
            _ => 3,
        }
    }

    /// Work in the panel, in sessions of about twenty-five events that open with a login.
    fn panel(&mut self, until: usize) {
        let login = self.tables.landmarks.login;
        let mut session = PANEL_SESSIONS;
        while self.events.len() < until {
            let length = self.rng.geometric(1.0 / 25.0);
            let actor = self.tables.actor_odds.pick(&mut self.rng);
            self.session(
                session,
                actor,
                Traffic::Panel,
                (length, until),
                |place, drawn| {
                    if place == 0 { login } else { drawn }
                },
            );
            session += 1;
        }
    }

    fn background(&mut self, until: usize) {
        while self.events.len() < until {
            let at_ms = self.moment();
            let actor = self.tables.actor_odds.pick(&mut self.rng);
            let who = if self.rng.chance(0.4) { actor } else { NOBODY };
            let kind = self.draw_kind(Traffic::Background);
            self.push(at_ms, (0, who), kind, Traffic::Background);
        }
    }

    /// Adds the events of one session, `length` of them unless the day has `until` events before;
    /// `choose` turns a place in the session and a kind drawn at random into the kind that happens.
    fn session(
        &mut self,
        session: u32,
        who: u32,
        traffic: Traffic,
        (length, until): (u32, usize),
        choose: impl Fn(u32, u8) -> u8,
    ) {
        let mut at_ms = self.moment();
        for place in 0..length {
            if self.events.len() == until {
                return;
            }
            if place > 0 {
                at_ms = at_ms.saturating_add((self.rng.exponential() * PAUSE_MS) as u32);
            }
            let drawn = self.draw_kind(traffic);
            self.push(at_ms, (session, who), choose(place, drawn), traffic);
        }
    }

    fn draw_kind(&mut self, traffic: Traffic) -> u8 {
        self.tables.kind_odds[traffic as usize].pick(&mut self.rng) as u8
    }

    /// A moment of the day, by the traffic of its hours.
    fn moment(&mut self) -> u32 {
        self.tables.hours.pick(&mut self.rng) * HOUR_MS + self.rng.below(HOUR_MS)
    }

    fn push(&mut self, at_ms: u32, (session, who): (u32, u32), kind: u8, traffic: Traffic) {
        let place = self.events.len() as u32;
        // What would run into the next day stands in the last millisecond of this one.
        self.events.push(Planned { at_ms: at_ms.min(DAY_MS - 1), place, session, who, kind, traffic });
    }
}
