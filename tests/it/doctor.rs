//! `kronika doctor`, and what the start refuses.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::common::{Home, TestServer, kronika, python, wait};

fn doctor(arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = kronika().args(["doctor", "--json"]).args(arguments).output().unwrap();
    let findings = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), findings)
}

fn verdict<'a>(findings: &'a [Value], what: &str) -> &'a str {
    let found = findings.iter().find(|finding| finding["what"] == what);
    found.unwrap_or_else(|| panic!("no {what} in {findings:?}"))["verdict"].as_str().unwrap()
}

#[tokio::test]
async fn a_good_directory_is_found_good_also_beside_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let (code, findings) = doctor(&["--data-dir", path.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{findings:?}");
    for what in ["make a hard link", "rename a file", "sync a directory", "write and sync a file", "space", "clock"] {
        assert_ne!(verdict(&findings, what), "fail", "{what}");
    }
    assert!(!path.exists(), "it makes nothing");

    let server = TestServer::start();
    server.append("default", "", "{\"a\":1}").await.json(200);
    let data = server.home().data_dir();
    let (code, findings) = doctor(&["--data-dir", data.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{findings:?}");
    for what in ["make an object", "keep an object that exists", "read an object", "list objects", "delete an object"] {
        assert_eq!(verdict(&findings, &format!("store: {what}")), "ok");
    }
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 1);
    let left = Command::new("find").arg(&data).args(["-name", "*probe*", "-type", "f"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "", "nothing is left behind");
    server.stop();
}

#[test]
fn what_is_wrong_is_found_and_the_exit_code_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir_all(data.join("wal")).unwrap();
    std::fs::write(data.join("kronika.json"), r#"{"format": 99, "something": "new"}"#).unwrap();
    let ahead = std::time::SystemTime::now() + std::time::Duration::from_secs(7_200);
    std::fs::File::create(data.join("wal/wal-1.log")).unwrap().set_modified(ahead).unwrap();
    let (code, findings) = doctor(&["--data-dir", data.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert_eq!((verdict(&findings, "data directory"), verdict(&findings, "clock")), ("fail", "fail"));
    let advice = findings.iter().find(|finding| finding["what"] == "clock").unwrap();
    assert!(
        advice["advice"].as_str().unwrap().contains("time server")
            && advice["found"].as_str().unwrap().contains(" s newer than the clock")
    );
}

/// A server of an object store that refuses a part of what is asked.
#[tokio::test]
async fn a_store_without_a_bucket_or_without_conditional_puts_is_found() {
    let Some(python) = python() else { return };
    let s3 = super::lifecycle::S3::start(&python);
    let made = reqwest::Client::new().put(format!("{}/journal", s3.url)).send().await.unwrap();
    assert!(made.status().is_success());
    let dir = tempfile::tempdir().unwrap();
    let ask = |bucket: &str| {
        let config = dir.path().join("k.toml");
        let text = format!(
            "[server]\ndata_dir = {:?}\n[storage]\nurl = \"s3://{bucket}/prod\"\n[storage.options]\naws_endpoint = \"{}\"\n\
             aws_allow_http = \"true\"\naws_access_key_id = \"test\"\naws_secret_access_key = \"hunter2\"\naws_region = \"us-east-1\"\n",
            dir.path().join("data"),
            s3.url
        );
        std::fs::write(&config, text).unwrap();
        doctor(&["--config", config.to_str().unwrap()])
    };
    let (code, findings) = ask("journal");
    assert_eq!(code, Some(0), "{findings:?}");
    assert_eq!(verdict(&findings, "store s3://journal/prod: keep an object that exists"), "ok");
    assert_eq!(verdict(&findings, "store s3://journal/prod: delete an object"), "ok");
    let (code, findings) = ask("nowhere");
    assert_eq!(code, Some(1));
    assert_eq!(verdict(&findings, "store s3://nowhere/prod: make an object"), "fail");
    assert!(!format!("{findings:?}").contains("hunter2"));
}

/// A shell that mounts a small file system of its own and runs the rest in it; `None` where that is not allowed.
fn in_tmpfs(dir: &Path, options: &str, script: &str) -> Option<std::process::Output> {
    let text = format!("mount -t tmpfs -o {options} none {d} || exit 99\ncd {d}\n{script}", d = dir.display());
    let output = Command::new("unshare").args(["-m", "sh", "-c"]).arg(text).output().ok()?;
    (output.status.code() != Some(99) && !String::from_utf8_lossy(&output.stderr).contains("unshare failed"))
        .then_some(output)
}

#[test]
fn a_directory_that_is_full_or_cannot_be_written_refuses_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_kronika");
    let serve = format!("{program} serve --data-dir data --listen 127.0.0.1:0; echo code $?");
    let full = format!("mkdir data; head -c 2000000 /dev/zero > fill 2>/dev/null; {serve}");
    let read_only = format!("mkdir data; mount -o remount,ro {}; {serve}", dir.path().display());
    for (options, script, words) in
        [("size=1m", full, "No space left on device"), ("size=9m", read_only, "Read-only file system")]
    {
        let Some(output) = in_tmpfs(dir.path(), options, &script) else {
            println!("SKIPPED: no file system can be mounted here");
            return;
        };
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("code 69") && said.contains(words) && said.contains("hint: "), "{said}");
    }
}

#[test]
fn a_newer_directory_is_refused_before_anything_in_it_is_touched() {
    let home = Home::new("");
    let data = home.data_dir();
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("kronika.json"), r#"{"format": 2, "parts": ["unknown"]}"#).unwrap();
    let mut child = home.command(&[]).spawn().unwrap();
    assert_eq!(wait(&mut child), Some(69));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(
        said.contains("has format 2, this program knows up to 1") && said.contains("use the newer program"),
        "{said}"
    );
    let mut left: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["LOCK", "kronika.json"]);
}
