use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::memory::Previous;
use super::refusals::Refusals;
use super::rollups::Bounded;
use super::*;
use crate::access::KeyId;
use crate::config::{ByteCount, Config, Span};
use crate::engine::now_us;
use crate::event::names::ProjectName;
use crate::query::{Format, Limits, Params, encode};

fn actor(name: &str) -> Actor {
    Actor { key: KeyId::from(name), name: name.into() }
}

fn origin(name: &str) -> Origin {
    Origin { actor: Some(actor(name)), method: "POST", route: "/api/v1/query".into(), ..Origin::default() }
}

fn object(event: AuditEvent) -> Value {
    serde_json::from_slice(&event.line()).unwrap()
}

/// What `groups` counted, by event type and key.
fn counted(groups: &mut groups::Groups) -> Vec<(String, String, u64)> {
    let events = groups.cut().events().map(object).map(|event| {
        let text = |name: &str| event[name].as_str().unwrap_or("").to_owned();
        (text("event_type"), text("actor_id"), event["attributes"]["count"].as_u64().unwrap())
    });
    events.collect()
}

fn ask(groups: &mut groups::Groups, who: &str, sql: &str, cost: QueryCost) {
    let key = statement::HashKey::new([1; 32]);
    let statement = Statement::of(Asked::Sql(sql, &Value::Null), &key, 1_000, 1_000);
    let end = QueryEnd { status: "completed", error_code: None, http_status: 200 };
    let alike = Alike { origin: origin(who), named: None, statement: statement.id.clone(), end };
    groups.add(alike, statement, None, &cost);
}

#[test]
fn like_queries_are_one_event_with_sums() {
    let mut groups = groups::Groups::new(8);
    for (at, ms) in [30, 10, 20].into_iter().enumerate() {
        let cost = QueryCost {
            started_us: 100 - at as i64,
            duration: Duration::from_millis(ms),
            rows: 2,
            bytes: 5,
            bytes_scanned: 7,
        };
        ask(&mut groups, "ann", &format!("SELECT {at} FROM events"), cost);
    }
    let events: Vec<Value> = groups.cut().events().map(object).collect();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(
        (&event["event_time"], &event["duration_ns"], &event["outcome"]),
        (&json!(98), &json!(60_000_000), &json!("success"))
    );
    let want = json!({"count": 3, "rows": 6, "bytes": 15, "bytes_scanned": 21,
        "duration_min_ns": 10_000_000, "duration_max_ns": 30_000_000, "last_us": 100});
    for (name, value) in want.as_object().unwrap() {
        assert_eq!(&event["attributes"][name], value, "{name}: {event}");
    }
    assert!(groups.cut().events().next().is_none(), "taken once");
}

#[test]
fn a_flood_costs_its_sender_the_detail_and_nobody_else() {
    let mut groups = groups::Groups::new(80);
    for at in 0..5_000 {
        ask(&mut groups, "flood", &format!("SELECT 1 AS a{at}"), QueryCost::default());
    }
    for at in 0..10 {
        ask(&mut groups, "ann", &format!("SELECT 1 AS a{at}"), QueryCost::default());
    }
    // The share of a key, at the limit and beyond.
    ask(&mut groups, "ann", "SELECT 1 AS a11", QueryCost::default());
    let counted = counted(&mut groups);
    let of = |kind: &str, who: &str| {
        let these = counted.iter().filter(|(event_type, actor, _)| event_type == kind && actor == who);
        (these.clone().count(), these.map(|(.., count)| count).sum::<u64>())
    };
    assert_eq!((of("query.run", "flood"), of("query.other", "flood")), ((10, 10), (1, 4_990)));
    assert_eq!((of("query.run", "ann"), of("query.other", "ann")), ((10, 10), (1, 1)));
}

#[test]
fn many_keys_at_once_are_bounded_too() {
    let mut groups = groups::Groups::new(8);
    for who in 0..100 {
        for at in 0..3 {
            ask(&mut groups, &format!("k{who}"), &format!("SELECT 1 AS a{at}"), QueryCost::default());
        }
    }
    let counted = counted(&mut groups);
    assert_eq!(counted.iter().map(|(.., count)| count).sum::<u64>(), 300, "each in exactly one event");
    assert_eq!(counted.len(), 8 + 8 + 1);
    assert_eq!(counted.iter().filter(|(kind, who, _)| kind == "query.other" && who.is_empty()).count(), 1);
}

