use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::*;

/// 2026-10-01, a Thursday.
const START: i32 = 20_727;

fn options(events: u64, days: u32) -> Options {
    Options { events, days, start_date: START, ..Options::default() }
}

fn generator(options: Options) -> Generator {
    Generator::new(options).expect("the options are sound")
}

fn whole(generator: &Generator) -> Vec<u8> {
    let mut out = Vec::new();
    for day in 0..generator.days() {
        generator.day(day).write_to(&mut out).expect("a vector takes everything");
    }
    out
}

fn parsed(bytes: &[u8]) -> impl Iterator<Item = Value> {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
}

#[test]
fn equal_options_give_equal_bytes_in_any_chunks() {
    let journal = whole(&generator(options(20_000, 3)));
    let again = generator(options(20_000, 3));
    assert!(journal == whole(&again), "two generators of one seed differ");
    let mut chunked = Vec::new();
    let mut sizes = [1, 7, 1000, 3].into_iter().cycle();
    for index in 0..again.days() {
        let mut day = again.day(index);
        while day.fill(sizes.next().unwrap_or(1), &mut chunked) > 0 {}
        assert_eq!(day.fill(1, &mut chunked), 0, "a day that is over stays over");
    }
    assert!(journal == chunked, "chunks change the bytes");
}

#[test]
fn days_do_not_depend_on_each_other() {
    let both = generator(options(9_000, 3));
    let mut last_first = Vec::new();
    both.day(2).write_to(&mut last_first).expect("a vector takes everything");
    assert!(whole(&both).ends_with(&last_first));
}

/// Whoever changes the generator changes every journal ever named by its seed: that must be seen.
#[test]
fn the_bytes_of_a_seed_are_pinned() {
    let journal = whole(&generator(options(3_000, 2)));
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    assert_eq!(
        journal.iter().fold(0xCBF2_9CE4_8422_2325, fnv),
        0x0235_ED2A_A09E_DC1D,
        "the journal of a seed has changed"
    );
}

#[test]
fn other_seeds_give_other_journals() {
    let other = Options { seed: 43, ..options(5_000, 1) };
    let ids = |options| -> HashSet<String> {
        parsed(&whole(&generator(options))).map(|event| event["id"].to_string()).collect()
    };
    assert!(ids(options(5_000, 1)).is_disjoint(&ids(other)));
}

#[test]
fn time_never_goes_back_and_stays_in_its_day() {
    let generator = generator(options(30_000, 10));
    let mut last = 0;
    for index in 0..generator.days() {
        let mut day = Vec::new();
        generator.day(index).write_to(&mut day).expect("a vector takes everything");
        for event in parsed(&day) {
            let at = event["ts"].as_i64().expect("ts is a number");
            assert!(at >= last, "{at} after {last}");
            assert_eq!(at / DAY_MS, i64::from(generator.date(index)));
            last = at;
        }
    }
}

#[test]
fn counts_are_exact_and_weekends_are_quieter() {
    let generator = generator(options(100_003, 7));
    let counts: Vec<usize> = (0..7).map(|day| generator.day(day).events()).collect();
    assert_eq!(counts.iter().sum::<usize>(), 100_003);
    // 2026-10-01 is a Thursday: the third and fourth day are Saturday and Sunday.
    assert_eq!(counts[2], counts[3]);
    assert!(counts[2] * 4 <= counts[0] * 3 + 4, "{counts:?}");
}

#[test]
fn an_event_has_620_bytes_give_or_take_three_percent() {
    for seed in [1, 42, 4_000_000_000] {
        let bytes = whole(&generator(Options { seed, ..options(60_000, 2) })).len() as f64 / 60_000.0;
        assert!((bytes / 620.0 - 1.0).abs() < 0.03, "seed {seed}: {bytes} bytes");
    }
}

