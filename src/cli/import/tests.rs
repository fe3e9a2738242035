use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use clap::Parser;
use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::cli::Cli;
use crate::cli::testing::{Asked, FakeServer};

/// What a server keeps: records by file and line, answers by idempotency key.
#[derive(Default)]
struct Journal {
    records: BTreeMap<(String, u64), String>,
    answers: BTreeMap<String, String>,
    /// Requests with these numbers (from 1) are refused.
    refuse: BTreeSet<usize>,
    requests: usize,
    jobs: Jobs,
}

/// What a server says of imports as jobs: nothing, as an old one, or this.
#[derive(Default)]
struct Jobs {
    state: Option<&'static str>,
    told: Vec<serde_json::Value>,
}

impl Jobs {
    fn answer(&mut self, asked: &Asked) -> Response {
        let Some(state) = self.state else { return StatusCode::NOT_FOUND.into_response() };
        self.told.push(serde_json::from_str(&asked.text()).unwrap());
        json!({ "id": "job 1", "state": state }).to_string().into_response()
    }
}

impl Journal {
    fn answer(&mut self, asked: &Asked) -> Response {
        if asked.path.starts_with("/api/v1/imports") {
            return self.jobs.answer(asked);
        }
        self.requests += 1;
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/api/v1/events"));
        if self.refuse.contains(&self.requests) {
            let problem = json!({ "code": "invalid_parameter", "detail": "refused by the test" });
            return (StatusCode::BAD_REQUEST, problem.to_string()).into_response();
        }
        let key = asked.headers["idempotency-key"].to_str().unwrap().to_owned();
        if let Some(answer) = self.answers.get(&key) {
            return ([("idempotency-replayed", "true")], answer.clone()).into_response();
        }
        let (file, first) = (&asked.query["file"], asked.query["line"].parse::<u64>().unwrap());
        let (mut accepted, mut duplicates, mut errors) = (0, 0, vec![]);
        let text = asked.text();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            if line.contains("bad") {
                errors.push(json!({ "line": at + 1, "code": "invalid_json", "message": "bad" }));
            } else if self.records.insert((file.clone(), first + at as u64), line.to_owned()).is_none() {
                accepted += 1;
            } else {
                duplicates += 1;
            }
        }
        let counts = if errors.is_empty() { json!({}) } else { json!({ "invalid_json": errors.len() }) };
        let answer = json!({ "batch": "b", "accepted": accepted, "rejected": errors.len(), "duplicates": duplicates,
            "errors": errors, "error_counts": counts })
        .to_string();
        self.answers.insert(key, answer.clone());
        answer.into_response()
    }
}

struct Bench {
    dir: tempfile::TempDir,
    server: FakeServer,
    journal: Arc<Mutex<Journal>>,
}

