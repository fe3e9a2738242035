//! Bad surroundings: signals, clocks, directories, descriptors, threads.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::common::{Home, TestServer, kronika, send, signal, skipped, wait};
use super::super::transport::address;
use super::{COUNT, assert_calm};

/// Number of events, of places and of ids: all the same where nothing is doubled.
const UNIQUE: &str = "SELECT count(*), count(DISTINCT _seq), count(DISTINCT event_id) FROM events";

fn lines(ids: std::ops::Range<u64>) -> String {
    ids.map(|id| format!("{{\"event_id\":\"{id}\",\"module\":\"m{}\"}}\n", id % 3)).collect()
}

/// Runs a command that must end by itself; its exit code and what it said.
fn ended(command: &mut Command) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let code = wait(&mut child);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    (code, said)
}

/// The library by which a test moves the clock of a server; `None` without a C compiler.
fn movable_clock(dir: &Path) -> Option<std::path::PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/bad_input/clock.c");
    let library = dir.join("clock.so");
    match Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl").output() {
        Ok(made) => {
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            Some(library)
        }
        Err(_) => skipped("there is no C compiler `cc`"),
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_harms_no_order() {
    let dir = tempfile::tempdir().unwrap();
    let Some(library) = movable_clock(dir.path()) else { return };
    let clock = dir.path().join("clock");
    std::fs::write(&clock, "0").unwrap();
    let env = [("LD_PRELOAD", library.to_str().unwrap()), ("KRONIKA_TEST_CLOCK", clock.to_str().unwrap())];
    let home = Home::with_env("[flush]\ninterval = \"1s\"\n", &env);
    let server = TestServer::start_in(&home);
    let keyed = |server: &TestServer| {
        let request = server.request(reqwest::Method::POST, "/api/v1/events").header("idempotency-key", "once");
        request.header("content-type", "application/x-ndjson").body("{\"event_id\":\"once\"}")
    };
    server.append("default", "", lines(0..100)).await.json(200);
    let first = send(keyed(&server)).await.json(200);
    std::fs::write(&clock, "-3600").unwrap();
    server.append("default", "", lines(100..200)).await.json(200);
    assert_eq!(send(keyed(&server)).await.json(200), first, "the answer is still known");
    server.flush().await;
    server.append("default", "", lines(200..300)).await.json(200);
    // It did go back, and the order did not.
    let back = "SELECT count(*) FROM (SELECT observed_time t, lag(observed_time) OVER (ORDER BY _seq) b FROM events) WHERE t < b";
    assert_eq!(server.count("default", back).await, 1);
    let in_order = "SELECT count(*) FROM (SELECT CAST(event_id AS BIGINT) n, lag(CAST(event_id AS BIGINT)) OVER (ORDER BY _seq) b \
                    FROM events WHERE event_id <> 'once') WHERE n <= b";
    assert_eq!(server.count("default", in_order).await, 0);
    assert_eq!(server.append("default", "", lines(50..250)).await.json(200)["duplicates"], 200);
    let server = TestServer::start_in(&server.kill());
    std::fs::write(&clock, "-7200").unwrap();
    assert_eq!(send(keyed(&server)).await.json(200), first);
    server.append("default", "", lines(300..400)).await.json(200);
    server.flush().await;
    server.compact().await;
    assert_eq!(json!(server.rows("default", UNIQUE).await), json!([["401", "401", "401"]]));
    assert_eq!(server.count("default", in_order).await, 0);
    assert_calm(&server);
    server.stop();
}