/// Shares of the modules in 300,000 events of the reference generator.
const MODULES: [(&str, f64); 20] = [
    ("site_activity", 0.2402),
    ("session_events", 0.1093),
    ("panel", 0.1054),
    ("background_tasks", 0.0707),
    ("api", 0.0618),
    ("marketplaces", 0.0504),
    ("auctions", 0.0454),
    ("payments", 0.0429),
    ("warehouse", 0.0419),
    ("fulfillment", 0.0386),
    ("couriers", 0.0378),
    ("webhooks", 0.0366),
    ("import", 0.0319),
    ("banking", 0.0236),
    ("external_services", 0.02),
    ("dropshipping", 0.0176),
    ("sms", 0.0127),
    ("insurance", 0.0059),
    ("ssl", 0.004),
    ("backups", 0.0034),
];

/// How often each field is there in the reference generator's events.
const FIELDS: [(&str, f64); 23] = [
    ("id", 1.0),
    ("ts", 1.0),
    ("project", 1.0),
    ("module", 1.0),
    ("event", 1.0),
    ("level", 1.0),
    ("actor_id", 0.4771),
    ("actor_email", 0.4771),
    ("ip", 0.789),
    ("location", 0.789),
    ("object_type", 1.0),
    ("object_id", 1.0),
    ("method", 0.7392),
    ("url", 0.7392),
    ("status", 0.7392),
    ("duration_ms", 1.0),
    ("session_id", 0.6499),
    ("visitor_id", 0.6499),
    ("message", 1.0),
    ("request", 0.3332),
    ("response", 0.3332),
    ("before", 0.1),
    ("after", 0.1),
];

#[test]
fn modules_and_fields_are_as_frequent_as_in_the_reference() {
    let mut modules: HashMap<String, f64> = HashMap::new();
    let mut fields: HashMap<String, f64> = HashMap::new();
    for event in parsed(&whole(&generator(options(200_000, 4)))) {
        *modules.entry(event["module"].as_str().expect("text").to_owned()).or_default() += 1.0;
        for name in event.as_object().expect("an event is an object").keys() {
            *fields.entry(name.clone()).or_default() += 1.0;
        }
    }
    assert_shares(&modules, &MODULES, 200_000);
    assert_shares(&fields, &FIELDS, 200_000);
}

