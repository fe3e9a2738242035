//! `kronika config`, `--check-config` and exit codes, with the real program.

use std::path::Path;
use std::process::Output;

use super::common::{TestServer, kronika};

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(dir: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = kronika();
    command.current_dir(dir).args(arguments).envs(variables.iter().copied());
    let output = command.output().unwrap();
    (output.status.code(), said(&output))
}

#[test]
fn the_printed_defaults_are_a_settings_file_that_a_server_starts_with() {
    let dir = tempfile::tempdir().unwrap();
    let (code, text) = run(dir.path(), &["config", "default"], &[]);
    assert_eq!(code, Some(0));
    assert_eq!(text, include_str!("../../kronika.toml"));
    std::fs::write(dir.path().join("all.toml"), &text).unwrap();
    assert_eq!(run(dir.path(), &["config", "check", "all.toml"], &[]), (Some(0), "the settings are fine\n".into()));
    let server = TestServer::start_with(&text);
    server.stop();
}

#[test]
fn shown_settings_say_where_each_comes_from_and_hide_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let text =
        "[flush]\ninterval = \"7s\"\n[storage.options]\naws_secret_access_key = \"hunter2\"\naws_region = \"eu\"\n";
    std::fs::write(dir.path().join("k.toml"), text).unwrap();
    let variables = [("KRONIKA__INGEST__LINE_MAX", "3MiB"), ("KRONIKA_CONFIG", "k.toml")];
    let (code, shown) = run(dir.path(), &["config", "show", "--origin", "--listen", "127.0.0.1:9"], &variables);
    assert_eq!(code, Some(0), "{shown}");
    let row = |key: &str| {
        let line =
            shown.lines().find(|line| line.contains(&format!(" {key} "))).unwrap_or_else(|| panic!("{key}:\n{shown}"));
        let cells: Vec<&str> = line.split(['│', '┆']).map(str::trim).filter(|cell| !cell.is_empty()).collect();
        (cells[1].to_owned(), cells[2].to_owned())
    };
    assert_eq!(row("flush.interval"), ("7s".into(), "k.toml:2".into()));
    assert_eq!(row("ingest.line_max"), ("3MiB".into(), "environment KRONIKA__INGEST__LINE_MAX".into()));
    assert_eq!(row("server.listen"), ("127.0.0.1:9".into(), "flag --listen".into()));
    assert_eq!(row("wal.size_max"), ("4GiB".into(), "default".into()));
    assert_eq!(row("storage.options.aws_secret_access_key"), ("***".into(), "k.toml:4".into()));
    assert_eq!(row("storage.options.aws_region").0, "eu");
    assert!(!shown.contains("hunter2"));
    let (code, json) = run(dir.path(), &["config", "show", "--json"], &variables);
    let entries: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert!(code == Some(0) && entries.len() > 50 && !json.contains("hunter2"));
}

#[test]
fn a_grace_that_is_shorter_than_a_query_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("k.toml"), "[compaction]\nkeep_replaced = \"1h\"\n").unwrap();
    let (code, said) = run(dir.path(), &["config", "check", "k.toml"], &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("note: compaction.keep_replaced 1h is shorter than the longest query"), "{said}");
    let server = TestServer::start_with("[compaction]\nkeep_replaced = \"1h\"\n");
    assert!(
        server.log().iter().any(|line| line.contains("compaction.keep_replaced 1h is shorter")),
        "{:?}",
        server.log()
    );
    server.stop();
}

#[test]
fn settings_that_cannot_be_used_end_with_78_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("k.toml");
    let cases = [
        (
            "[flush]\nintervall = \"7s\"\n",
            "k.toml:2: there is no setting `flush.intervall`; did you mean `flush.interval`?",
        ),
        ("[flush]\ninterval = 7\n", "k.toml:2: `flush.interval`: 7 of what?"),
        ("[flush]\ninterval = \"1s\"\ninterval = \"2s\"\n", "k.toml:3: duplicate key"),
        ("[ingest]\nhot_max = \"1024TiB\"\n", "it must be 1MiB to 1TiB (ingest.hot_max: k.toml:2)"),
        ("[ingest]\nline_max = \"65MiB\"\n", "(ingest.line_max: k.toml:2; ingest.body_max: default)"),
        ("[log]\nfilter = \"kronika=loud\"\n", "log.filter `kronika=loud`"),
        ("[server]\ntls_cert = \"no.crt\"\ntls_key = \"no.key\"\n", "cannot read the certificate in `no.crt`"),
    ];
    for (text, want) in cases {
        std::fs::write(&file, text).unwrap();
        let ways: [&[&str]; 3] = [
            &["config", "check", "k.toml"],
            &["serve", "--check-config", "--config", "k.toml", "--data-dir", "data"],
            &["serve", "--config", "k.toml", "--data-dir", "data"],
        ];
        for way in ways {
            let (code, said) = run(dir.path(), way, &[]);
            assert_eq!(code, Some(78), "{way:?} {text}: {said}");
            assert!(said.contains(want), "{way:?}: no `{want}` in {said}");
        }
    }
    assert!(!dir.path().join("data").exists());
    assert_eq!(run(dir.path(), &["config", "check", "missing.toml"], &[]).0, Some(78));
}

/// 78 stands above, 130 in the tests of imports.
#[test]
fn exit_codes_are_those_of_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let code = |arguments: &[&str]| run(dir.path(), arguments, &[("KRONIKA_KEY", "krn_x")]).0;
    assert_eq!(code(&["serve", "--no-such-flag"]), Some(2));
    assert_eq!(code(&["query", "SELECT 1", "--server", "http://127.0.0.1:1"]), Some(69));
    assert_eq!(code(&["wal", "inspect", "nowhere"]), Some(69));
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert_eq!(code(&["serve", "--data-dir", "file", "--listen", "127.0.0.1:0"]), Some(69), "no directory");
    assert_eq!(code(&["import", "missing.csv"]), Some(1));
    let page = include_str!("../../docs/operations.md");
    for known in ["| 0 |", "| 1 |", "| 2 |", "| 69 |", "| 78 |", "| 130 |"] {
        assert!(page.contains(known), "{known}");
    }
}

#[test]
fn shells_and_man_know_every_command() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (code, text) = run(dir.path(), &["completions", shell], &[]);
        assert!(code == Some(0) && text.contains("doctor") && text.contains("check-config"), "{shell}");
        std::fs::write(dir.path().join(shell), text).unwrap();
    }
    let checked = std::process::Command::new("bash").arg("-n").arg(dir.path().join("bash")).output().unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
    assert_eq!(run(dir.path(), &["man", "man1"], &[]).0, Some(0));
    for page in ["kronika.1", "kronika-serve.1", "kronika-keys-create.1", "kronika-doctor.1"] {
        let text = std::fs::read_to_string(dir.path().join("man1").join(page)).unwrap();
        assert!(text.contains(".TH") && text.contains(".SH"), "{page}");
    }
}
