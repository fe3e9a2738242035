//! Look-up tables of one seed: words, people, addresses, and the odds of everything.
//!
//! Built once per [`super::Generator`], read by all its days.

use std::collections::HashSet;

use super::random::{Alias, LongTail, Rng};
use super::vocabulary::{CURRENCY_WEIGHTS, EventKind, HOUR_WEIGHTS, LOCATIONS, TAG_WEIGHTS, TENANTS, event_kinds};

pub(super) const ACTORS: u32 = 50_000;
pub(super) const OBJECTS: u32 = 5_000_000;
pub(super) const ADDRESSES: u32 = 200_000;
pub(super) const SKUS: u32 = 400_000;
const WORDS: u32 = 20_000;
/// The two most frequent words, the same for every seed, so that a test of search can name them.
pub(super) const COMMON_WORDS: [&str; 2] = ["tyligu", "wunelu"];
/// In about two of a million messages, in nothing else.
pub(super) const RARE_WORD: &str = "xylographie";
/// Position of [`RARE_WORD`] in [`Tables::words`].
pub(super) const RARE: u32 = WORDS;

/// Group of the table streams; those of days start above it.
const TABLE_STREAMS: u64 = 0;

/// Positions of the kinds of event that make a session a story.
#[derive(Debug)]
pub(super) struct Landmarks {
    pub(super) visit: u8,
    pub(super) view: u8,
    pub(super) cart: u8,
    pub(super) checkout: u8,
    pub(super) sale: u8,
    pub(super) login: u8,
}

#[derive(Debug)]
pub(super) struct Tables {
    pub(super) kinds: Vec<EventKind>,
    pub(super) landmarks: Landmarks,
    /// Odds of the kinds in site, panel and background traffic.
    pub(super) kind_odds: [Alias; 3],
    pub(super) words: Texts,
    pub(super) word_odds: Alias,
    pub(super) emails: Texts,
    pub(super) actor_odds: Alias,
    pub(super) object_odds: LongTail,
    pub(super) addresses: Texts,
    /// Index in `LOCATIONS` of each address.
    pub(super) places: Vec<u8>,
    /// Tenant of each hundredth of the visitors and actors.
    pub(super) tenants: Vec<u8>,
    pub(super) hours: Alias,
    pub(super) currencies: Alias,
    pub(super) tags: Alias,
}

impl Tables {
    pub(super) fn new(seed: u64) -> Self {
        let stream = |member| Rng::named(seed, TABLE_STREAMS, member);
        let kinds = event_kinds();
        let odds = |traffic: usize| Alias::new(&kinds.iter().map(|kind| kind.weights[traffic]).collect::<Vec<_>>());
        let words = words(&mut stream(1));
        let emails = emails(&words, &mut stream(2));
        let (addresses, places) = addresses(&mut stream(3));
        Self {
            kind_odds: [odds(0), odds(1), odds(2)],
            landmarks: landmarks(&kinds),
            kinds,
            words,
            word_odds: Alias::zipf(WORDS, 1.0),
            emails,
            actor_odds: Alias::zipf(ACTORS, 1.0),
            object_odds: LongTail::new(OBJECTS),
            addresses,
            places,
            tenants: tenant_of_each_hundredth(),
            hours: Alias::new(&HOUR_WEIGHTS),
            currencies: Alias::new(&CURRENCY_WEIGHTS),
            tags: Alias::new(&TAG_WEIGHTS),
        }
    }
}

/// Many short texts in one buffer.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    pub(super) fn get(&self, index: u32) -> &str {
        let index = index as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start as usize..self.ends[index] as usize]
    }
}

/// Pronounceable words by falling frequency, all different; the last is [`RARE_WORD`].
fn words(rng: &mut Rng) -> Texts {
    const CONSONANTS: &[u8; 18] = b"bcdfghjklmnprstvwz";
    const VOWELS: &[u8; 6] = b"aeiouy";
    let mut words = Texts::default();
    let mut seen = HashSet::new();
    let mut add = |word: String| {
        if seen.insert(word.clone()) {
            words.push(&word);
        }
        seen.len()
    };
    for word in COMMON_WORDS {
        add(word.to_owned());
    }
    loop {
        let mut word = String::with_capacity(12);
        for _ in 0..rng.range(2, 5) {
            word.push(char::from(CONSONANTS[rng.below(18) as usize]));
            word.push(char::from(VOWELS[rng.below(6) as usize]));
        }
        if rng.chance(0.4) {
            word.push(char::from(CONSONANTS[rng.below(18) as usize]));
        }
        if add(word) == WORDS as usize {
            break;
        }
    }
    words.push(RARE_WORD);
    words
}

fn emails(words: &Texts, rng: &mut Rng) -> Texts {
    let mut emails = Texts::default();
    for actor in 0..ACTORS {
        let (first, last) = (words.get(rng.below(600)), words.get(rng.range(600, 3000)));
        let host = if actor % 3 == 0 { "partner.example.org" } else { "example.com" };
        emails.push(&format!("{first}.{last}{actor}@{host}"));
    }
    emails
}

fn addresses(rng: &mut Rng) -> (Texts, Vec<u8>) {
    let odds = Alias::zipf(LOCATIONS.len() as u32, 1.1);
    let mut addresses = Texts::default();
    let mut places = Vec::with_capacity(ADDRESSES as usize);
    for address in 0..ADDRESSES {
        let [a, b, c, ..] = rng.next().to_be_bytes();
        addresses.push(&format!("{}.{a}.{b}.{c}", 11 + address % 180));
        places.push(odds.pick(rng) as u8);
    }
    (addresses, places)
}

fn tenant_of_each_hundredth() -> Vec<u8> {
    let block = |(tenant, (_, weight)): (usize, &(&str, u32))| vec![tenant as u8; *weight as usize];
    TENANTS.iter().enumerate().flat_map(block).collect()
}

fn landmarks(kinds: &[EventKind]) -> Landmarks {
    let at =
        |name: &str| kinds.iter().position(|kind| kind.name == name).expect("the vocabulary has every landmark") as u8;
    Landmarks {
        visit: at("site_activity.visited"),
        view: at("site_activity.product_viewed"),
        cart: at("site_activity.cart_added"),
        checkout: at("site_activity.checkout_started"),
        sale: at("site_activity.sale_completed"),
        login: at("panel.logged_in"),
    }
}