#[track_caller]
fn assert_shares(counts: &HashMap<String, f64>, expected: &[(&str, f64)], total: u32) {
    assert_eq!(counts.len(), expected.len(), "{counts:?}");
    let mut wrong = String::new();
    for (name, want) in expected {
        let got = counts.get(*name).copied().unwrap_or_default() / f64::from(total);
        if (got - want).abs() > 0.001 + want * 0.03 {
            let _ = writeln!(wrong, "{name}: {got:.4}, not {want:.4}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn fields_stand_in_their_order_and_bodies_are_json() {
    let order: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    for event in parsed(&whole(&generator(options(5_000, 1)))) {
        let event = event.as_object().expect("an event is an object");
        let mut places = event.keys().map(|name| order.iter().position(|known| known == name));
        let mut last = None;
        assert!(places.all(|place| place.is_some() && std::mem::replace(&mut last, place) < place), "{event:?}");
        for name in ["request", "response", "before", "after"] {
            if let Some(body) = event.get(name) {
                let body: Value = serde_json::from_str(body.as_str().expect("a body is text")).expect("JSON");
                assert!(body.is_object(), "{name}: {body}");
            }
        }
        for name in ["ts", "object_id", "duration_ms"] {
            assert!(event[name].is_u64(), "{name} of {event:?}");
        }
    }
}

#[test]
fn sessions_tell_their_story_in_order() {
    let events: Vec<Value> = parsed(&whole(&generator(options(60_000, 1)))).collect();
    let mut sessions: BTreeMap<&str, Vec<(&str, i64)>> = BTreeMap::new();
    for event in &events {
        if let Some(session) = event["session_id"].as_str() {
            let step = (event["event"].as_str().expect("text"), event["ts"].as_i64().expect("number"));
            sessions.entry(session).or_default().push(step);
        }
    }
    let (mut carts, mut checkouts, mut sales, mut panels) = (0, 0, 0, 0);
    for steps in sessions.values() {
        let place = |name: &str| steps.iter().position(|(event, _)| *event == name);
        if let Some(visit) = place("site_activity.visited") {
            assert_eq!(visit, 0);
            let funnel = ["site_activity.cart_added", "site_activity.checkout_started", "site_activity.sale_completed"];
            let [cart, checkout, sale] = funnel.map(place);
            carts += u32::from(cart.is_some());
            checkouts += u32::from(checkout.is_some());
            sales += u32::from(sale.is_some());
            // A checkout or a sale can stand in the cart's place of a short session, never before it.
            assert!(cart.is_none_or(|cart| checkout.is_none_or(|checkout| cart < checkout)), "{steps:?}");
            assert!(checkout.is_none_or(|checkout| sale.is_none_or(|sale| checkout < sale)), "{steps:?}");
        } else {
            assert_eq!(steps[0].0, "panel.logged_in", "{steps:?}");
            panels += 1;
        }
    }
    assert!(carts > checkouts && checkouts > sales && sales > 50, "{carts} {checkouts} {sales}");
    assert!(panels > 500, "{panels}");
}

#[test]
fn the_rare_word_is_rare_and_there() {
    let generator = generator(options(1_000_000, 30));
    let has_it = |day: u32, planned: &Planned| generator.draw(day, planned).words.contains(&tables::RARE);
    let in_day = |day: u32| generator.plan(day).iter().filter(|planned| has_it(day, planned)).count();
    let rare: usize = (0..30).map(in_day).sum();
    assert!((1..=8).contains(&rare), "{rare}");
}

#[test]
fn a_journal_can_end_now() {
    let now_ms = (i64::from(START) + 2) * DAY_MS + 12 * 3_600_000;
    let generator = generator(Options::ending_at(now_ms, 3, 30_000, 1));
    assert_eq!((generator.date(0), generator.date(2)), (START, START + 2));
    let last = parsed(&whole(&generator)).last().expect("there are events");
    let last = last["ts"].as_i64().expect("number");
    assert!(last <= now_ms && last > now_ms - 60_000, "{last} of {now_ms}");
}

#[test]
fn constants_are_in_the_journal() {
    let generator = generator(options(60_000, 30));
    let params = generator.params().expect("the journal is large enough");
    let events: Vec<Value> = parsed(&whole(&generator)).collect();
    let number = |text: &str| text.parse::<u64>().expect("digits");
    let count = |test: &dyn Fn(&Value) -> bool| events.iter().filter(|event| test(event)).count();
    assert_eq!(count(&|event| event["id"] == params.needle_id.as_str()), 1);
    let object = number(&params.object_id);
    assert!(count(&|event| event["object_type"] == "order" && event["object_id"] == object) > 2);
    assert!((20..=40).contains(&count(&|event| event["session_id"] == params.session_id.as_str())));
    assert!(count(&|event| event["actor_id"] == number(&params.actor_id)) > 10);
    let has = |event: &Value, field: &str, text: &str| event[field].as_str().is_some_and(|body| body.contains(text));
    assert!(count(&|event| has(event, "request", &params.sku)) >= 1);
    let common = count(&|event| has(event, "message", &params.common_word));
    let page = count(&|event| has(event, "message", &params.page_word));
    assert!(common > page && page > 5_000, "{common} {page}");
    assert_eq!(params, generator.params().expect("as before"));
    assert_eq!(params.pairs()[0], ("needle_id", params.needle_id.as_str()));
}

#[test]
fn impossible_journals_are_refused() {
    let refusal = |options: Options| Generator::new(options).err();
    assert_eq!(refusal(options(1, 0)), Some(GenerateError::NoDays));
    assert_eq!(refusal(Options { start_date: -1, ..options(1, 1) }), Some(GenerateError::OutsideCalendar));
    assert_eq!(refusal(Options { start_date: 84_006, ..options(1, 1) }), Some(GenerateError::OutsideCalendar));
    assert_eq!(refusal(options(60_000_000, 1)), Some(GenerateError::DayTooLarge { events: 60_000_000 }));
    assert!(matches!(refusal(options(u64::MAX, 30)), Some(GenerateError::DayTooLarge { .. })));
    // The good side of each border.
    assert_eq!(refusal(Options { start_date: 84_005, ..options(1, 1) }), None);
    assert_eq!(refusal(Options { start_date: 0, ..options(DAY_EVENTS_MAX, 1) }), None);
    let empty = generator(options(0, 2));
    assert!(whole(&empty).is_empty());
    assert_eq!(empty.params(), None);
}