impl Bench {
    async fn start() -> Self {
        let journal = Arc::new(Mutex::new(Journal::default()));
        let shared = Arc::clone(&journal);
        let server = FakeServer::start(move |asked| shared.lock().answer(asked)).await;
        Self { dir: tempfile::tempdir().unwrap(), server, journal }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    async fn import(&self, arguments: &[&str]) -> Result<(), CliError> {
        let (url, state) = (self.server.url(), self.dir.path().join("state").display().to_string());
        let mut all = vec!["kronika", "import", "--quiet", "--server", &url, "--state-dir", &state];
        if !arguments.contains(&"--batch-size") {
            all.extend(["--batch-size", "1KiB"]);
        }
        all.extend(arguments);
        Cli::try_parse_from(all).unwrap().run().await
    }

    fn stored(&self) -> Vec<String> {
        self.journal.lock().records.values().cloned().collect()
    }

    /// The only state file's state.
    fn state(&self) -> State {
        let files = std::fs::read_dir(self.dir.path().join("state")).unwrap().map(|entry| entry.unwrap().path());
        let [file] =
            &files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect::<Vec<_>>()[..]
        else {
            panic!("one state file is expected")
        };
        let text: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        serde_json::from_value(text["state"].clone()).unwrap()
    }

    /// Requests with events.
    fn asked(&self) -> Vec<Asked> {
        let mut asked = self.server.asked();
        asked.retain(|asked| asked.path == "/api/v1/events");
        asked
    }

    fn requests(&self) -> usize {
        self.journal.lock().requests
    }
}

#[tokio::test]
async fn a_server_that_keeps_jobs_is_told_of_the_import() {
    let bench = Bench::start().await;
    bench.journal.lock().jobs.state = Some("in_progress");
    let text = lines(50).join("\n") + "\n";
    let file = bench.file("orders of may.ndjson", text.as_bytes());
    bench.import(&[&file]).await.unwrap();
    let told = bench.journal.lock().jobs.told.clone();
    assert_eq!(told[0], json!({"name": "orders of may.ndjson", "bytes": text.len()}));
    let end = json!({"state": "done", "done": text.len(), "accepted": 50, "duplicates": 0, "rejected": 0});
    assert_eq!(told.last(), Some(&end));
    bench.import(&[&file]).await.unwrap();
    assert_eq!(bench.journal.lock().jobs.told.len(), told.len(), "a file that is done is no import any more");

    // A refused batch ends it, and the job says why.
    bench.journal.lock().refuse.extend(1..100);
    let other = bench.file("other.ndjson", lines(60).join("\n").as_bytes());
    bench.import(&[&other]).await.unwrap_err();
    let last = bench.journal.lock().jobs.told.last().cloned().unwrap();
    assert_eq!((last["state"].as_str(), last["done"].as_u64()), (Some("failed"), Some(0)));
    assert!(last["error"].as_str().unwrap().contains("refused by the test"), "{last}");
}

fn lines(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("{{\"n\":{n},\"text\":\"{}\"}}", "x".repeat(n % 90))).collect()
}

#[tokio::test]
async fn a_file_arrives_once_however_often_it_is_imported() {
    let bench = Bench::start().await;
    let lines = lines(300);
    let file = bench.file("a.ndjson", lines.join("\n").as_bytes());
    bench.import(&[&file, "--mapping", "windows"]).await.unwrap();
    assert_eq!(bench.stored(), lines);
    let first = bench.requests();
    assert!(first > 10, "{first} requests");
    let asked = bench.asked();
    assert_eq!(asked[0].query["mapping"], "windows");
    assert_eq!(asked[0].headers["content-type"], "application/x-ndjson");
    bench.import(&[&file, "--mapping", "windows"]).await.unwrap();
    assert_eq!(bench.requests(), first, "a file that is done is not sent again");
    bench.import(&[&file, "--mapping", "windows", "--again"]).await.unwrap();
    assert_eq!((bench.requests(), bench.stored().len()), (2 * first, 300));
    assert_eq!(bench.state().totals, Totals { accepted: 0, duplicates: 300, rejected: 0 });
    // The same content under another name, in other bodies, without the state: the same lines.
    let copy = bench.file("b.ndjson", lines.join("\n").as_bytes());
    std::fs::remove_dir_all(bench.dir.path().join("state")).unwrap();
    bench.import(&[&copy, "--mapping", "windows", "--batch-size", "2KiB"]).await.unwrap();
    assert_eq!(bench.stored(), lines);
}

#[tokio::test]
async fn a_refused_batch_ends_the_import_and_the_next_run_goes_on() {
    let bench = Bench::start().await;
    let lines = lines(300);
    let file = bench.file("a.ndjson", lines.join("\n").as_bytes());
    bench.journal.lock().refuse.insert(5);
    let error = bench.import(&[&file, "--in-flight", "1"]).await.unwrap_err();
    assert_eq!(error.to_string(), "refused by the test (400 invalid_parameter)");
    let (before, stored) = (bench.requests(), bench.stored().len());
    assert!(stored > 0 && stored < 300);
    bench.import(&[&file]).await.unwrap();
    assert_eq!(bench.stored(), lines);
    let resumed = bench.asked()[before..].iter().map(|asked| asked.query["line"].parse::<usize>().unwrap()).min();
    assert_eq!(resumed, Some(stored + 1), "it goes on with the first line that was not acknowledged");
}

