//! A server under test, and how to talk to it.

pub(crate) mod stores;
pub(crate) mod way;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// What users read about errors.
const ERRORS: &str = include_str!("../../../docs/errors.md");

/// Longest wait for a start or a stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `kronika serve`; killed when dropped.
pub(crate) struct TestServer {
    child: Child,
    /// Of the server itself, also where the child is a wrapper around it.
    pid: i32,
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) client: reqwest::Client,
    home: Arc<Home>,
    log: Arc<Mutex<Vec<String>>>,
}

/// What outlives one run of the server.
pub(crate) struct Home {
    dir: Arc<tempfile::TempDir>,
    config: String,
    env: Vec<(String, String)>,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Home {
    pub(crate) fn new(config: &str) -> Arc<Self> {
        Self::with_env(config, &[])
    }

    pub(crate) fn with_env(config: &str, env: &[(&str, &str)]) -> Arc<Self> {
        let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Arc::new(Self { dir: Arc::new(tempfile::tempdir().unwrap()), config: config.to_string(), env })
    }

    /// The same directory under other settings.
    pub(crate) fn again(&self, config: &str, env: &[(&str, &str)]) -> Arc<Self> {
        let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Arc::new(Self { dir: Arc::clone(&self.dir), config: config.to_string(), env })
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The command that serves this home, as an argument of `wrapper` where there is one.
    pub(crate) fn command(&self, wrapper: &[&str]) -> Command {
        self.command_at(wrapper, 0)
    }

    fn command_at(&self, wrapper: &[&str], port: u16) -> Command {
        let config = self.path("kronika.toml");
        std::fs::write(&config, &self.config).unwrap();
        let mut command = match wrapper.split_first() {
            None => kronika(),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(env!("CARGO_BIN_EXE_kronika"));
                command
            }
        };
        command.arg("serve").arg("--data-dir").arg(self.data_dir()).args(["--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--config").arg(config).env("KRONIKA_ADMIN_KEY_FILE", self.path("admin.key"));
        command.envs(self.env.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// The program itself.
pub(crate) fn kronika() -> Command {
    Command::new(env!("CARGO_BIN_EXE_kronika"))
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::start_in(&Home::new(""))
    }

    pub(crate) fn start_with(config: &str) -> Self {
        Self::start_in(&Home::new(config))
    }

    #[track_caller]
    pub(crate) fn start_in(home: &Arc<Home>) -> Self {
        Self::start_under(home, &[])
    }

    /// Starts the server under another program, such as a tracer.
    #[track_caller]
    pub(crate) fn start_under(home: &Arc<Home>, wrapper: &[&str]) -> Self {
        Self::start_as(home, home.command(wrapper))
    }

    /// Starts the server at a port of loopback that must be free.
    #[track_caller]
    pub(crate) fn start_at(home: &Arc<Home>, port: u16) -> Self {
        Self::start_as(home, home.command_at(&[], port))
    }

    #[track_caller]
    fn start_as(home: &Arc<Home>, mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        collect(child.stderr.take().unwrap(), Arc::clone(&log));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on ") {
            line.clear();
            let read = stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "the server ended before it was ready:\n{}", log.lock().unwrap().join("\n"));
        }
        let url = line.trim().rsplit("listening on ").next().unwrap().to_string();
        // What it prints later must not block it.
        collect(stdout, Arc::clone(&log));
        let key = std::fs::read_to_string(home.path("admin.key")).unwrap().trim().to_string();
        let pid = std::fs::read_to_string(home.data_dir().join("LOCK")).unwrap().trim().parse().unwrap();
        Self { child, pid, url, key, client: client(), home: Arc::clone(home), log }
    }

    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// Id of the server's process.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// What it says on stderr, still growing.
    pub(crate) fn log_handle(&self) -> Arc<Mutex<Vec<String>>> {
        Arc::clone(&self.log)
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    /// A request with another key than the server's own.
    pub(crate) fn with(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(key)
    }

    /// Asks with another key than the server's own.
    pub(crate) async fn ask(&self, key: &str, sql: &str) -> Answer {
        send(self.with(key, Method::POST, "/api/v1/query").json(&json!({"sql": sql}))).await
    }

    /// Appends a body to the project `default`, or to the one that `path` names before a `|`.
    pub(crate) async fn append(&self, project: &str, query: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, &format!("/api/v1/events{query}")).header("kronika-project", project);
        send(request.header("content-type", "application/x-ndjson").body(body)).await
    }

    pub(crate) async fn query(&self, project: &str, sql: &str) -> Answer {
        let request = self.request(Method::POST, "/api/v1/query").header("kronika-project", project);
        send(request.json(&json!({"sql": sql}))).await
    }

    /// Reads a path of a project.
    pub(crate) async fn get(&self, project: &str, path: &str) -> Answer {
        send(self.request(Method::GET, path).header("kronika-project", project)).await
    }

    /// Rows of a query that must succeed.
    pub(crate) async fn rows(&self, project: &str, sql: &str) -> Vec<Vec<Value>> {
        let answer = self.query(project, sql).await.json(200);
        serde_json::from_value(answer["rows"].clone()).unwrap()
    }

    /// The one number that a query gives.
    pub(crate) async fn count(&self, project: &str, sql: &str) -> u64 {
        let rows = self.rows(project, sql).await;
        rows[0][0].as_str().map_or_else(|| rows[0][0].as_u64().unwrap(), |text| text.parse().unwrap())
    }

    pub(crate) async fn flush(&self) -> Value {
        send(self.request(Method::POST, "/api/v1/admin/flush")).await.json(200)
    }

    pub(crate) async fn compact(&self) -> Value {
        send(self.request(Method::POST, "/api/v1/admin/compact")).await.json(200)
    }

    pub(crate) async fn create_project(&self, name: &str) {
        send(self.request(Method::POST, "/api/v1/projects").json(&json!({"name": name}))).await.json(201);
    }

    /// A figure of `/metrics`, summed over its labels that contain `label`.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> f64 {
        let text = send(self.request(Method::GET, "/metrics")).await.text;
        let ours = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])) && line.contains(label)
        };
        text.lines().filter(ours).map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Whether the process that was started still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGTERM; the exit must be clean.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Arc<Home> {
        signal(self.pid, libc::SIGTERM);
        let status = wait(&mut self.child);
        assert_eq!(status, Some(0), "exit after SIGTERM:\n{}", self.log().join("\n"));
        Arc::clone(&self.home)
    }

    /// SIGHUP: read the certificate again.
    pub(crate) fn hang_up(&self) {
        signal(self.pid, libc::SIGHUP);
    }

    /// Waits until its log has a line with `text`.
    pub(crate) async fn wait_for_log(&self, text: &str) {
        let started = Instant::now();
        while !self.log().iter().any(|line| line.contains(text)) {
            assert!(started.elapsed() < PATIENCE, "no `{text}` in:\n{}", self.log().join("\n"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the audit journal has an event of this type.
    pub(crate) async fn wait_for_audit(&self, event_type: &str) {
        let new = json!({"name": "auditor", "scopes": ["audit-read"], "project": "_audit"});
        let key = send(self.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
        let (key, started) = (key["secret"].as_str().unwrap().to_owned(), Instant::now());
        let sql = format!("SELECT count(*) FROM events WHERE event_type = '{event_type}'");
        while self.ask(&key, &sql).await.json(200)["rows"][0][0] == "0" {
            assert!(started.elapsed() < PATIENCE, "no {event_type} in the audit journal");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// SIGKILL: no chance to tidy up.
    pub(crate) fn kill(mut self) -> Arc<Home> {
        signal(self.pid, libc::SIGKILL);
        wait(&mut self.child);
        Arc::clone(&self.home)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        if matches!(self.child.try_wait(), Ok(None)) {
            signal(self.pid, libc::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

impl Answer {
    /// The JSON of an answer whose status must be `status`.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A problem document with this status and code.
    ///
    /// Without what differs from request to request: its id and path.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let mut document = self.json(status);
        assert_eq!(document["code"], code, "{document}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(document["type"], format!("/api/errors#{code}"));
        assert!(document["hint"].is_string(), "{document}");
        let documented = format!("\n## {code}\n\nStatus ");
        let (_, entry) = ERRORS.split_once(&documented).unwrap_or_else(|| panic!("{code} is not in docs/errors.md"));
        let statuses = entry.split('.').next().unwrap();
        assert!(statuses.split(", ").any(|known| known == status.to_string()), "{code} is documented with {statuses}");
        let members = document.as_object_mut().unwrap();
        let id = members.remove("request_id").expect("an id of the request");
        assert_eq!(id, self.headers["x-request-id"].to_str().unwrap());
        assert!(members.remove("instance").is_some_and(|path| path.as_str().unwrap().starts_with('/')));
        document
    }
}

/// A client that lets go of idle connections before the server does (`server.header_timeout`), also after
/// a test has held its thread for long.
fn client() -> reqwest::Client {
    reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(15)).build().unwrap()
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

fn collect(stream: impl std::io::Read + Send + 'static, log: Arc<Mutex<Vec<String>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            log.lock().unwrap().push(line);
        }
    });
}

pub(crate) fn signal(pid: i32, signal: i32) {
    // SAFETY: the process, or the wrapper that waits for it, was not waited for: its id is still its own.
    unsafe { libc::kill(pid, signal) };
}

/// Exit code, after a wait that must end.
pub(crate) fn wait(child: &mut Child) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the process did not end");
}

/// A file of the material beside the project; without it the test is skipped, or fails in CI.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if file.exists() { Some(file) } else { skipped(&format!("{path} is not there")) }
}

/// Says why a test is skipped; in CI that is a failure.
pub(crate) fn skipped<T>(reason: &str) -> Option<T> {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "cannot be skipped in CI: {reason}");
    println!("SKIPPED: {reason}");
    None
}

/// The text of a `.zst` file.
pub(crate) fn unpacked(path: &Path) -> Vec<u8> {
    zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()
}

/// A Python with the readers of `.ci/requirements.txt`.
pub(crate) fn python() -> Option<PathBuf> {
    match std::env::var_os("KRONIKA_TEST_PYTHON") {
        Some(path) => Some(path.into()),
        None => skipped("KRONIKA_TEST_PYTHON names no Python with the packages of .ci/requirements.txt"),
    }
}
