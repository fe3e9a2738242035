//! What people ask the journal, over a large one: `cargo bench --bench journal [-- EVENTS]` (1,000,000 by default;
//! 10,000,000 is meant).
//!
//! Loads generated events of 30 days, flushes, compacts, asks each question once to warm it, then again and again for up
//! to ten seconds, one at a time. Prints a JSON line for each: how often, p50 and p99 in milliseconds, the server's CPU per
//! answer, the matches. Figures that the server would keep are asked for periods that all differ by a second, so that each
//! is computed; the last rows are those that are kept. `KRONIKA_BENCH_QUESTION` asks only those whose name holds it.

#![expect(clippy::print_stdout, reason = "figures are for people")]

mod load;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

const LONGEST: Duration = Duration::from_secs(10);
const MOST: usize = 200;
/// The whole journal.
const ALL: &str = "from=2026-10-01&to=2026-10-30";

fn main() {
    let events = load::number_argument(1_000_000);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let server = load::Server::start("");
    let seconds = runtime.block_on(load::fill(&server, events));
    println!("{}", json!({"events": events, "load_seconds": seconds, "load": load::machine_load()}));
    runtime.block_on(ask_all(&Asking { http: reqwest::Client::new(), server }));
}

struct Asking {
    http: reqwest::Client,
    server: load::Server,
}

impl Asking {
    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}/api/v1/{path}", self.server.url)).bearer_auth(&self.server.key);
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{path}: {body}");
        body
    }

    /// Asks until time or number is reached; `{}` in the path is another second each time.
    async fn measure(&self, name: &str, path: &str) {
        let second = |at: usize| path.replace("{}", &format!("{:02}:{:02}", at / 60 % 60, at % 60));
        let warm = self.get(&second(0)).await;
        let (began, cpu) = (Instant::now(), self.server.cpu_seconds());
        let mut taken = Vec::new();
        while began.elapsed() < LONGEST && taken.len() < MOST {
            let asked = Instant::now();
            self.get(&second(taken.len() + 1)).await;
            taken.push(asked.elapsed());
        }
        let cpu_ms = (self.server.cpu_seconds() - cpu) * 1e3 / taken.len() as f64;
        let taken = load::Sent::new(began.elapsed().as_secs_f64(), taken);
        println!(
            "{}",
            json!({
                "question": name, "asked": taken.count(), "p50_ms": round(taken.percentile_ms(0.5)), "p99_ms": round(taken.percentile_ms(0.99)),
                "cpu_ms": round(cpu_ms), "matches": warm.get("total"), "load": load::machine_load(),
            })
        );
    }

    /// The cursor behind so many pages of a thousand.
    async fn deep(&self, pages: usize) -> String {
        let mut path = format!("events?{ALL}&limit=1000&total=none");
        for _ in 0..pages {
            let next = self.get(&path).await["next"].as_str().expect("more pages").to_owned();
            path = format!("events?{ALL}&limit=1000&total=none&cursor={next}");
        }
        path.replace("limit=1000", "limit=50")
    }
}

async fn ask_all(asking: &Asking) {
    let some = asking.get(&format!("events?{ALL}&limit=1&object_id~=1&fields=*")).await;
    let event = &some["events"][0];
    let of = |field: &str| event[field].as_str().unwrap_or_else(|| panic!("{field} of {event}")).to_owned();
    let (actor, object) = (of("actor_id"), of("object_id"));
    let (module, id, session) = (of("module"), of("event_id"), of("session_id"));
    let only = std::env::var("KRONIKA_BENCH_QUESTION").ok();
    println!("{}", json!({"actor_id": actor, "object_id": object, "module": module}));
    for (name, path) in [
        ("list: first page", format!("events?{ALL}")),
        ("list: first page, no total", format!("events?{ALL}&total=none")),
        ("list: one module", format!("events?{ALL}&module={module}")),
        ("list: one day of one module", format!("events?from=2026-10-14&to=2026-10-14&module={module}")),
        ("list: failures (5xx)", format!("events?{ALL}&http_status=5xx")),
        ("list: one actor", format!("events?{ALL}&actor_id={actor}")),
        ("list: one object", format!("events?{ALL}&object_id={object}")),
        ("list: one session", format!("events?{ALL}&session_id={session}")),
        ("list: words that are nowhere", format!("events?{ALL}&q=xyzzyplugh")),
        ("list: page behind 50,000 rows", asking.deep(50).await),
        ("list: oldest first", format!("events?{ALL}&sort=event_time")),
        ("event: detail with neighbours", format!("events/{id}")),
        ("object: history", format!("objects/{}/{object}/history?period=all", of("object_type"))),
        ("facets: module, outcome", "facets?from=2026-10-01T00:{}Z&to=2026-10-31&fields=module,outcome".to_owned()),
        ("facets: five, of failures", "facets?from=2026-10-01T00:{}Z&to=2026-10-31&outcome=failure&fields=module,event_type,outcome,actor_id,http_status".to_owned()),
        ("histogram: 30 days by day", "histogram?from=2026-10-01T00:{}Z&to=2026-10-31&step=day".to_owned()),
        ("histogram: 30 days by hour and outcome", "histogram?from=2026-10-01T00:{}Z&to=2026-10-31&step=1h&by=outcome".to_owned()),
        ("histogram: 30 days by day and module, Warsaw", "histogram?from=2026-10-01T00:{}Z&to=2026-10-31&step=day&by=module&tz=Europe/Warsaw".to_owned()),
        ("histogram: one day by hour and outcome", "histogram?from=2026-10-14T00:{}Z&to=2026-10-15&step=1h&by=outcome".to_owned()),
        ("aggregate: top ten actors", "aggregate?from=2026-10-01T00:{}Z&to=2026-10-31&by=actor_id&top=10".to_owned()),
        ("aggregate: p95 of duration by module", "aggregate?from=2026-10-01T00:{}Z&to=2026-10-31&by=module&metric=p95&of=duration_ns".to_owned()),
        ("aggregate: distinct actors by day", "aggregate?from=2026-10-01T00:{}Z&to=2026-10-31&metric=distinct&of=actor_id&step=day".to_owned()),
        ("kept: histogram by day and module", format!("histogram?{ALL}&step=day&by=module")),
        ("kept: facets of module, outcome", format!("facets?{ALL}&fields=module,outcome")),
    ] {
        if only.as_ref().is_none_or(|only| name.contains(only)) {
            asking.measure(name, &path).await;
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