#[test]
fn refusals_are_told_up_to_the_limit_and_counted_beyond() {
    let mut refusals = Refusals::new(2, 3, 2);
    let from = |last: u8| Origin { source: Some([192, 0, 2, last].into()), ..Origin::default() };
    let login = RefusalKind::Login("key_unknown");
    let told: Vec<bool> = (0..5).map(|_| refusals.admit(&from(1), login, true, 9)).collect();
    assert_eq!(told, [true, true, true, false, false]);
    assert!(refusals.admit(&from(2), login, true, 9));
    // No room for a third source, and none for an event.
    assert!(!refusals.admit(&from(3), login, true, 9) && !refusals.admit(&from(2), login, false, 9));
    let by = |who: &str| Origin { actor: Some(actor(who)), ..from(1) };
    let denied: Vec<bool> =
        (0..3).map(|_| refusals.admit(&by("ann"), RefusalKind::Denial("forbidden"), true, 9)).collect();
    assert_eq!(denied, [true, true, false]);
    let more: BTreeMap<String, u64> = refusals
        .cut()
        .events()
        .map(object)
        .map(|event| {
            let place = event["client_address"].as_str().or(event["object_id"].as_str()).unwrap();
            (
                format!("{} {place}", event["event_type"].as_str().unwrap()),
                event["attributes"]["count"].as_u64().unwrap(),
            )
        })
        .collect();
    let want = [
        ("access.denials 192.0.2.1", 1),
        ("access.logins_failed 192.0.2.1", 2),
        ("access.logins_failed 192.0.2.2", 1),
        ("access.logins_failed _other", 1),
    ];
    assert_eq!(more, want.map(|(name, count)| (name.to_owned(), count)).into());
    assert!(refusals.admit(&from(1), login, true, 9), "a new interval");
}

#[test]
fn counts_without_room_are_counted_together() {
    let mut counts: Bounded<u8, u64> = Bounded::new(2);
    for key in [1, 2, 3, 4, 1] {
        *counts.at(key).0 += 1;
    }
    let mut taken: Vec<_> = counts.cut().all().collect();
    taken.sort_unstable();
    assert_eq!(taken, [(None, 2), (Some(1), 2), (Some(2), 1)]);
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        config.server.data_dir = self.0.path().join("data");
        config.audit.retention = Span::secs(90 * 86_400);
        config.storage.options = [("aws_secret_access_key".to_owned(), "hunter2".to_owned())].into();
        config
    }
}

async fn ask_audit(engine: &Engine, sql: &str) -> Vec<Value> {
    let session = engine.session(&ProjectName::audit()).unwrap();
    let limits = Limits::of(&engine.config().query);
    let answer = session.run(sql, Params::None, limits).await.unwrap();
    let mut text = Vec::new();
    let mut chunks = std::pin::pin!(encode(answer, Format::Ndjson));
    while let Some(chunk) = futures::StreamExt::next(&mut chunks).await {
        text.extend_from_slice(&chunk.unwrap());
    }
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn days_beyond_the_retention_go_and_that_is_recorded() {
    let home = Home::new();
    let engine = Engine::open(home.config()).await.unwrap();
    let day = 86_400_000_000_i64;
    for (name, age) in [("old", 92), ("kept", 89), ("new", 0)] {
        let event = AuditEvent::new("access", name, "other").with("event_time", now_us() - age * day);
        engine.record(event).await.unwrap();
    }
    engine.flush(None).await.unwrap();
    engine.0.expire_audit().await.unwrap();
    let left =
        ask_audit(&engine, "SELECT event_type FROM events WHERE event_type IN ('old', 'kept', 'new') ORDER BY 1").await;
    assert_eq!(left, [json!({"event_type": "kept"}), json!({"event_type": "new"})]);
    let told = ask_audit(&engine, "SELECT attributes->>'days' AS days, attributes->>'events' AS events FROM events WHERE event_type = 'audit.expired'").await;
    assert_eq!(told, [json!({"days": "1", "events": "1"})]);
    let sums = "SELECT state, CAST(events AS VARCHAR) AS events FROM ledger WHERE state IN ('retained', 'unaccounted') ORDER BY 1";
    let sums = ask_audit(&engine, sums).await;
    assert_eq!(sums, [json!({"state": "retained", "events": "1"}), json!({"state": "unaccounted", "events": "0"})]);
    engine.0.expire_audit().await.unwrap();
    assert_eq!(ask_audit(&engine, "SELECT event_type FROM events WHERE event_type = 'audit.expired'").await.len(), 1);
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_say_what_was_before_and_which_settings_changed() {
    let home = Home::new();
    Engine::open(home.config()).await.unwrap().stop().await.unwrap();
    let mut config = home.config();
    config.query.timeout = Span::secs(7);
    config.storage.options.insert("aws_secret_access_key".into(), "hunter3".into());
    // Not stopped: what the next start finds is a crash.
    Engine::open(config.clone()).await.unwrap().halt().await;
    let engine = Engine::open(config).await.unwrap();
    let runs = ask_audit(
        &engine,
        "SELECT attributes->>'previous_run' AS run FROM events WHERE event_type = 'server.start' ORDER BY _seq",
    )
    .await;
    assert_eq!(runs, [json!({"run": "none"}), json!({"run": "stopped"}), json!({"run": "crashed"})]);
    let keys = ask_audit(&engine, "SELECT actor_type, action FROM events WHERE module = 'keys'").await;
    assert_eq!(keys, [json!({"actor_type": "system", "action": "create"})]);
    let changed =
        ask_audit(&engine, "SELECT changed_fields, changes FROM events WHERE event_type = 'server.settings_changed'")
            .await;
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0]["changed_fields"], json!(["query.timeout", "storage.options.aws_secret_access_key"]));
    let text = changed[0].to_string();
    assert!(text.contains("7s") && text.contains("hidden:") && !text.contains("hunter"), "{text}");
    engine.stop().await.unwrap();
}

