//! Full speed for half an hour beside everybody else: what grows that should not?
//!
//! 16 clients send bodies without a pause (or `--rate` events a second); one analyst (or `--analysts`) scans everything
//! again and again, ten dashboards (or `--dashboards`) refresh every five seconds; compaction runs every minute, and so does
//! retention, which lets go half of what comes: stretches of events are in turn of days that are kept and of days that are not. Each minute has its line, and the first
//! third of those after the first `--warm-up` is compared with the last; where `at_seconds` jumps, the machine or somebody else held the run up, and it proves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::load::{self, Figures, Sent, Server};
use crate::{directory, fill, number, round, say};

const CONFIG: &str = "[compaction]\ninterval = \"1m\"\nkeep_replaced = \"1m\"\n[retention]\ndefault_days = 30\ninterval = \"1m\"\n\
                      share_max = 100\n[query]\ntimeout = \"30m\"\n";
const CLIENTS: usize = 16;
const TILES: [&str; 5] = ["errors_by_module", "events_per_hour", "modules_overview", "top_actors", "slowest_calls"];
const SCAN: &str = "SELECT module, count(*), max(length(raw)), count(DISTINCT actor_id) FROM events \
                    WHERE url LIKE '%a%' OR message LIKE '%e%' GROUP BY module";
/// Events of one stretch, which are of one day.
const STRETCH: u64 = 500_000;
/// Days that take turns on each side of the border of retention.
const KEPT_DAYS: i32 = 3;
const GONE_DAYS: i32 = 10;

/// What all parts of a run share.
struct Run {
    server: Server,
    began: Instant,
    stop: AtomicBool,
    sent: AtomicU64,
    /// Of the minute that runs.
    acks: Mutex<Vec<Duration>>,
    scans: Mutex<Vec<Duration>>,
    tiles: Mutex<Vec<Duration>>,
}

impl Run {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// The run.
pub(crate) async fn run() {
    let (minutes, body, rate, free_gb) =
        (number("minutes", 30), number("body", 100), number("rate", 0), number("free-gb", 10));
    let home = tempfile::Builder::new().prefix("sustained").tempdir_in(existing(directory())).expect("a directory");
    let server = Server::open(home.path(), CONFIG, load::binary());
    server.ready_after().await;
    let run = Arc::new(Run {
        server,
        began: Instant::now(),
        stop: AtomicBool::new(false),
        sent: AtomicU64::new(0),
        acks: Mutex::default(),
        scans: Mutex::default(),
        tiles: Mutex::default(),
    });
    let mut parts = JoinSet::new();
    let bodies = Arc::new(tokio::sync::Mutex::new(making(Arc::clone(&run), body)));
    for _ in 0..CLIENTS {
        parts.spawn(sending(Arc::clone(&run), Arc::clone(&bodies), body, rate));
    }
    for tile in TILES.iter().cycle().take(number("dashboards", 10) as usize) {
        parts.spawn(refreshing(Arc::clone(&run), tile));
    }
    for _ in 0..number("analysts", 1) {
        parts.spawn(scanning(Arc::clone(&run)));
    }
    let mut lines = Vec::new();
    for minute in 1..=minutes {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let line = minute_line(&run, minute, home.path()).await;
        let full = line["disk_free_gb"].as_f64() < Some(free_gb as f64);
        say(line.clone());
        lines.push(line);
        if full {
            println!("stopped: less than {free_gb} GB are free");
            break;
        }
    }
    run.stop.store(true, Ordering::Relaxed);
    while let Some(part) = parts.join_next().await {
        part.expect("no part failed");
    }
    let warm_up = lines.len().saturating_sub(1).min(number("warm-up", 0) as usize);
    verdict(&lines[warm_up..], &run);
}

fn existing(dir: std::path::PathBuf) -> std::path::PathBuf {
    std::fs::create_dir_all(&dir).expect("a directory");
    dir
}

/// Makes bodies ahead of those who send them.
fn making(run: Arc<Run>, body: u64) -> mpsc::Receiver<Bytes> {
    let (made, bodies) = mpsc::channel(4 * CLIENTS);
    let today = i32::try_from(chrono::Utc::now().timestamp() / 86_400).expect("a day of these years");
    std::thread::spawn(move || {
        for stretch in 0.. {
            let turn = stretch / 2;
            let first_day = if stretch % 2 == 0 { today - 1 - turn % KEPT_DAYS } else { today - 60 - turn % GONE_DAYS };
            let journal = fill::generator(10_000 + stretch.cast_unsigned() as u64, STRETCH, first_day, 1);
            let mut day = journal.day(0);
            loop {
                let mut bytes = Vec::new();
                if !run.goes_on() || day.fill(body as usize, &mut bytes) == 0 {
                    break;
                }
                if made.blocking_send(bytes.into()).is_err() {
                    return;
                }
            }
        }
    });
    bodies
}

async fn sending(run: Arc<Run>, bodies: Arc<tokio::sync::Mutex<mpsc::Receiver<Bytes>>>, body: u64, rate: u64) {
    let http = reqwest::Client::builder().http1_only().build().expect("a client");
    let url = format!("{}/api/v1/events?mapping=kronika-bench", run.server.url);
    let pause = if rate == 0 { 0.0 } else { CLIENTS as f64 * body as f64 / rate as f64 };
    let mut tick = tokio::time::interval(Duration::from_secs_f64(pause.max(1e-6)));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while run.goes_on() {
        if rate > 0 {
            tick.tick().await;
        }
        let next = bodies.lock().await.recv().await;
        let Some(next) = next else { return };
        let taken = load::send_one(&http, &url, &run.server.key, &next).await;
        run.acks.lock().push(taken);
        run.sent.fetch_add(body, Ordering::Relaxed);
    }
}

async fn refreshing(run: Arc<Run>, tile: &str) {
    let http = reqwest::Client::new();
    // All days that are kept, whatever time of the day it is.
    let url = format!("{}/api/v1/queries/{tile}?from=now-7d", run.server.url);
    while run.goes_on() {
        let asked = Instant::now();
        answered(http.get(&url).bearer_auth(&run.server.key)).await;
        run.tiles.lock().push(asked.elapsed());
        tokio::time::sleep(Duration::from_secs(5).saturating_sub(asked.elapsed())).await;
    }
}

async fn scanning(run: Arc<Run>) {
    let http = reqwest::Client::new();
    while run.goes_on() {
        let asked = Instant::now();
        let request = http.post(format!("{}/api/v1/query", run.server.url)).bearer_auth(&run.server.key);
        answered(request.json(&json!({"sql": SCAN}))).await;
        run.scans.lock().push(asked.elapsed());
    }
}

async fn answered(request: reqwest::RequestBuilder) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let body = answer.bytes().await.expect("a whole answer");
    assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
}

