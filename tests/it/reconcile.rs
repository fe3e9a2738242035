//! `kronika reconcile`: files and servers that hold the same are equal, and those that do not are told apart.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use super::common::{TestServer, kronika};

const GOLDEN: [&str; 5] = ["expertsender", "getcourse", "idosell", "remonline", "voucherify"];

fn golden(source: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden").join(format!("{source}.ndjson"))
}

/// Runs a command of the CLI against `server`, with a project; off the test's thread.
async fn cli(server: &TestServer, project: &str, arguments: &[&str]) -> Output {
    let mut command = kronika();
    command.args(arguments).args(["--server", &server.url, "--project", project]).env("KRONIKA_KEY", &server.key);
    command.env("KRONIKA_STATE_DIR", server.home().path("state"));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[track_caller]
fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The JSON document of a comparison, and whether the command said that both sides are equal.
async fn compared(server: &TestServer, project: &str, arguments: &[&str]) -> Value {
    let output = cli(server, project, &[&["reconcile", "--json"], arguments].concat()).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    assert_eq!(output.status.code(), Some(i32::from(document["equal"] != true)), "{}", text(&output));
    document
}

async fn load_golden(server: &TestServer, project: &str) {
    server.create_project(project).await;
    for source in GOLDEN {
        let body = std::fs::read(golden(source)).unwrap();
        assert_eq!(server.append(project, "", body).await.json(200)["accepted"], 15);
    }
}

#[tokio::test]
async fn a_journal_equals_the_file_it_came_from_and_every_export_of_it() {
    let server = TestServer::start();
    load_golden(&server, "demo").await;
    for state in ["hot", "flushed"] {
        for source in GOLDEN {
            let path = golden(source);
            let document = compared(&server, "demo", &[path.to_str().unwrap()]).await;
            assert_eq!(
                (&document["equal"], &document["here"]),
                (&json!(true), &json!(15)),
                "{state} {source}: {document}"
            );
        }
        for format in ["ndjson", "csv", "parquet"] {
            let path = server.home().path(&format!("all.{format}"));
            let path = path.to_str().unwrap();
            let sql = "SELECT * FROM events ORDER BY event_time";
            let output = cli(&server, "demo", &["query", sql, "--format", format, "--output", path]).await;
            assert!(output.status.success(), "{}", text(&output));
            let document = compared(&server, "demo", &[path]).await;
            assert_eq!(
                (&document["equal"], &document["there"]),
                (&json!(true), &json!(75)),
                "{state} {format}: {document}"
            );
        }
        server.flush().await;
    }
    server.stop();
}

#[tokio::test]
async fn what_differs_is_named() {
    let server = TestServer::start();
    load_golden(&server, "demo").await;
    let mut lines: Vec<Value> = std::fs::read_to_string(golden("idosell"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let gone = lines.remove(3)["event_id"].as_str().unwrap().to_owned();
    lines[0]["message"] = json!("another text");
    let mut more = lines[1].clone();
    more["event_id"] = json!("900001");
    lines.push(more);
    lines.push(lines[2].clone());
    let body: String = lines.iter().fold(String::new(), |mut body, line| {
        writeln!(body, "{line}").unwrap();
        body
    });
    let path = server.home().path("changed.ndjson");
    std::fs::write(&path, format!("{body}[1]\n")).unwrap();
    let path = path.to_str().unwrap();
    let document = compared(&server, "demo", &[path]).await;
    let events: Vec<(&str, &str)> = document["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["why"].as_str().unwrap(), event["event_id"].as_str().unwrap()))
        .collect();
    let id = |at: usize| lines[at]["event_id"].as_str().unwrap();
    let mut wanted =
        vec![("only here", gone.as_str()), ("differs", id(0)), ("only there", "900001"), ("repeated", id(2))];
    wanted.sort_by_key(|(_, id)| id.to_owned());
    let mut found = events.clone();
    found.sort_by_key(|(_, id)| id.to_owned());
    assert_eq!(found, wanted, "{document}");
    assert_eq!(document["unreadable"], 1);
    assert_eq!(document["counts"], json!({"only here": 1, "only there": 1, "differs": 1, "repeated": 1}));
    // For people, and shorter.
    let output = cli(&server, "demo", &["reconcile", path, "--list", "1"]).await;
    let said = text(&output);
    assert!(output.status.code() == Some(1) && said.contains("more events") && said.contains("different:"), "{said}");
    // Columns that are not compared do not differ; the missing and the repeated event still do.
    let document = compared(&server, "demo", &[path, "--columns", "event_type"]).await;
    assert_eq!(document["counts"], json!({"only here": 1, "only there": 1, "differs": 0, "repeated": 1}));
    // Nor do those of other modules.
    let document = compared(&server, "demo", &[golden("idosell").to_str().unwrap(), "--module", "couriers"]).await;
    assert_eq!((&document["equal"], &document["here"]), (&json!(true), &json!(4)));
    server.stop();
}

#[tokio::test]
async fn two_servers_are_compared_whatever_their_limits() {
    let here = TestServer::start_with("[query]\nrows_max = 700\n");
    let there = TestServer::start();
    for (server, project) in [(&here, "one"), (&there, "two")] {
        server.create_project(project).await;
        let event = |n: usize| {
            json!({"event_id": n.to_string(), "event_time": format!("2025-01-{:02}T10:00:00Z", 1 + n % 9),
            "tenant_id": "t", "source": "s", "module": format!("m{}", n % 7), "message": format!("event {n}")})
        };
        let lines: Vec<String> = (0..6000).map(|n| event(n).to_string()).collect();
        for part in lines.chunks(2500) {
            server.append(project, "", part.join("\n")).await.json(200);
        }
    }
    here.flush().await;
    let key = there.key.clone();
    let with = ["--with", &there.url, "--with-project", "two", "--with-key", &key];
    let document = compared(&here, "one", &with).await;
    assert_eq!((&document["equal"], &document["here"], &document["groups"]), (&json!(true), &json!(6000), &json!(63)));
    let more = json!({"event_id": "x", "event_time": "2025-01-03T00:00:00Z", "tenant_id": "t", "source": "s"});
    there.append("two", "", more.to_string()).await.json(200);
    let document = compared(&here, "one", &with).await;
    assert_eq!(document["counts"]["only there"], 1, "{document}");
    assert_eq!(document["differing_groups"][0]["module"], Value::Null);
    let document = compared(&here, "one", &[&with[..], &["--to", "2025-01-02"]].concat()).await;
    assert_eq!((&document["equal"], &document["there"]), (&json!(true), &json!(1334)));
    here.stop();
    there.stop();
}

/// Events of five old days, some without an id, as an old log gives them.
fn old_log(events: usize) -> String {
    let mut text = String::new();
    for n in 0..events {
        let mut event = json!({"event_time": format!("2023-05-{:02}T{:02}:00:00+02:00", 1 + n % 5, n % 24), "source": "shop",
            "tenant_id": "shop-1", "module": format!("m{}", n % 4), "event_type": "order.changed", "object_type": "order",
            "object_id": (n % 500).to_string(), "object_before": {"n": n}, "object_after": {"n": n + 1}});
        if n % 3 > 0 {
            event["event_id"] = json!(format!("old-{n}"));
        }
        writeln!(text, "{event}").unwrap();
    }
    text
}

#[tokio::test]
async fn a_backfill_beside_live_traffic_is_complete() {
    let server = Arc::new(TestServer::start());
    server.create_project("shop").await;
    let path = server.home().path("old.ndjson");
    std::fs::write(&path, old_log(30_000)).unwrap();
    let path = path.to_str().unwrap();
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let live = {
        let (server, stop, sent) = (Arc::clone(&server), Arc::clone(&stop), Arc::clone(&sent));
        async move {
            while !stop.load(Ordering::Relaxed) {
                let n = sent.fetch_add(1, Ordering::Relaxed);
                let event =
                    json!({"event_id": format!("live-{n}"), "source": "shop", "tenant_id": "shop-1", "module": "m1"});
                server.append("shop", "", event.to_string()).await.json(200);
            }
        }
    };
    let backfill = async {
        let output = cli(&server, "shop", &["import", path, "--quiet", "--batch-size", "64KiB"]).await;
        assert!(output.status.success(), "{}", text(&output));
        // While live events still come in.
        let document = compared(&server, "shop", &[path]).await;
        stop.store(true, Ordering::Relaxed);
        document
    };
    let ((), document) = tokio::join!(live, backfill);
    assert_eq!((&document["equal"], &document["here"]), (&json!(true), &json!(30_000)), "{document}");
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent > 5, "only {sent} live events");
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, 30_000 + sent);
    server.flush().await;
    server.compact().await;
    assert_eq!(compared(&server, "shop", &[path]).await["equal"], true);
    // A log that lost its last lines.
    let shorter = server.home().path("shorter.ndjson");
    let whole = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    std::fs::write(&shorter, lines[..29_997].join("\n")).unwrap();
    let document = compared(&server, "shop", &[shorter.to_str().unwrap(), "--columns", "object_id"]).await;
    assert_ne!(document["equal"], true);
    assert_eq!(
        document["counts"]["only here"].as_u64().unwrap() - document["counts"]["only there"].as_u64().unwrap(),
        3
    );
    Arc::into_inner(server).unwrap().stop();
}

#[tokio::test]
async fn an_old_log_in_its_own_words_is_compared_by_its_mapping() {
    let server = TestServer::start();
    server.create_project("shop").await;
    let rows = "ID logu;dokładny czas;sklep;moduł;typ operacji;użytkownik;kurier;URL\n\
        1;05.03.2025 09:14:02;shop-1;Kurierzy;generate_labels;system;DPD;https://x.example/?token=abc\n\
        2;05.03.2025 09:15;shop-1;Płatności;rozliczenie;jkowalska;;\n";
    let path = server.home().path("log.csv");
    std::fs::write(&path, rows).unwrap();
    let path = path.to_str().unwrap();
    let output = cli(&server, "shop", &["import", path, "--mapping", "idosell"]).await;
    assert!(output.status.success(), "{}", text(&output));
    let document = compared(&server, "shop", &[path, "--mapping", "idosell"]).await;
    // The secret in the URL was blanked on both sides.
    assert_eq!((&document["equal"], &document["here"]), (&json!(true), &json!(2)), "{document}");
    let stored = server.rows("shop", "SELECT url FROM events WHERE url <> ''").await;
    assert!(stored[0][0].as_str().unwrap().contains("[redacted]"), "{stored:?}");
    // Without the mapping nobody can tell when it was.
    let output = cli(&server, "shop", &["reconcile", path]).await;
    assert!(output.status.code() == Some(2) && text(&output).contains("2 have no time"), "{}", text(&output));
    server.stop();
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused_with_a_reason() {
    let server = TestServer::start();
    let file = |name: &str, text: &str| {
        let path = server.home().path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let empty = file("empty.ndjson", "");
    let export = file("export.csv", "event_id,event_time,source\n1,2025-01-01T00:00:00Z,s\n");
    let event = file("event.ndjson", "{\"event_time\":\"2025-01-01T00:00:00Z\"}\n");
    let cases: &[(&[&str], i32, &str)] = &[
        (&[&empty], 2, "no event to compare"),
        (&[&export], 2, "no column `tenant_id`"),
        (&[&event, "--columns", "http_statu"], 2, "did you mean `http_status`"),
        (&[&event, "--columns", "observed_time"], 2, "cannot be compared"),
        (&[&event, "--from", "2025-02-01", "--to", "2025-01-01"], 2, "--from is after --to"),
        (&[&event, "--mapping", "nothing"], 1, "mapping_not_found"),
        (&["/nowhere/file.ndjson"], 1, "cannot open it"),
        (&[], 2, "<FILE>"),
        (&[&event, "--with", "http://127.0.0.1:1"], 2, "cannot be used with"),
        (&["--with", "ftp://x"], 2, "is no http"),
    ];
    for (arguments, code, reason) in cases {
        let output = cli(&server, "default", &[&["reconcile"], *arguments].concat()).await;
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(reason), "{arguments:?}: {}", text(&output));
    }
    server.stop();
}
