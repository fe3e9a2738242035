//! Speed of the parser alone: bodies of events of about 620 bytes into columns, beside serde_json.
//!
//! The events have the shape of the synthetic journal (`kronika generate`): a third with request and
//! response texts, a tenth with snapshots from which changes are derived. The plan is the one of the
//! mapping `kronika-bench`, built by hand. `cargo bench --bench parse`.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kronika::event::columns::Rows;
use kronika::event::interpretation::{Definition, Interpretation};
use kronika::event::model::index_of;
use kronika::event::parse::{BodyFormat, Context, Limits, parse};
use kronika::event::plan::{Late, LateRule, Plan, Rule, ValueTable};
use kronika::event::redact::RedactRules;

const EVENTS: usize = 4_000;
const LIMITS: Limits = Limits { line_max: 16 << 20, events_max: 1_000_000 };
const CONTEXT: Context<'static> = Context { project: "bench", received_at: 1_790_812_800_000_000, mint: None };

/// A small generator of numbers: the same events in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        for _ in 0..2 + self.roll(3) {
            word.push_str(self.pick(&["ba", "ky", "fo", "ru", "ho", "vy", "ci", "te", "na", "lo"]));
        }
        word
    }
}

const MODULES: [&str; 8] =
    ["fulfillment", "marketplaces", "couriers", "site_activity", "orders", "payments", "session_events", "webhooks"];

fn event(dice: &mut Dice) -> String {
    let mut line = String::with_capacity(1_200);
    let module = dice.pick(&MODULES);
    let (object, number) = (dice.pick(&["order", "offer", "visit", "courier", "payment"]), 1 + dice.roll(5_000_000));
    let (a, b) = (dice.roll(usize::MAX >> 12), dice.roll(usize::MAX >> 12));
    let ts = 1_790_812_800_000_usize + dice.roll(86_400_000);
    let id = format!(
        "01a0f4c2-{:04x}-7{:03x}-a{:03x}-{:012x}",
        a & 0xFFFF,
        b & 0xFFF,
        a >> 20 & 0xFFF,
        b >> 8 & 0xFFFF_FFFF_FFFF
    );
    let _ = write!(
        line,
        "{{\"id\":\"{id}\",\"ts\":{ts},\"project\":\"{}\",\"module\":\"{module}\"",
        dice.pick(&["market-eu", "shop-pl", "shop-de"])
    );
    let _ = write!(
        line,
        ",\"event\":\"{module}.{}\",\"level\":\"{}\"",
        dice.pick(&["created", "changed", "tracked", "visited"]),
        dice.pick(&["info", "info", "info", "warn", "error", "debug"])
    );
    if dice.roll(3) > 0 {
        let _ = write!(
            line,
            ",\"actor_id\":{},\"actor_email\":\"{}.{}@example.com\",\"ip\":\"177.12.{}.{}\",\"location\":\"PL-WAW\"",
            dice.roll(50_000),
            dice.word(),
            dice.word(),
            dice.roll(256),
            dice.roll(256)
        );
    }
    let _ = write!(line, ",\"object_type\":\"{object}\",\"object_id\":{number}");
    if dice.roll(3) > 0 {
        let _ = write!(
            line,
            ",\"method\":\"{}\",\"url\":\"/{object}/{number}/edit\",\"status\":{}",
            dice.pick(&["GET", "POST", "PUT"]),
            dice.pick(&["200", "201", "404", "500"])
        );
    }
    let _ = write!(line, ",\"duration_ms\":{}", 1 + dice.roll(900));
    if dice.roll(3) > 0 {
        let _ = write!(line, ",\"session_id\":\"{a:016x}\",\"visitor_id\":\"{:012x}\"", b & 0xFFFF_FFFF_FFFF);
    }
    let (one, two) = (dice.word(), dice.word());
    let _ = write!(
        line,
        ",\"message\":\"{object} {number} was processed for {one} for customer {two} {} in {module}, ref {:08x}\"",
        dice.word(),
        a & 0xFFFF_FFFF
    );
    if dice.roll(3) == 0 {
        let _ = write!(
            line,
            ",\"request\":\"{{\\\"source\\\":\\\"mobile\\\",\\\"currency\\\":\\\"PLN\\\",\\\"sku\\\":\\\"SKU-{:06}\\\",\\\"qty\\\":{},\\\"amount\\\":{}.63,\\\"tags\\\":[],\\\"note\\\":\\\"{one} {two}\\\",\\\"trace\\\":\\\"{b:016x}\\\"}}\"",
            number % 400_000,
            dice.roll(40),
            dice.roll(900)
        );
        let _ = write!(
            line,
            ",\"response\":\"{{\\\"ok\\\":true,\\\"code\\\":200,\\\"id\\\":{number},\\\"took_ms\\\":161,\\\"result\\\":{{\\\"state\\\":\\\"{two}\\\",\\\"rev\\\":5,\\\"next\\\":\\\"/v1/next/{number}\\\"}},\\\"trace\\\":\\\"{b:016x}\\\"}}\""
        );
    }
    if dice.roll(10) == 0 {
        for (key, state) in [("before", "open"), ("after", "paid")] {
            let _ = write!(
                line,
                ",\"{key}\":\"{{\\\"state\\\":\\\"{state}\\\",\\\"price\\\":{}.5,\\\"stock\\\":{},\\\"rev\\\":{},\\\"label\\\":\\\"{one}\\\"}}\"",
                dice.roll(500),
                dice.roll(500),
                dice.roll(60)
            );
        }
    }
    line.push('}');
    line
}

