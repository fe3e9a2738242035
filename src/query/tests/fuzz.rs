//! Parameters by chance, free ones and those of named queries: an answer, or an error that is the caller's.

use serde_json::{Value, json};

use super::fixture::{Fixture, START, event};
use crate::error::Kind;
use crate::fuzz::Target;
use crate::query::named::Library;
use crate::query::{Params, QueryError};

const STATEMENTS: &[&str] = &[
    "SELECT $1",
    "SELECT _seq FROM events WHERE duration_ns = $1",
    "SELECT _seq FROM events WHERE event_time >= $from AND module = $m",
    "SELECT _seq FROM events WHERE http_status = ANY($1) ORDER BY _seq LIMIT 5",
    "SELECT count(*) FROM events WHERE message LIKE $1 OR array_has($2, module)",
    "SELECT _seq FROM events ORDER BY _seq LIMIT $1 OFFSET $2",
    "SELECT attributes->>$1, $2 + 1 FROM events",
];

const WORDS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "null",
    "true",
    "-1",
    "0",
    "1e308",
    "18446744073709551615",
    "9223372036854775808",
    "0.1",
    "\"from\":",
    "\"m\":",
    "\"2025-03-04T00:00:00Z\"",
    "\"9999-99-99\"",
    "\"\\u0000\"",
    "\"$1\"",
    "\"%\"",
    "\"'; DROP TABLE events; --\"",
    "[1,2]",
    "[\"a\"]",
    "=",
    "&",
    "limit=",
    "from=",
    "to=",
    "module=",
];

#[test]
fn parameters_by_chance_are_answered_or_refused() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut fixture = Fixture::new();
    fixture.heat(&[event(1, START, Some("a"), json!({"duration_ns": 5, "http_status": 200, "message": "x"}))]);
    let directory = tempfile::tempdir().unwrap();
    let library = Library::new(directory.path());
    let names: Vec<String> =
        library.list().iter().map(|entry| json!(entry)["name"].as_str().unwrap().to_owned()).collect();
    assert!(names.len() > 10);
    let texts = [
        "[1]",
        "[\"a\",2]",
        "{\"from\":\"2025-03-04T00:00:00Z\",\"m\":\"a\"}",
        "[[1,2]]",
        "[null,true,1.5]",
        "from=2025-03-04T00:00:00Z&to=2025-03-05T00:00:00Z&limit=5&module=a",
        "object_type=a&object_id=1&limit=10",
    ];
    let seeds = texts.iter().enumerate().flat_map(|(at, text)| {
        (0..STATEMENTS.len()).map(move |n| [&[u8::try_from(n + at).unwrap()], text.as_bytes()].concat())
    });
    Target { name: "params", seeds: seeds.collect(), words: WORDS }.run(|input| {
        let (first, rest) = input.split_first().map_or((0, &[][..]), |(first, rest)| (usize::from(*first), rest));
        let text = String::from_utf8_lossy(rest);
        if let Ok(value) = serde_json::from_str::<Value>(&text)
            && let Ok(params) = Params::try_from(value)
        {
            let sql = STATEMENTS[first % STATEMENTS.len()];
            let answer =
                runtime.block_on(async { fixture.session().run(sql, params, fixture.limits).await?.collect().await });
            calm(sql, answer.map(|_| ()));
        }
        let given: Vec<(String, String)> = url::form_urlencoded::parse(rest).into_owned().collect();
        let name = &names[first % names.len()];
        let answer = runtime
            .block_on(async { library.run(fixture.session(), name, &given, fixture.limits).await?.collect().await });
        calm(name, answer.map(|_| ()));
    });
}

/// No error may be a fault of ours.
fn calm(what: &str, answer: Result<(), QueryError>) {
    if let Err(error) = answer {
        use crate::error::Report;
        assert!(!matches!(error.kind(), Kind::Internal | Kind::Unavailable), "{what}: {error:?}");
        assert!(!error.to_string().contains("panicked"), "{what}: {error:?}");
    }
}
