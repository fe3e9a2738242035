//! A server of its own for each measurement, and clients that load it.
#![allow(dead_code, reason = "each benchmark uses a part")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kronika::generate::{Generator, Options};
use serde_json::{Value, json};

/// 2026-10-01, the first day of the suite's journal.
const START_DATE: i32 = 20_727;

/// The number behind the benchmark's name, or `default`.
pub(crate) fn number_argument(default: u64) -> u64 {
    std::env::args().skip(1).find_map(|argument| argument.replace('_', "").parse().ok()).unwrap_or(default)
}

/// The generator of the suite's journal: 30 days of October 2026, seed 42.
pub(crate) fn generator(events: u64) -> Generator {
    Generator::new(Options { seed: 42, events, start_date: START_DATE, days: 30, end_ms: None })
        .expect("options in range")
}

/// A whole journal in memory.
pub(crate) fn journal(events: u64) -> Bytes {
    let generator = generator(events);
    let mut out = Vec::new();
    for day in 0..generator.days() {
        generator.day(day).write_to(&mut out).expect("memory takes what it is given");
    }
    out.into()
}

/// How large bodies are.
#[derive(Clone, Copy)]
pub(crate) enum Size {
    /// So many events.
    Events(usize),
    /// At least so many bytes.
    Bytes(usize),
}

/// A journal cut into bodies at line ends.
pub(crate) fn bodies(journal: &Bytes, size: Size) -> Vec<Bytes> {
    let (mut bodies, mut start, mut lines) = (Vec::new(), 0, 0);
    for end in memchr::memchr_iter(b'\n', journal).map(|at| at + 1) {
        lines += 1;
        let full = match size {
            Size::Events(most) => lines == most,
            Size::Bytes(least) => end - start >= least,
        };
        if full {
            bodies.push(journal.slice(start..end));
            (start, lines) = (end, 0);
        }
    }
    if start < journal.len() {
        bodies.push(journal.slice(start..));
    }
    bodies
}

/// Where a server lives: a directory that goes with it, or one that stays.
pub(crate) struct Home {
    path: PathBuf,
    _passing: Option<tempfile::TempDir>,
}

/// A running server in a directory of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) key: String,
    home: Arc<Home>,
    spawned: Instant,
}

impl Server {
    /// Starts the release binary, or the one that KRONIKA_BENCH_SERVER names (to compare two builds by the same
    /// load), with a settings file.
    pub(crate) fn start(config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("kronika-bench").tempdir().expect("a directory");
        let home = Home { path: dir.path().to_path_buf(), _passing: Some(dir) };
        Self::start_in(Arc::new(home), Some(config), binary())
    }

    /// Starts `binary` on a directory that stays.
    pub(crate) fn open(dir: &Path, config: &str, binary: OsString) -> Self {
        std::fs::create_dir_all(dir).expect("a directory");
        Self::start_in(Arc::new(Home { path: dir.to_path_buf(), _passing: None }), Some(config), binary)
    }

    /// Ends it as an operator does.
    pub(crate) fn stop(mut self) {
        // SAFETY: a signal to our own child, which was not waited for yet.
        unsafe { libc::kill(self.child.id().cast_signed(), libc::SIGTERM) };
        self.child.wait().expect("it ends");
    }

    /// kill -9, and another process over the same directory.
    pub(crate) fn kill_and_restart(mut self) -> Self {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        Self::start_in(self.directory(), None, binary())
    }