#[test]
fn the_memory_is_private_and_a_damaged_one_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let path = home.0.path().join("audit.json");
    let first = Memory::open(&path).unwrap();
    assert!(!path.exists() && first.previous == Previous::None, "an idle look writes nothing");
    first.begin(&home.config()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("hunter2") && text.contains("query.timeout"), "{text}");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = Memory::open(&path).unwrap();
    assert_eq!((again.previous, again.key.hash(b"x")), (Previous::Crashed, first.key.hash(b"x")));
    again.stopped().unwrap();
    assert_eq!(Memory::open(&path).unwrap().previous, Previous::Stopped);
    for damaged in ["{", "{\"secret\":\"12\",\"stopped\":true,\"settings\":{}}"] {
        std::fs::write(&path, damaged).unwrap();
        assert!(matches!(Memory::open(&path), Err(EngineError::Directory { .. })), "{damaged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_engine_writes_and_its_reserve_has_an_end() {
    let home = Home::new();
    let mut config = home.config();
    config.ingest.hot_max = ByteCount(1);
    config.audit.reserve = ByteCount::mib(1);
    config.flush.interval = Span::secs(3_600);
    let engine = Engine::open(config).await.unwrap();
    let body = || b"{\"module\":\"x\"}".to_vec();
    let sent = engine.append(&ProjectName::audit(), body(), crate::engine::AppendOptions::default()).await;
    assert!(matches!(sent, Err(AppendError::Reserved)), "{sent:?}");
    let sent = engine.append(&ProjectName::default_project(), body(), crate::engine::AppendOptions::default()).await;
    assert!(matches!(sent, Err(AppendError::Overloaded { .. })), "{sent:?}");
    engine.record(AuditEvent::new("access", "small", "other")).await.unwrap();
    let large = AuditEvent::new("access", "large", "other").with("message", "x".repeat(2 << 20));
    assert_eq!(engine.record(large).await.unwrap_err().code(), "audit_unavailable");
    engine.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_takes_microseconds() {
    let home = Home::new();
    let engine = Engine::open(home.config()).await.unwrap();
    let (actor, started) = (actor("ann"), Instant::now());
    const CALLS: u32 = 20_000;
    for _ in 0..CALLS {
        let received = Received { bytes: 1, accepted: 1, ..Received::default() };
        engine.count_request(&actor, None, None, false, Some(&received));
    }
    let each = started.elapsed() / CALLS;
    println!("{each:?} for one request");
    assert!(each < Duration::from_micros(100), "{each:?} for one request");
    engine.stop().await.unwrap();
    drop(engine);
    let engine = Engine::open(home.config()).await.unwrap();
    let sums = ask_audit(
        &engine,
        "SELECT sum(CAST(attributes->>'accepted' AS BIGINT)) AS n FROM events WHERE event_type = 'ingest.rollup'",
    )
    .await;
    assert_eq!(sums, [json!({"n": CALLS.to_string()})], "a clean stop writes what was counted");
    engine.stop().await.unwrap();
}

/// What `kronika config show` masks is no text of the journal either.
#[test]
fn secrets_of_settings_are_kept_as_hashes_only() {
    let home = Home::new();
    let memory = Memory::open(&home.0.path().join("audit.json")).unwrap();
    let mut config = home.config();
    config.storage.url = Some("https://user:hunter5@store.example/bucket?sig=hunter6".into());
    memory.begin(&config).unwrap();
    let settings = json!(memory.settings()).to_string();
    assert!(!settings.contains("hunter"), "{settings}");
    config.storage.url = Some("https://user:hunter7@store.example/bucket?sig=hunter6".into());
    let before = memory.begin(&config).unwrap();
    assert_ne!(before["storage.url"], memory.settings()["storage.url"], "a change of a secret is seen");
}
