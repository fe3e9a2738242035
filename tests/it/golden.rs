//! The golden journals: every question, exact, wherever the rows lie.

use serde_json::Value;

use super::common::{TestServer, shared};

const SYSTEMS: [&str; 5] = ["expertsender", "getcourse", "idosell", "remonline", "voucherify"];
const EVENTS: u64 = 75;

fn journal(system: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/golden/{system}.ndjson"));
    std::fs::read_to_string(path).unwrap()
}

/// Loads every journal twice: the second time must add nothing.
pub(super) async fn load(server: &TestServer) {
    for (pass, accepted) in [("first", 15), ("second", 0)] {
        for system in SYSTEMS {
            let answer = server.append("demo", "", journal(system)).await.json(200);
            assert_eq!(answer["accepted"], accepted, "{pass} {system}: {answer}");
            assert_eq!(answer["duplicates"], 15 - accepted, "{pass} {system}: {answer}");
            assert_eq!(answer["rejected"], 0, "{pass} {system}: {answer}");
        }
    }
}

/// Loads the journals line by line turn about in two flushes, so that partitions have two files.
pub(super) async fn load_halves(server: &TestServer) {
    for half in [0, 1, 0] {
        for system in SYSTEMS {
            let lines: Vec<String> = journal(system).lines().skip(half).step_by(2).map(str::to_string).collect();
            server.append("halves", "", lines.join("\n")).await.json(200);
        }
        server.flush().await;
    }
}

/// Checks something of the golden journals where their rows are hot, stored, and compacted.
pub(super) async fn in_every_state(check: impl AsyncFn(&TestServer, &str, &str)) {
    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    check(&server, "demo", "hot").await;
    server.flush().await;
    check(&server, "demo", "flushed").await;
    server.create_project("halves").await;
    load_halves(&server).await;
    server.compact().await;
    check(&server, "halves", "compacted").await;
    server.stop();
}

/// Equal, where numbers of 64 bits come as their digits.
pub(super) fn same(got: &Value, want: &Value) -> bool {
    match (got, want) {
        (Value::String(digits), Value::Number(number)) => *digits == number.to_string(),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => got == want,
    }
}

async fn ask_all(server: &TestServer, project: &str, questions: &[Value], state: &str) {
    let mut wrong = Vec::new();
    for question in questions {
        let (sql, expected) = (question["sql"].as_str().unwrap(), &question["expected"]);
        let answer = server.query(project, sql).await;
        let right = answer.status == 200 && {
            let answer = answer.json(200);
            let columns: Vec<&Value> = answer["schema"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
            let wanted: Vec<&Value> = expected["columns"].as_array().unwrap().iter().collect();
            columns == wanted && same(&answer["rows"], &expected["rows"])
        };
        if !right {
            wrong.push(format!("{}: {sql}\n  got {}\n  want {}", question["id"], answer.text, expected["rows"]));
        }
    }
    assert!(wrong.is_empty(), "{state}: {} of {} wrong\n{}", wrong.len(), questions.len(), wrong.join("\n"));
}

/// Hot events, stored events, files.
async fn where_rows_lie(server: &TestServer, project: &str) -> (u64, u64, u64) {
    let label = format!("project=\"{project}\"");
    let figure = async |name: &str| server.metric(name, &label).await as u64;
    (figure("kronika_hot_events").await, figure("kronika_table_events").await, figure("kronika_table_files").await)
}

#[tokio::test]
async fn every_golden_question_is_answered_alike_hot_flushed_compacted_and_restarted() {
    let Some(dir) = shared("golden") else { return };
    let mut questions: Vec<Value> = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.to_string_lossy().ends_with(".questions.json")) {
        questions.extend(serde_json::from_slice::<Vec<Value>>(&std::fs::read(file).unwrap()).unwrap());
    }
    assert!(questions.len() > 40, "{}", questions.len());

    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    assert_eq!(where_rows_lie(&server, "demo").await, (EVENTS, 0, 0));
    ask_all(&server, "demo", &questions, "hot").await;

    server.flush().await;
    let (hot, stored, files) = where_rows_lie(&server, "demo").await;
    assert_eq!((hot, stored), (0, EVENTS));
    ask_all(&server, "demo", &questions, "flushed").await;

    server.create_project("halves").await;
    load_halves(&server).await;
    let (_, _, in_halves) = where_rows_lie(&server, "halves").await;
    assert!(in_halves > files, "{in_halves} files in two flushes, {files} in one");
    server.compact().await;
    assert_eq!(where_rows_lie(&server, "halves").await, (0, EVENTS, files));
    ask_all(&server, "halves", &questions, "compacted").await;

    let server = TestServer::start_in(&server.stop());
    for project in ["demo", "halves"] {
        assert_eq!(where_rows_lie(&server, project).await, (0, EVENTS, files));
        ask_all(&server, project, &questions, "restarted").await;
    }
    server.stop();
}
