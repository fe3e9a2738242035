//! Questions to tables on S3: seaweedfs on loopback, each question cold (nothing is in the cache) and warm.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::load::{self, Server, Size};
use crate::questions::{self, Took};
use crate::{fill, number, round, say};

/// The first of five ports, and of as many 10,000 above them.
const PORT: u16 = 17_300;
/// How long the store may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A store with the bucket `journal`; killed at its end.
pub(crate) struct Store {
    weed: PathBuf,
    dir: PathBuf,
    child: Option<Child>,
}

impl Store {
    /// Starts `weed` in `dir`; `None`, and says so, where it cannot be had.
    pub(crate) fn start(dir: &Path) -> Option<Self> {
        let weed = std::env::var_os("KRONIKA_TEST_PYTHON").map(|python| PathBuf::from(python).with_file_name("weed"));
        let Some(weed) = weed.filter(|weed| weed.exists()) else {
            println!("SKIPPED: there is no `weed` beside KRONIKA_TEST_PYTHON");
            return None;
        };
        let mut store = Self { weed, dir: dir.to_path_buf(), child: None };
        store.resume();
        store.until("it makes its bucket", |store| {
            std::fs::read_to_string(store.log()).expect("its log").contains("created bucket journal")
        });
        Some(store)
    }

    fn log(&self) -> PathBuf {
        self.dir.join("weed.log")
    }

    /// Starts it on what it has.
    pub(crate) fn resume(&mut self) {
        let data = self.dir.join("weed");
        std::fs::create_dir_all(&data).expect("a directory");
        let mut command = Command::new(&self.weed);
        command.args(["-logtostderr=true", "mini"]).arg(format!("-dir={}", data.display()));
        command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false", "-bucket=journal"]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]);
        for (part, at) in [("s3", 0), ("master", 1), ("filer", 2), ("volume", 3), ("admin", 4)] {
            command.arg(format!("-{part}.port={}", PORT + at));
        }
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "testtest").stdout(Stdio::null());
        command.stderr(std::fs::File::create(self.log()).expect("a file"));
        self.child = Some(command.spawn().expect("weed starts"));
        self.until("it answers", |_| answers());
    }

    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < PATIENCE, "weed, until {what}: {}", self.log().display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.kill();
    }
}

fn answers() -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", PORT)) else { return false };
    let asked = stream.write_all(b"GET / HTTP/1.0\r\n\r\n");
    asked.is_ok() && stream.read(&mut [0; 16]).is_ok_and(|count| count > 0)
}

/// Settings of a server whose questions are counted: nothing runs beside them.
fn config() -> String {
    let quiet = "[compaction]\ninterval = \"0s\"\nkeep_replaced = \"0s\"\n[scrub]\ninterval = \"0s\"\n[query]\ntimeout = \"10m\"\n";
    format!("{quiet}{}", settings())
}

/// Settings of a server whose table lies in the store.
pub(crate) fn settings() -> String {
    format!(
        "[storage]\nurl = \"s3://journal/prod\"\n[storage.options]\naws_endpoint = \"http://127.0.0.1:{PORT}\"\n\
         aws_allow_http = \"true\"\naws_access_key_id = \"test\"\naws_secret_access_key = \"testtest\"\naws_region = \"us-east-1\"\n"
    )
}

/// A server over an empty cache.
async fn cold(dir: &Path) -> Server {
    let _ = std::fs::remove_dir_all(dir.join("data/cache")); // a first start has none
    let server = Server::open(dir, &config(), load::binary());
    server.ready_after().await;
    server
}

/// Asks a server that has read nothing yet, and then once more.
async fn cold_and_warm(dir: &Path, sql: &str) -> [Took; 2] {
    let (server, http) = (cold(dir).await, reqwest::Client::new());
    let asked = [questions::ask(&http, &server, sql).await, questions::ask(&http, &server, sql).await];
    server.stop();
    asked
}

fn told(took: &Took) -> Value {
    json!({
        "seconds": round(took.seconds), "cpu_seconds": round(took.cpu), "requests": took.stat("requests"),
        "bytes_fetched": took.stat("bytes_fetched"), "files": took.stat("files"),
    })
}