    /// Without a `config` it has the one that lies there.
    fn start_in(home: Arc<Home>, config: Option<&str>, binary: OsString) -> Self {
        let (dir, file) = (&home.path, home.path.join("kronika.toml"));
        if let Some(config) = config {
            std::fs::write(&file, config).expect("a settings file");
        }
        let spawned = Instant::now();
        let mut command = Command::new(binary);
        command.arg("serve").arg("--data-dir").arg(dir.join("data")).args(["--listen", "127.0.0.1:0", "--config"]);
        command.arg(file).env("KRONIKA_ADMIN_KEY_FILE", dir.join("key")).env("RUST_LOG", "warn");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let url = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split("listening on ").nth(1).map(str::to_string))
            .expect("the server says where it listens");
        std::thread::spawn(move || lines.for_each(drop));
        let key = std::fs::read_to_string(dir.join("key")).expect("the first key").trim().to_string();
        Self { child, url, key, home, spawned }
    }

    /// Its directory, which outlives the server while this is held: a file system that is removing a
    /// thousand files makes new ones slowly.
    pub(crate) fn directory(&self) -> Arc<Home> {
        Arc::clone(&self.home)
    }

    /// From its start until it says that it is ready.
    pub(crate) async fn ready_after(&self) -> Duration {
        let http = reqwest::Client::new();
        while !http.get(format!("{}/readyz", self.url)).send().await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.spawned.elapsed()
    }

    /// Directory of the default project's table.
    pub(crate) fn table(&self) -> PathBuf {
        self.home.path.join("data/store/projects/default/events")
    }

    /// User and system time so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("a running server");
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap_or(0.0) + fields[12].parse::<f64>().unwrap_or(0.0);
        // SAFETY: a plain question to the system.
        ticks / unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64
    }

    /// Largest resident memory so far.
    pub(crate) fn peak_rss_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Resident memory now.
    pub(crate) fn rss_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    fn memory(&self, figure: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a running server");
        let line = status.lines().find(|line| line.starts_with(figure)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) << 10
    }

    /// Size of all Parquet files on disk.
    pub(crate) fn stored_bytes(&self) -> u64 {
        fn sum(dir: &std::path::Path) -> u64 {
            let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
            entries
                .map(|entry| match entry.metadata() {
                    Ok(meta) if meta.is_dir() => sum(&entry.path()),
                    Ok(meta) if entry.path().extension().is_some_and(|end| end == "parquet") => meta.len(),
                    _ => 0,
                })
                .sum()
        }
        sum(&self.table())
    }

    /// Size of the live Parquet files, by the table's own figures.
    pub(crate) fn live_bytes(&self, runtime: &tokio::runtime::Runtime) -> f64 {
        runtime.block_on(self.figures()).of("kronika_table_bytes{project=\"default\"}")
    }

    /// What it says of itself.
    pub(crate) async fn figures(&self) -> Figures {
        let answer = reqwest::get(format!("{}/metrics", self.url)).await.expect("an answer");
        Figures(answer.text().await.expect("a whole answer"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary to be measured.
pub(crate) fn binary() -> OsString {
    std::env::var_os("KRONIKA_BENCH_SERVER").unwrap_or_else(|| env!("CARGO_BIN_EXE_kronika").into())
}

/// An answer of `/metrics`.
pub(crate) struct Figures(String);

impl Figures {
    /// The sum of all lines that begin with `name`, labels included.
    pub(crate) fn of(&self, name: &str) -> f64 {
        let lines = self.0.lines().filter(|line| line.starts_with(name));
        // `sum` of no floats is -0.
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).fold(0.0, |sum, value| sum + value)
    }
}

/// How long answers took.
pub(crate) struct Sent {
    pub(crate) seconds: f64,
    latencies: Vec<Duration>,
}

impl Sent {
    /// Of latencies in any order.
    pub(crate) fn new(seconds: f64, mut latencies: Vec<Duration>) -> Self {
        latencies.sort();
        Self { seconds, latencies }
    }

    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }

    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() - 1) as f64 * share) as usize;
        self.latencies[at].as_secs_f64() * 1_000.0
    }
}

/// Sends all bodies from `clients` at once, each waiting for its answer before its next body.
pub(crate) async fn send(server: &Server, bodies: Vec<Bytes>, clients: usize) -> Sent {
    send_to(server, "default", bodies, clients).await
}

/// The same, to a project.
pub(crate) async fn send_to(server: &Server, project: &str, bodies: Vec<Bytes>, clients: usize) -> Sent {
    let bodies = Arc::new(bodies);
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (bodies, next) = (Arc::clone(&bodies), Arc::clone(&next));
        let (url, key) = (format!("{}/api/v1/events?mapping=kronika-bench", server.url), server.key.clone());
        let project = reqwest::header::HeaderValue::from_str(project).expect("a name");
        tasks.spawn(async move {
            let headers = [(reqwest::header::HeaderName::from_static("kronika-project"), project)];
            let headers = headers.into_iter().collect();
            let http = reqwest::Client::builder().http1_only().default_headers(headers).build().expect("a client");
            let mut latencies = Vec::new();
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                latencies.push(send_one(&http, &url, &key, body).await);
            }
            latencies
        });
    }
    let latencies = tasks.join_all().await.into_iter().flatten().collect();
    Sent::new(started.elapsed().as_secs_f64(), latencies)
}

pub(crate) async fn send_one(http: &reqwest::Client, url: &str, key: &str, body: &Bytes) -> Duration {
    let started = Instant::now();
    loop {
        let request = http.post(url).bearer_auth(key).header("content-type", "application/x-ndjson");
        let answer = request.body(body.clone()).send().await.expect("an answer");
        match answer.status().as_u16() {
            200 => {
                answer.bytes().await.expect("a whole answer");
                return started.elapsed();
            }
            429 => tokio::time::sleep(Duration::from_millis(20)).await,
            status => panic!("{status}: {:?}", answer.text().await),
        }
    }
}

/// Sends so many generated events a day at a time, flushes and compacts; gives the seconds that took.
pub(crate) async fn fill(server: &Server, events: u64) -> u64 {
    let began = Instant::now();
    let generator = generator(events);
    for day in 0..generator.days() {
        let mut journal = Vec::new();
        generator.day(day).write_to(&mut journal).expect("memory takes what it is given");
        send(server, bodies(&journal.into(), Size::Bytes(1_000_000)), 4).await;
    }
    post(server, "/api/v1/admin/flush").await;
    post(server, "/api/v1/admin/compact").await;
    began.elapsed().as_secs()
}

/// Calls a route that takes nothing.
pub(crate) async fn post(server: &Server, path: &str) -> Value {
    post_for(server, None, path).await
}

/// The same, for one project.
pub(crate) async fn post_for(server: &Server, project: Option<&str>, path: &str) -> Value {
    let request = reqwest::Client::new().post(format!("{}{path}", server.url)).bearer_auth(&server.key);
    let request = project.into_iter().fold(request, |request, project| request.header("kronika-project", project));
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.expect("JSON")
}

/// Asks a question.
pub(crate) async fn query(http: &reqwest::Client, server: &Server, sql: &str) -> Value {
    let request = http.post(format!("{}/api/v1/query", server.url)).bearer_auth(&server.key);
    let answer = request.json(&json!({"sql": sql})).send().await.expect("an answer");
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert!(status.is_success(), "{sql}: {body}");
    body
}

/// The machine's one-minute load.
pub(crate) fn machine_load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}
