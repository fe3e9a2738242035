//! Constants for the query suite, chosen from the journal itself: an event, an object, a session,
//! an actor, words that are there.
//!
//! Nothing is written: the details of every event are drawn again and counted, at several million
//! events a second.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::Generator;
use super::draw::Event;
use super::tables::{ACTORS, COMMON_WORDS, OBJECTS, RARE_WORD, SKUS};
use super::write::id_text;

const NOON_MS: i64 = 12 * 3_600_000;
/// The object whose history is asked for, where the journal is large enough.
const OBJECT_EVENTS: std::ops::RangeInclusive<u32> = 40..=200;
/// The session that is asked for, where the journal is large enough.
const SESSION_EVENTS: std::ops::RangeInclusive<u32> = 20..=40;
const SKU_EVENTS_MAX: u32 = 3;
/// The actor that is asked for is the last of the most active ones.
const ACTIVE_ACTORS: usize = 200;
const OBJECT_TYPE: &str = "order";

/// What the queries of the suite ask for; [`Params::pairs`] names them as the suite does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// Identifier of one event past the middle of the journal.
    pub needle_id: String,
    /// Type of the object asked for.
    pub object_type: String,
    /// An object with 40 to 200 events, or the one with most.
    pub object_id: String,
    /// A session of 20 to 40 events, or the longest of its day.
    pub session_id: String,
    /// The 200th of the most active actors.
    pub actor_id: String,
    /// A word in about two of a million messages.
    pub rare_word: String,
    /// The most frequent word.
    pub common_word: String,
    /// The second most frequent word.
    pub page_word: String,
    /// An article number in at most three requests of two days.
    pub sku: String,
}

impl Params {
    /// Name and value of each constant, for `{name}` in the suite's SQL.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 9] {
        [
            ("needle_id", &self.needle_id),
            ("object_type", &self.object_type),
            ("object_id", &self.object_id),
            ("session_id", &self.session_id),
            ("actor_id", &self.actor_id),
            ("rare_word", &self.rare_word),
            ("common_word", &self.common_word),
            ("page_word", &self.page_word),
            ("sku", &self.sku),
        ]
    }
}

impl Generator {
    /// Chooses the constants; `None` when the journal is too small to have one of each.
    #[must_use]
    pub fn params(&self) -> Option<Params> {
        let mut census = Census::new(self);
        for day in 0..self.options.days {
            for planned in &self.plan(day) {
                census.count(day, &self.draw(day, planned));
            }
        }
        census.choose()
    }
}

/// What has been seen so far.
struct Census<'a> {
    generator: &'a Generator,
    needle_from_ms: i64,
    session_day: u32,
    needle: Option<(i64, String)>,
    objects: Vec<u32>,
    actors: Vec<u32>,
    skus: Vec<u32>,
    sessions: HashMap<u64, u32>,
}

impl<'a> Census<'a> {
    fn new(generator: &'a Generator) -> Self {
        let days = generator.options.days;
        Self {
            generator,
            // Of 30 days: the noon of the 17th; the sessions of the 20th; the articles of the 20th and 21st.
            needle_from_ms: generator.day_start_ms(days * 16 / 30) + NOON_MS,
            session_day: days * 19 / 30,
            needle: None,
            objects: vec![0; OBJECTS as usize + 1],
            actors: vec![0; ACTORS as usize],
            skus: vec![0; SKUS as usize],
            sessions: HashMap::new(),
        }
    }

    fn count(&mut self, day: u32, event: &Event) {
        if event.at_ms >= self.needle_from_ms && self.needle.as_ref().is_none_or(|(at_ms, _)| event.at_ms <= *at_ms) {
            let found = (event.at_ms, id_text(event));
            self.needle = Some(self.needle.take().map_or(found.clone(), |needle| needle.min(found)));
        }
        if self.generator.tables.kinds[usize::from(event.kind)].object == OBJECT_TYPE {
            self.objects[event.object as usize] += 1;
        }
        if let Some(actor) = event.actor {
            self.actors[actor as usize] += 1;
        }
        if let (true, Some(visit)) = (day == self.session_day, &event.visit) {
            *self.sessions.entry(visit.session).or_default() += 1;
        }
        if let (true, Some(exchange)) = (day == self.session_day || day == self.session_day + 1, &event.exchange) {
            self.skus[exchange.sku as usize] += 1;
        }
    }

    fn choose(&self) -> Option<Params> {
        let objects = || seen(&self.objects);
        let sessions = || self.sessions.iter().map(|(session, count)| (*session, *count));
        let object = objects()
            .filter(|(_, count)| OBJECT_EVENTS.contains(count))
            .min_by_key(|(object, count)| (*count, *object))
            .or_else(|| objects().max_by_key(|(object, count)| (*count, Reverse(*object))))?;
        let session = sessions()
            .filter(|(_, count)| SESSION_EVENTS.contains(count))
            .min()
            .or_else(|| sessions().max_by_key(|(session, count)| (*count, Reverse(*session))))?;
        let sku = seen(&self.skus)
            .filter(|(_, count)| *count <= SKU_EVENTS_MAX)
            .max_by_key(|(sku, count)| (*count, Reverse(*sku)))?;
        let mut actors: Vec<(u32, u32)> = seen(&self.actors).collect();
        actors.sort_unstable_by_key(|(actor, count)| (Reverse(*count), *actor));
        let actor = actors.get(..ACTIVE_ACTORS).unwrap_or(&actors).last()?;
        Some(Params {
            needle_id: self.needle.as_ref()?.1.clone(),
            object_type: OBJECT_TYPE.to_owned(),
            object_id: object.0.to_string(),
            session_id: format!("{:016x}", session.0),
            actor_id: (actor.0 + 1).to_string(),
            rare_word: RARE_WORD.to_owned(),
            common_word: COMMON_WORDS[0].to_owned(),
            page_word: COMMON_WORDS[1].to_owned(),
            sku: format!("SKU-{:06}", sku.0),
        })
    }
}

/// Index and count of everything that was seen at all.
fn seen(counts: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(index, count)| (index as u32, *count))
}