/// The 21 questions.
pub(crate) async fn suite() {
    let events = number("events", 3_000_000);
    let generator = load::generator(events);
    let Some(suite) = questions::suite(&generator) else { return };
    let home = tempfile::tempdir().expect("a directory");
    let Some(_store) = Store::start(home.path()) else { return };
    let server = cold(home.path()).await;
    fill::fill(&server, generator).await;
    let figures = server.figures().await;
    let of = |name: &str| figures.of(&format!("kronika_table_{name}{{project=\"default\"}}"));
    say(json!({"stored": of("events"), "files": of("files"), "table_bytes": of("bytes")}));
    server.stop();
    let mut sums = [[0.0; 3]; 2];
    for (name, sql) in &suite {
        let both = cold_and_warm(home.path(), sql).await;
        say(json!({"question": name, "cold": told(&both[0]), "warm": told(&both[1])}));
        for (sum, took) in sums.iter_mut().zip(&both) {
            let all = [took.seconds, took.stat("requests") as f64, took.stat("bytes_fetched") as f64];
            sum.iter_mut().zip(all).for_each(|(sum, value)| *sum += value);
        }
    }
    let sum = |at: usize| json!({"seconds": round(sums[at][0]), "requests": sums[at][1], "bytes_fetched": sums[at][2]});
    say(json!({"suite": suite.len(), "cold": sum(0), "warm": sum(1)}));
    // All of them after one another over a cache that was empty once.
    let (server, http) = (cold(home.path()).await, reqwest::Client::new());
    for run in ["first run over an empty cache", "second run"] {
        let (mut seconds, mut requests, mut bytes) = (0.0, 0, 0);
        for (_, sql) in &suite {
            let took = questions::ask(&http, &server, sql).await;
            seconds += took.seconds;
            requests += took.stat("requests");
            bytes += took.stat("bytes_fetched");
        }
        say(json!({"run": run, "seconds": round(seconds), "requests": requests, "bytes_fetched": bytes}));
    }
    server.stop();
}

/// One event in one large file.
pub(crate) async fn needle() {
    let events = number("events", 1_500_000);
    let home = tempfile::tempdir().expect("a directory");
    let Some(_store) = Store::start(home.path()) else { return };
    let server = cold(home.path()).await;
    let journal = fill::in_order(&fill::generator(77, events, fill::FIRST_DAY, 1));
    load::send(&server, load::bodies(&one_module(&journal), Size::Bytes(1_000_000)), 8).await;
    load::post(&server, "/api/v1/admin/flush").await;
    load::post(&server, "/api/v1/admin/compact").await;
    let figures = server.figures().await;
    let of = |name: &str| figures.of(&format!("kronika_table_{name}{{project=\"default\"}}"));
    let id = "SELECT event_id FROM events ORDER BY event_id LIMIT 1 OFFSET 700000";
    let id = load::query(&reqwest::Client::new(), &server, id).await;
    let id = id["rows"][0][0].as_str().expect("an event").to_owned();
    say(json!({"stored": of("events"), "files": of("files"), "bytes": of("bytes")}));
    server.stop();
    for (name, columns) in [("five columns", "event_id, event_time, module, actor_id, message"), ("all columns", "*")] {
        let both = cold_and_warm(home.path(), &format!("SELECT {columns} FROM events WHERE event_id = '{id}'")).await;
        assert!(
            both.iter().all(|took| took.answer["rows"].as_array().is_some_and(|rows| rows.len() == 1)),
            "one event"
        );
        say(json!({"needle": name, "cold": told(&both[0]), "warm": told(&both[1])}));
    }
}

/// The journal as that of one module.
fn one_module(journal: &[u8]) -> bytes::Bytes {
    const FIELD: &[u8] = b"\"module\":\"";
    let mut out = Vec::with_capacity(journal.len());
    let mut rest = journal;
    while let Some(at) = memchr::memmem::find(rest, FIELD).map(|at| at + FIELD.len()) {
        let end = at + memchr::memchr(b'"', &rest[at..]).expect("a text ends");
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"orders");
        rest = &rest[end..];
    }
    out.extend_from_slice(rest);
    out.into()
}