/// What a minute was.
async fn minute_line(run: &Run, minute: u64, dir: &std::path::Path) -> Value {
    let figures = run.server.figures().await;
    let spread = |taken: &Mutex<Vec<Duration>>| {
        let taken = std::mem::take(&mut *taken.lock());
        if taken.is_empty() {
            return json!({"answers": 0});
        }
        let taken = Sent::new(60.0, taken);
        json!({"answers": taken.count(), "p50_ms": round(taken.percentile_ms(0.5)), "p99_ms": round(taken.percentile_ms(0.99))})
    };
    json!({
        "minute": minute, "at_seconds": run.began.elapsed().as_secs(), "events": run.sent.load(Ordering::Relaxed), "ack": spread(&run.acks), "analyst": spread(&run.scans),
        "dashboards": spread(&run.tiles), "rss_mb": run.server.rss_bytes() >> 20, "peak_rss_mb": run.server.peak_rss_bytes() >> 20,
        "cpu_seconds": run.server.cpu_seconds().round(), "live_files": table(&figures, "files"), "table_events": table(&figures, "events"),
        "table_mb": (table(&figures, "bytes") / 1e6).round(), "versions": table(&figures, "version"),
        "wal_mb": (figures.of("kronika_wal_bytes") / 1e6).round(), "wal_used_mb": (figures.of("kronika_wal_used_bytes") / 1e6).round(),
        "hot_events": figures.of("kronika_hot_events{project=\"default\"}"), "on_disk_mb": run.server.stored_bytes() / 1_000_000,
        "retained_away": figures.of("kronika_retained_away_events_total{project=\"default\"}"), "disk_free_gb": round(free_gb(dir)),
    })
}

fn table(figures: &Figures, name: &str) -> f64 {
    figures.of(&format!("kronika_table_{name}{{project=\"default\"}}"))
}

fn free_gb(dir: &std::path::Path) -> f64 {
    let path = std::ffi::CString::new(dir.as_os_str().as_encoded_bytes()).expect("a path without NUL");
    // SAFETY: zeros are a value of this struct of numbers, and it outlives the call that fills it.
    let (asked, stat) = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &raw mut stat), stat)
    };
    assert_eq!(asked, 0, "the disk says how much is free");
    (stat.f_bavail * stat.f_frsize) as f64 / 1e9
}

/// The first third of the minutes against the last.
fn verdict(lines: &[Value], run: &Run) {
    let third = (lines.len() / 3).max(1);
    let mean = |lines: &[Value], of: fn(&Value) -> &Value| {
        lines.iter().filter_map(|line| of(line).as_f64()).sum::<f64>() / lines.len() as f64
    };
    let both = |of: fn(&Value) -> &Value| {
        let (first, last) = (mean(&lines[..third], of), mean(&lines[lines.len() - third..], of));
        json!({"first": round(first), "last": round(last), "percent": round((last / first - 1.0) * 100.0)})
    };
    let events = run.sent.load(Ordering::Relaxed);
    say(json!({
        "minutes": lines.len(), "events": events, "per_second": events / run.began.elapsed().as_secs().max(1), "compared_minutes": third,
        "rss_mb": both(|line| &line["rss_mb"]), "ack_p50_ms": both(|line| &line["ack"]["p50_ms"]), "ack_p99_ms": both(|line| &line["ack"]["p99_ms"]),
        "live_files": both(|line| &line["live_files"]), "wal_mb": both(|line| &line["wal_mb"]), "dashboards_p50_ms": both(|line| &line["dashboards"]["p50_ms"]),
    }));
}