#[tokio::test]
async fn rejected_records_are_counted_and_decide_the_exit_code() {
    let bench = Bench::start().await;
    let file = bench
        .file("a.ndjson", format!("{{\"n\":1}}\nbad\n\n{{\"t\":\"{}\"}}\n{{\"n\":5}}\n", "y".repeat(3000)).as_bytes());
    let arguments = [file.as_str(), "--line-max", "2KiB"];
    for _ in 0..2 {
        let error = bench.import(&arguments).await.unwrap_err();
        assert!(matches!(error, CliError::Rejected { count: 2 }), "{error:?}");
        assert_eq!(error.exit_code(), 1);
    }
    let records = bench.journal.lock().records.keys().map(|(_, line)| *line).collect::<Vec<_>>();
    assert_eq!(records, [1, 5], "numbers are those of the file");
}

#[tokio::test]
async fn all_formats_arrive_as_json_lines() {
    let bench = Bench::start().await;
    let gz = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let cases: [(&str, Vec<u8>, &[&str]); 4] = [
        ("a.json", b"[\n {\"a\": [1,\n2]},\n {}\n]".to_vec(), &["{\"a\": [1, 2]}", "{}"]),
        ("a.csv.gz", gz(b"id;name\n1;x\n"), &["{\"id\":\"1\",\"name\":\"x\"}"]),
        ("a.ndjson.zst", zstd::encode_all(&b"{\"a\":1}\n"[..], 1).unwrap(), &["{\"a\":1}"]),
        ("w.json", b"{\"Records\":[{\"a\":1},{\"a\":2}]}".to_vec(), &["{\"Records\":[{\"a\":1},{\"a\":2}]}"]),
    ];
    for (name, bytes, want) in cases {
        bench.journal.lock().records.clear();
        bench.import(&[&bench.file(name, &bytes)]).await.unwrap();
        assert_eq!(bench.stored(), want, "{name}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_are_errors() {
    let bench = Bench::start().await;
    let missing = bench.dir.path().join("none").display().to_string();
    let odd = bench.file("odd", b"hello");
    let mut cut = zstd::encode_all(lines(1_000).join("\n").as_bytes(), 1).unwrap();
    cut.truncate(cut.len() - 20);
    let cut = bench.file("cut.ndjson.zst", &cut);
    for file in [&missing, &odd, &cut] {
        let error = bench.import(&[file]).await.unwrap_err();
        assert!(matches!(error, CliError::Input { .. }), "{file}: {error:?}");
        assert_eq!(error.exit_code(), 1);
    }
}

#[tokio::test]
async fn a_stop_leaves_a_state_to_go_on_from() {
    let bench = Bench::start().await;
    let lines = lines(300);
    let file = bench.file("a.ndjson", lines.join("\n").as_bytes());
    let state = state::directory(Some(&bench.dir.path().join("state"))).unwrap();
    let stop = CancellationToken::new();
    let url = bench.server.url();
    let args = ["kronika", "--quiet", "--server", &url, "--batch-size", "1KiB", "--in-flight", "2", &file];
    let args = ArgsOnly::try_parse_from(args).unwrap().args;
    let client = Client::new(&args.server, Policy::PROMPT).unwrap();
    // The stop comes with the third answer.
    let (journal, token) = (Arc::clone(&bench.journal), stop.clone());
    let watch = async {
        while journal.lock().requests < 3 {
            tokio::task::yield_now().await;
        }
        token.cancel();
        std::future::pending::<()>().await
    };
    let run = args.one(Path::new(&file).to_owned(), &client, &state, &stop);
    let result = tokio::select! { result = run => result, () = watch => unreachable!() };
    assert!(matches!(result, Err(CliError::Interrupted)), "{result:?}");
    let stored = bench.stored().len();
    assert!(stored > 0 && stored < 300, "{stored}");
    let before = bench.requests();
    args.one(Path::new(&file).to_owned(), &client, &state, &CancellationToken::new()).await.unwrap();
    assert_eq!(bench.stored(), lines);
    let resumed = bench.asked()[before..].iter().map(|asked| asked.query["line"].parse::<usize>().unwrap()).min();
    assert_eq!(resumed, Some(stored + 1), "nothing that was under way is sent again");
}

#[derive(Parser)]
struct ArgsOnly {
    #[command(flatten)]
    args: Args,
}
