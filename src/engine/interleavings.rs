//! Questions in SQL over every interleaving of ingest, flush, compaction, vacuum and restart: their answers are those
//! of the events that were taken in.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::Span;
use crate::query::{Format, Limits, Params, encode};

#[derive(Debug, Clone)]
enum Step {
    Append(u8),
    Flush,
    Compact(bool),
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u8..40).prop_map(Step::Append),
        3 => Just(Step::Flush),
        2 => any::<bool>().prop_map(Step::Compact),
        1 => Just(Step::Restart),
    ]
}

/// Questions that use files in different ways: counts from statistics, sums, groups, the newest, points, texts.
const QUESTIONS: [&str; 6] = [
    "SELECT count(*) AS n, min(event_time) AS first, max(event_time) AS last FROM events",
    "SELECT module, date, count(*) AS n, sum(duration_ns) AS took FROM events GROUP BY 1, 2 ORDER BY 2, 1",
    "SELECT event_id, module FROM events ORDER BY event_time DESC, _seq DESC LIMIT 7",
    "SELECT count(*) AS n FROM events WHERE module = 'm1' AND event_time >= '2025-03-02'",
    "SELECT event_id, message FROM events WHERE event_id = '13'",
    "SELECT count(DISTINCT event_id) AS n FROM events WHERE message LIKE '%7%'",
];

/// An event by its number; its time and module follow from it.
fn event(n: u64) -> String {
    let (day, second) = (1 + n % 3, n * 7_919 % 86_400);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let event = json!({
        "event_id": n.to_string(), "event_time": format!("2025-03-0{day}T{hour:02}:{minute:02}:{second:02}Z"),
        "module": format!("m{}", n % 2), "message": format!("event {n}"), "duration_ns": n,
    });
    format!("{event}\n")
}

struct Walk {
    dir: tempfile::TempDir,
    engine: Engine,
    events: u64,
}

impl Walk {
    async fn begin(dir: tempfile::TempDir) -> Self {
        let engine = Self::open(&dir).await;
        engine.0.projects.ensure_default().await.unwrap();
        Self { dir, engine, events: 0 }
    }

    async fn open(dir: &tempfile::TempDir) -> Engine {
        let mut config = Config::default();
        config.server.data_dir = dir.path().join("data");
        config.query.threads = 1;
        config.compaction.files_min = 2;
        config.compaction.keep_replaced = Span::secs(0);
        Engine::open_idle(config).await.unwrap()
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Append(count) => {
                let body: String = (self.events..self.events + u64::from(*count)).map(event).collect();
                let project = ProjectName::default_project();
                let receipt = self.engine.append(&project, body.into_bytes(), AppendOptions::default()).await.unwrap();
                assert_eq!(receipt.accepted, u64::from(*count));
                self.events += u64::from(*count);
            }
            Step::Flush => drop(self.engine.flush(None).await.unwrap()),
            Step::Compact(all) => {
                self.engine.0.compact(Some(&ProjectName::default_project()), *all).await.unwrap();
            }
            Step::Restart => {
                self.engine.halt().await;
                // The lock of the directory goes with the last clone.
                let old = std::mem::replace(&mut self.engine, Self::open(&tempfile::tempdir().unwrap()).await);
                old.halt().await;
                drop(old);
                self.engine = Self::open(&self.dir).await;
            }
        }
    }

    async fn answers(&self) -> Vec<Vec<Value>> {
        let mut answers = Vec::new();
        for question in QUESTIONS {
            let session = self.engine.session(&ProjectName::default_project()).unwrap();
            let limits = Limits::of(&self.engine.config().query);
            let answer = session.run(question, Params::None, limits).await.unwrap();
            let mut text = Vec::new();
            let mut chunks = std::pin::pin!(encode(answer, Format::Ndjson));
            while let Some(chunk) = futures::StreamExt::next(&mut chunks).await {
                text.extend_from_slice(&chunk.unwrap());
            }
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            answers.push(lines.map(|line| serde_json::from_slice(line).unwrap()).collect());
        }
        answers
    }
}

/// Runs of the property: few by themselves, `KRONIKA_INTERLEAVINGS` for more.
fn cases() -> u32 {
    std::env::var("KRONIKA_INTERLEAVINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn no_answer_changes(steps in prop::collection::vec(any_step(), 6..18)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut walk = Walk::begin(tempfile::tempdir().unwrap()).await;
            let mut before = walk.answers().await;
            for step in &steps {
                walk.step(step).await;
                let after = walk.answers().await;
                match step {
                    Step::Append(_) => assert_eq!(after[0][0]["n"].as_str().map(str::to_owned), Some(walk.events.to_string())),
                    _ => assert_eq!(after, before, "after {step:?}"),
                }
                before = after;
            }
            walk.engine.halt().await;
        });
    }
}