#[tokio::test]
async fn tables_that_cannot_be_written_fill_the_log_and_then_refuse() {
    let server = TestServer::start_with(
        "[ingest]\nline_max = \"64KiB\"\nbody_max = \"256KiB\"\n[wal]\nsegment_size = \"1MiB\"\nsize_max = \"8MiB\"\n[flush]\ninterval = \"1s\"\n",
    );
    server.append("default", "", lines(0..10)).await.json(200);
    server.flush().await;
    let table = server.home().data_dir().join("store/projects/default/events");
    let away = server.home().path("away");
    std::fs::rename(&table, &away).unwrap();
    std::fs::write(&table, "a file where the table was").unwrap();
    let large = |n: u64| format!("{{\"event_id\":\"l{n}\",\"message\":\"{}\"}}\n", "m".repeat(50_000));
    let mut stored = 0;
    let refused = loop {
        let answer = server.append("default", "", large(stored)).await;
        if answer.status != 200 {
            break answer;
        }
        stored += 1;
        assert!(stored < 1_000, "the log has no end");
    };
    refused.problem(429, "overloaded");
    assert!(refused.headers.contains_key("retry-after"));
    assert!(stored > 20, "{stored}");
    // Told to whoever looks, and what was acknowledged is answered from memory.
    let since = Instant::now();
    loop {
        // The first flush that fails may still be to come.
        let ready = send(server.request(reqwest::Method::GET, "/readyz")).await;
        if ready.status == 503 {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{} {}", ready.status, ready.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.count("default", "SELECT count(*) FROM events WHERE event_id LIKE 'l%'").await, stored);
    std::fs::remove_file(&table).unwrap();
    std::fs::rename(&away, &table).unwrap();
    server.flush().await;
    // The log gives its segments back a moment after the flush, and senders come again, as they were told.
    let since = Instant::now();
    let again = loop {
        let answer = server.append("default", "", large(stored)).await;
        if answer.status != 429 || since.elapsed() > Duration::from_secs(20) {
            break answer.json(200);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(again["accepted"], 1);
    assert_eq!(server.count("default", COUNT).await, stored + 11);
    server.stop();
}

#[tokio::test]
async fn with_256_descriptors_everything_goes_on() {
    let limit = "ulimit -n 256 && exec \"$@\"";
    let server = TestServer::start_under(&Home::new("[server]\nconnections_max = 1000\n"), &["sh", "-c", limit, "sh"]);
    let dates: String = (0..600).map(|n| format!("{{\"event_time\":{},\"module\":\"m\"}}\n", n * 86_400)).collect();
    server.append("default", "", dates).await.json(200);
    let modules: String = (0..300).map(|n| format!("{{\"event_time\":1,\"module\":\"m{n}\"}}\n")).collect();
    server.append("default", "", modules).await.json(200);
    server.flush().await;
    assert_eq!(server.count("default", COUNT).await, 900);
    assert_eq!(server.count("default", "SELECT count(DISTINCT date) FROM events").await, 600);
    // More connections than descriptors: the server takes what it can.
    let held: Vec<TcpStream> = (0..400).filter_map(|_| TcpStream::connect(address(&server)).ok()).collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(held);
    let started = Instant::now();
    loop {
        let request =
            server.request(reqwest::Method::POST, "/api/v1/events").header("content-type", "application/x-ndjson");
        if request.timeout(Duration::from_secs(2)).body("{}").send().await.is_ok_and(|answer| answer.status() == 200) {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "it does not come back:\n{}", server.log().join("\n"));
    }
    let known = server.count("default", COUNT).await;
    assert!(known >= 901, "{known}");
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.count("default", COUNT).await, known);
    assert_calm(&server);
    server.stop();
}

/// Arguments before the program that take root's power over files from it; none where there is no such power.
fn without_power() -> &'static [&'static str] {
    // SAFETY: it only asks.
    if unsafe { libc::geteuid() } == 0 { &["setpriv", "--bounding-set=-all", "--inh-caps=-all"] } else { &[] }
}

#[test]
fn a_directory_that_cannot_be_written_refuses_the_start() {
    let refused = |home: &Arc<Home>, what: &str| {
        let (code, said) = ended(&mut home.command(without_power()));
        assert_eq!(code, Some(69), "{what}: {said}");
        assert!(said.contains("cannot use `") && said.contains("hint: "), "{what}: {said}");
        assert!(!said.contains("panicked"), "{what}: {said}");
    };
    let home = Home::new("");
    std::fs::create_dir(home.data_dir()).unwrap();
    std::fs::set_permissions(home.data_dir(), PermissionsExt::from_mode(0o555)).unwrap();
    refused(&home, "a directory that is read-only");
    assert_eq!(std::fs::read_dir(home.data_dir()).unwrap().count(), 0);
    std::fs::set_permissions(home.data_dir(), PermissionsExt::from_mode(0o755)).unwrap();
    let home = Home::new("");
    std::fs::write(home.data_dir(), "a file").unwrap();
    refused(&home, "a file");
    let home = Home::new("");
    std::fs::create_dir(home.data_dir()).unwrap();
    std::fs::write(home.data_dir().join("wal"), "a file").unwrap();
    refused(&home, "a file where the log should be");
}

#[test]
fn a_port_in_use_refuses_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let mut command = kronika();
    command.arg("serve").arg("--data-dir").arg(dir.path()).args(["--listen", &address]);
    let (code, said) = ended(command.env("KRONIKA_ADMIN_KEY_FILE", dir.path().join("key")));
    assert_ne!(code, Some(0));
    assert!(said.contains(&address) && said.contains("in use") && !said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn a_directory_of_a_newer_program_is_left_as_it_is() {
    let server = TestServer::start();
    server.append("default", "", lines(0..10)).await.json(200);
    let home = server.kill();
    let identity = home.data_dir().join("kronika.json");
    let text = std::fs::read_to_string(&identity).unwrap();
    let newer = text.replace("\"format\": 1", "\"format\": 99");
    assert_ne!(newer, text);
    let newer = kronika::sealed::seal(newer.split("\n#").next().unwrap().into());
    std::fs::write(&identity, &newer).unwrap();
    let before = files(&home.data_dir());
    let (code, said) = ended(&mut home.command(&[]));
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("99") && said.contains("hint: "), "{said}");
    assert_eq!(files(&home.data_dir()), before);
    std::fs::write(&identity, text).unwrap();
    let server = TestServer::start_in(&home);
    assert_eq!(server.count("default", COUNT).await, 10);
    server.stop();
}

/// Every file with its size, but for the lock.
fn files(dir: &Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != "LOCK") {
            found.push((path.display().to_string(), path.metadata().unwrap().len()));
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_keeps_what_was_acknowledged() {
    let server = TestServer::start();
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let clients: Vec<_> = (0..8_u64)
        .map(|client| {
            let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
            let request =
                server.request(reqwest::Method::POST, "/api/v1/events").header("content-type", "application/x-ndjson");
            async move {
                for batch in 0.. {
                    let first = client * 1_000_000 + batch * 50;
                    let sent = request.try_clone().unwrap().body(lines(first..first + 50)).send().await;
                    match sent {
                        Ok(answer) if answer.status() == 200 => acknowledged.lock().unwrap().push(first),
                        // Refused while it stops, or nobody listens any more.
                        _ if stop.load(Ordering::Relaxed) => return,
                        Ok(answer) => panic!("{}", answer.status()),
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        })
        .collect();
    let asked = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.store(true, Ordering::Relaxed);
        tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let home = server.stop();
            (home, started.elapsed())
        })
        .await
        .unwrap()
    };
    let (_, (home, took)) = tokio::join!(futures::future::join_all(clients), asked);
    assert!(took < Duration::from_secs(30), "{took:?}");
    let server = TestServer::start_in(&home);
    assert_eq!(server.metric("kronika_hot_events", "project=\"default\"").await, 0.0, "a clean stop flushes");
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() > 8, "{}", acknowledged.len());
    let rows = server.rows("default", "SELECT event_id FROM events").await;
    let known: std::collections::HashSet<u64> =
        rows.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(known.len(), rows.len(), "an event is there twice");
    for first in acknowledged {
        assert!((first..first + 50).all(|id| known.contains(&id)), "acknowledged batch {first} is gone");
    }
    server.stop();
}

/// `KRONIKA_TEST_PAUSE_SECONDS=60` for the whole minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_stopped_goes_on() {
    let seconds = std::env::var("KRONIKA_TEST_PAUSE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let server = TestServer::start_with("[flush]\ninterval = \"1s\"\n");
    server.append("default", "", lines(0..1_000)).await.json(200);
    signal(server.pid(), libc::SIGSTOP);
    let during = async {
        let sent = server.append("default", "", lines(1_000..2_000)).await;
        sent.json(200)["accepted"].clone()
    };
    let cont = async {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        signal(server.pid(), libc::SIGCONT);
    };
    let (accepted, ()) = tokio::join!(during, cont);
    assert_eq!(accepted, 1_000, "what waited in the socket is taken in");
    server.append("default", "", lines(2_000..3_000)).await.json(200);
    server.flush().await;
    assert_eq!(json!(server.rows("default", UNIQUE).await), json!([["3000", "3000", "3000"]]));
    let server = TestServer::start_in(&server.kill());
    assert_eq!(json!(server.rows("default", UNIQUE).await), json!([["3000", "3000", "3000"]]));
    assert_calm(&server);
    server.stop();
}

/// The limit counts threads of a user, and root has none: the program runs as another user, from a place that
/// this user may read.
#[test]
fn without_threads_the_start_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    // SAFETY: it only asks.
    let root = unsafe { libc::geteuid() } == 0;
    let mut program = env!("CARGO_BIN_EXE_kronika").to_string();
    if root {
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let copy = dir.path().join("kronika");
        std::fs::copy(&program, &copy).unwrap();
        program = copy.display().to_string();
    }
    for threads in [1, 2, 3, 5, 8] {
        let data = dir.path().join(format!("data-{threads}"));
        let mut command = Command::new("prlimit");
        command.arg(format!("--nproc={threads}:{threads}"));
        if root {
            command.args(["setpriv", "--reuid=65534", "--clear-groups", "--"]);
        }
        command.arg(&program).arg("serve").arg("--data-dir").arg(&data).args(["--listen", "127.0.0.1:0"]);
        let (code, said) = ended(command.current_dir(dir.path()));
        assert!(code.is_some_and(|code| code != 0 && code != 101), "{threads} threads: {code:?} {said}");
        assert!(said.contains("thread") && !said.contains("panicked"), "{threads} threads: {said}");
    }
}