fn bench_plan() -> Plan {
    let mut plan = Plan::empty();
    let plain = [
        ("id", "event_id"),
        ("ts", "event_time"),
        ("project", "tenant_id"),
        ("location", "unit_id"),
        ("module", "module"),
        ("event", "event_type"),
        ("level", "severity_text"),
        ("actor_id", "actor_id"),
        ("actor_email", "actor_email"),
        ("ip", "client_address"),
        ("object_type", "object_type"),
        ("object_id", "object_id"),
        ("method", "http_method"),
        ("url", "url"),
        ("status", "http_status"),
        ("duration_ms", "duration_ns"),
        ("session_id", "session_id"),
        ("visitor_id", "visitor_id"),
        ("message", "message"),
        ("request", "request_body"),
        ("response", "response_body"),
        ("before", "object_before"),
        ("after", "object_after"),
    ];
    for (key, column) in plain {
        let slot = plan.slot(&[key.to_string()]);
        let mut rule = Rule::plain(kronika::event::model::find(column).expect("a column"));
        rule.scale = (key == "duration_ms").then_some(1_000_000);
        rule.parse_json = matches!(key, "before" | "after");
        plan.direct[slot as usize].push(rule);
        if key == "level" {
            let levels = [("debug", "5"), ("info", "9"), ("warn", "13"), ("error", "17")];
            let map =
                levels.iter().map(|(word, number)| (word.as_bytes().to_vec(), number.as_bytes().to_vec())).collect();
            let mut rule = Rule::plain(index_of("severity_number"));
            rule.values = Some(ValueTable { map, one_to_one: true });
            plan.direct[slot as usize].push(rule);
        }
    }
    for (column, text) in [(index_of("source"), "bench"), (index_of("dataset"), "events")] {
        plan.late.push(LateRule { source: Late::Constant(text.into()), rule: Rule::plain(column) });
    }
    plan
}

/// The same columns by way of a `Value` per event: what the parser is measured against.
fn with_serde_json(body: &str, rows: &mut Rows) {
    let keys = [
        ("id", "event_id"),
        ("module", "module"),
        ("event", "event_type"),
        ("level", "severity_text"),
        ("message", "message"),
        ("url", "url"),
        ("request", "request_body"),
        ("response", "response_body"),
    ];
    let columns = keys.map(|(key, column)| (key, kronika::event::model::find(column).expect("a column")));
    for line in body.lines() {
        let event: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).expect("JSON");
        for (key, column) in columns {
            if let Some(serde_json::Value::String(text)) = event.get(key) {
                rows.text(column).push(text.as_bytes());
            }
        }
        rows.end_row();
    }
}

fn speed(criterion: &mut Criterion) {
    let mut dice = Dice(42);
    let lines: Vec<String> = (0..EVENTS).map(|_| event(&mut dice)).collect();
    let body = lines.join("\n");
    let mapped = Interpretation::new(bench_plan(), Definition::native("bench", RedactRules::default()));
    let native = Interpretation::native("bench", RedactRules::default());
    let read = |body: &str, interpretation: &Interpretation, format| {
        let parsed = parse(body.as_bytes(), format, interpretation, &CONTEXT, &LIMITS, None).expect("a good body");
        assert_eq!(parsed.errors.total(), 0);
        parsed
    };
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("kronika-bench, whole body", |bench| {
        bench.iter(|| black_box(read(&body, &mapped, BodyFormat::Ndjson)))
    });
    group
        .bench_function("all unknown keys", |bench| bench.iter(|| black_box(read(&body, &native, BodyFormat::Ndjson))));
    let spaced = body.replace(",\"", ", \"").replace("\":", "\": ");
    group.throughput(Throughput::Bytes(spaced.len() as u64));
    group.bench_function("kronika-bench, spaced", |bench| {
        bench.iter(|| black_box(read(&spaced, &mapped, BodyFormat::Ndjson)))
    });
    let hundred = lines[..100].join("\n");
    group.throughput(Throughput::Bytes(hundred.len() as u64));
    group.bench_function("kronika-bench, 100 events", |bench| {
        bench.iter(|| black_box(read(&hundred, &mapped, BodyFormat::Ndjson)))
    });
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("redaction, nothing to redact", |bench| {
        bench.iter(|| black_box(mapped.redactor().may_concern(body.as_bytes())));
    });
    group.bench_function("serde_json Value, 8 text columns", |bench| {
        bench.iter(|| {
            let mut rows = Rows::default();
            with_serde_json(&body, &mut rows);
            black_box(rows)
        });
    });
    group.finish();
    println!("{} bytes per event", body.len() / EVENTS);
}

criterion_group!(benches, speed);
criterion_main!(benches);
