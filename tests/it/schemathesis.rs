//! The OpenAPI document against the server: what schemathesis (PyPI) makes of it is sent, with an admin key, with a
//! key of one project, and without any; no answer is a fault of the server or an undocumented one.

use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::json;

use super::common::{TestServer, python, send};

/// What must hold of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// Requests of each kind for each operation.
const EXAMPLES: &str = "25";

/// Runs schemathesis with what `settings` says about who calls; how many requests were sent.
fn run(server: &TestServer, python: &Path, name: &str, settings: &str) -> u64 {
    let config = server.home().path(&format!("{name}.toml"));
    std::fs::write(&config, settings).unwrap();
    let hooks = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemathesis/hooks.py");
    let mut command = Command::new(python.with_file_name("st"));
    command.arg("--config-file").arg(&config);
    command.arg("run").arg(format!("{}/api/openapi.json", server.url));
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES]);
    command.args(["--seed", "1", "--continue-on-failure", "--no-color"]);
    // It finds our key and our project in the lists, and without them all other answers would be refusals.
    // The tail does not end.
    for operation in ["delete_project", "revoke_key", "rotate_key", "tail"] {
        command.args(["--exclude-operation-id", operation]);
    }
    let out = command.env("SCHEMATHESIS_HOOKS", hooks).current_dir(server.home().path(".")).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{name}:\n{text}\n{}", String::from_utf8_lossy(&out.stderr));
    let sent = text.lines().find_map(|line| line.trim().split_once(" generated")?.0.parse().ok());
    sent.unwrap_or_else(|| panic!("no count in:\n{text}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_a_fault_or_undocumented() {
    let Some(python) = python() else { return };
    let server = TestServer::start();
    let new = json!({"name": "k", "scopes": ["query", "ingest"], "project": "default"});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201)["secret"].clone();
    let with = |key: &str| format!("[auth.openapi.key]\nbearer = \"{key}\"\n");
    let counts = [("admin", with(&server.key)), ("project", with(key.as_str().unwrap())), ("nobody", String::new())]
        .map(|(name, settings)| (name, run(&server, &python, name, &settings)));
    println!("requests of schemathesis, all answered as documented: {counts:?}");
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("panicked")), "{log:#?}");
    // It may have given keys and projects quotas, so only routes without a key tell.
    let ready = send(server.client.get(format!("{}/readyz", server.url))).await;
    assert_eq!(ready.status, 200, "{}", ready.text);
    server.stop();
}
