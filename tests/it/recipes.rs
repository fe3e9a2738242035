//! The recipes of `recipes/`: each is run as it stands, against a real server, and once against one that
//! refuses at first.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kronika::journal::catalog::{self, Known};
use reqwest::Method;
use serde_json::{Value, json};

use super::common::{TestServer, send};

const SOURCES: [&str; 5] = ["idosell", "expertsender", "remonline", "getcourse", "voucherify"];

/// Rows that each recipe sends, by its ending.
const ROWS: [(&str, &str, u64); 2] = [("sh", "sh", 2), ("py", "python3", 3)];

fn recipe(source: &str, ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes").join(format!("{source}.{ending}"))
}

/// Runs a recipe on a thread of its own; the server of a test may live on this one.
async fn run(program: &str, recipe: PathBuf, url: &str, key: &str) -> Output {
    let mut command = Command::new(program);
    command.arg(recipe).env("KRONIKA_URL", url).env("KRONIKA_KEY", key).env("no_proxy", "*");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[track_caller]
fn receipt(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[tokio::test]
async fn every_recipe_stores_its_events_once_however_often_it_is_run() {
    let server = TestServer::start();
    for source in SOURCES {
        server.create_project(source).await;
        let new = json!({"name": source, "scopes": ["ingest"], "project": source});
        let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
        let key = made["secret"].as_str().unwrap();
        for (ending, program, rows) in ROWS {
            let first = receipt(&run(program, recipe(source, ending), &server.url, key).await);
            assert_eq!((first["accepted"].as_u64(), &first["rejected"]), (Some(rows), &json!(0)), "{source}: {first}");
            let again = receipt(&run(program, recipe(source, ending), &server.url, key).await);
            assert_eq!(again, first, "{source}.{ending}: another answer to the same batch");
        }
        assert_eq!(server.count(source, "SELECT count(*) FROM events").await, 5, "{source}");
        // What arrived is what the product's catalogue knows.
        let sql = "SELECT source, module, event_type, year(event_time) FROM events";
        let sql = sql.replace("year(event_time)", "date_part('year', event_time)");
        for row in server.rows(source, &sql).await {
            let text = |at: usize| row[at].as_str().unwrap_or_default().to_owned();
            assert_eq!((text(0).as_str(), &row[3]), (source, &json!(2025)), "{row:?}");
            assert_eq!(catalog::known(source, Some(&text(1)), &text(2)), Known::EventType, "{row:?}");
        }
    }
    server.stop();
}

#[tokio::test]
async fn a_wrong_key_ends_a_recipe_with_the_reason() {
    let server = TestServer::start();
    for (ending, program, _) in ROWS {
        let output = run(program, recipe("idosell", ending), &server.url, "krn_i_wrong").await;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && said.contains("unauthenticated"), "{ending}: {said}");
    }
    server.stop();
}

/// Answers 503 to the first request and 200 to the second; gives their idempotency keys and bodies.
fn refuse_once(listener: &TcpListener) -> Vec<(String, Vec<u8>)> {
    let answers = ["HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n", "HTTP/1.1 200 OK\r\n"];
    let mut seen = Vec::new();
    for answer in answers {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut key, mut size) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(": ") else {
                if line.trim().is_empty() {
                    break;
                }
                continue;
            };
            match name.to_lowercase().as_str() {
                "idempotency-key" => key = value.to_owned(),
                "content-length" => size = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; size];
        reader.read_exact(&mut body).unwrap();
        seen.push((key, body));
        write!(stream, "{answer}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}").unwrap();
    }
    seen
}

#[tokio::test]
async fn a_recipe_that_is_refused_for_now_sends_the_same_again() {
    for (ending, program, rows) in ROWS {
        for source in SOURCES {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let server = tokio::task::spawn_blocking(move || refuse_once(&listener));
            let output = run(program, recipe(source, ending), &url, "krn_i_any").await;
            assert_eq!(receipt(&output), json!({}), "{source}.{ending}");
            let seen = server.await.unwrap();
            assert_eq!(seen[0], seen[1], "{source}.{ending}: not the same");
            assert!(
                seen[0].0.len() == 64 && seen[0].1.iter().filter(|byte| **byte == b'\n').count() as u64 >= rows - 1
            );
        }
    }
}

#[test]
fn recipes_are_short_and_need_nothing_but_what_systems_have() {
    for source in SOURCES {
        for (ending, ..) in ROWS {
            let text = std::fs::read_to_string(recipe(source, ending)).unwrap();
            assert!(text.lines().count() <= 30, "{source}.{ending}: {}", text.lines().count());
            let imports = text.lines().filter(|line| line.starts_with("import ") || line.starts_with("from "));
            let wanted = "import hashlib, json, os, time, urllib.error, urllib.request";
            assert!(imports.into_iter().all(|line| line == wanted), "{source}.{ending}");
        }
    }
}
