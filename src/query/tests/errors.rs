//! Errors in the caller's terms: code, place, near names, nothing of the machine.

use serde_json::json;

use super::fixture::{Fixture, START, event};
use crate::error::{Kind, Report};
use crate::query::{Params, QueryError};

#[tokio::test]
async fn errors_have_a_code_a_place_and_near_names() {
    let mut fixture = Fixture::new();
    fixture.heat(&[event(1, START, Some("m"), json!({"message": "no number"}))]);
    type Case<'a> = (&'a str, &'a str, Option<(u64, u64)>, Option<&'a str>);
    let cases: &[Case<'_>] = &[
        ("SELEC 1", "sql_syntax", Some((1, 1)), None),
        ("SELECT 1 +\n  * 2", "sql_syntax", Some((2, 3)), None),
        ("SELECT 'abc", "sql_syntax", Some((1, 8)), None),
        ("", "not_a_query", None, None),
        ("-- nothing", "not_a_query", None, None),
        ("SELECT 1; SELECT 2", "not_a_query", None, None),
        ("DROP TABLE events", "not_a_query", None, None),
        ("INSERT INTO events VALUES (1)", "not_a_query", None, None),
        ("WITH x AS (SELECT 1) DELETE FROM events", "not_a_query", None, None),
        ("SET datafusion.execution.batch_size = 1", "not_a_query", None, None),
        ("SHOW ALL", "not_a_query", None, None),
        ("COPY events TO 'x.csv'", "not_a_query", None, None),
        ("EXPLAIN COPY events TO 'x.csv'", "not_a_query", None, None),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "not_a_query", None, None),
        ("SELECT * FROM event", "unknown_table", Some((1, 15)), Some("events")),
        ("SELECT * FROM '/etc/passwd'", "unknown_table", None, None),
        ("SELECT * FROM information_schema.tables", "unknown_table", Some((1, 15)), None),
        ("SELECT * FROM other.public.events", "unknown_table", Some((1, 15)), Some("events")),
        ("SELECT event_id,\n  modul FROM events", "unknown_column", Some((2, 3)), Some("module")),
        ("SELECT e.event_tim FROM events e", "unknown_column", Some((1, 8)), Some("event_time")),
        ("SELECT cuont(*) FROM events", "unknown_function", Some((1, 8)), Some("count")),
        ("SELECT version()", "unknown_function", Some((1, 8)), None),
        ("SELECT message + 1 FROM events WHERE message > DATE '2025-01-01' AND 1", "invalid_query", None, None),
        ("SELECT module, count(*) FROM events", "invalid_query", Some((1, 8)), None),
        ("SELECT 1 / 0", "evaluation_failed", None, None),
        ("SELECT CAST(message AS BIGINT) FROM events", "evaluation_failed", None, None),
        ("SELECT event_time > 'noon' FROM events", "evaluation_failed", None, None),
        ("SELECT message ~ '((a{1,500}){1,500}){1,500}' FROM events", "query_too_complex", None, None),
        ("SELECT message ~ message FROM events", "unsupported_sql", None, None),
        ("SELECT repeat('a', 2000000000)", "value_too_large", None, None),
        ("SELECT $1", "invalid_parameter", None, None),
    ];
    for (sql, code, place, near) in cases {
        let error = match fixture.run(sql).await {
            Ok(answer) => answer.collect().await.expect_err(sql),
            Err(error) => error,
        };
        assert_eq!(error.code(), *code, "{sql}: {error} {error:?}");
        assert_eq!(error.kind(), Kind::Invalid, "{sql}");
        if let Some((line, column)) = place {
            let position = error.position().unwrap_or_else(|| panic!("{sql}: no place in {error:?}"));
            assert_eq!((position.line, position.column), (*line, *column), "{sql}: {error}");
        }
        assert_eq!(error.suggestion(), *near, "{sql}: {error}");
        let text = format!("{error} {:?}", error.hint());
        for theirs in ["bug", "DataFusion", "datafusion", "Utf8", "kronika.public", "github", "src/", "backtrace"] {
            assert!(!text.contains(theirs), "{sql}: {text}");
        }
    }
}

#[tokio::test]
async fn parameters_are_typed_and_all_needed() {
    let mut fixture = Fixture::new();
    fixture.heat(&[
        event(1, START, Some("a"), json!({"duration_ns": 9_007_199_254_740_993_i64, "http_status": 200})),
        event(2, START + 3_600_000_000, Some("b"), json!({"duration_ns": 5, "http_status": 500})),
    ]);
    let ask = async |sql: &str, params: serde_json::Value| {
        let answer = fixture.session().run(sql, Params::try_from(params)?, fixture.limits).await?;
        let (batches, _) = answer.collect().await?;
        Ok::<_, QueryError>(batches.iter().flat_map(super::fixture::json_rows).collect::<Vec<_>>())
    };
    let good = [
        ("SELECT _seq FROM events WHERE duration_ns = $1", json!([9_007_199_254_740_993_i64]), json!([["1"]])),
        (
            "SELECT _seq FROM events WHERE event_time > $from",
            json!({"from": "2025-03-04T01:30:00+01:00"}),
            json!([["2"]]),
        ),
        ("SELECT _seq FROM events WHERE module = $m AND $all", json!({"m": "b", "all": true}), json!([["2"]])),
        ("SELECT _seq FROM events WHERE http_status = ANY($1) ORDER BY 1", json!([[500, 404]]), json!([["2"]])),
        ("SELECT _seq FROM events WHERE array_has($1, module)", json!([["a", "z"]]), json!([["1"]])),
        ("SELECT _seq FROM events ORDER BY _seq LIMIT $1", json!([1]), json!([["1"]])),
        ("SELECT $1 IS NULL, $2, $3", json!([null, 1.5, "x"]), json!([[true, 1.5, "x"]])),
        ("SELECT $1", json!([18_446_744_073_709_551_615_u64]), json!([["18446744073709551615"]])),
    ];
    for (sql, params, rows) in good {
        let answer = ask(sql, params).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        assert_eq!(json!(answer), rows, "{sql}");
    }
    let bad = [
        ("SELECT $1, $2", json!([1]), "2"),
        ("SELECT $1", json!([1, 2]), "2"),
        ("SELECT $from", json!({"form": 1}), "from"),
        ("SELECT 1", json!({"x": 1}), "x"),
        ("SELECT $1", json!([{"a": 1}]), "1"),
        ("SELECT $1", json!([[1, "a"]]), "1"),
        ("SELECT 1", json!("text"), "params"),
    ];
    for (sql, params, name) in bad {
        let error = ask(sql, params).await.expect_err(sql);
        assert_eq!(error.code(), "invalid_parameter", "{sql}: {error}");
        assert!(error.to_string().contains(&format!("`{name}`")), "{sql}: {error}");
    }
}

#[tokio::test]
async fn an_unreadable_file_is_the_storages_fault_and_names_no_place() {
    let mut fixture = Fixture::new();
    fixture.store(&[event(1, START, Some("m"), json!({"message": "x"}))]).await;
    let location = fixture.files[0].location.clone();
    object_store::ObjectStoreExt::delete(fixture.store.as_ref(), &location).await.unwrap();
    let shared = "SELECT module, count(DISTINCT message) FROM events GROUP BY module ORDER BY module";
    let joined = "SELECT a.message FROM events a JOIN events b ON a.message = b.message";
    for sql in ["SELECT message FROM events", "SELECT message FROM events ORDER BY event_time DESC", shared, joined] {
        let error = match fixture.run(sql).await {
            Ok(answer) => answer.collect().await.expect_err(sql),
            Err(error) => error,
        };
        assert_eq!((error.code(), error.kind()), ("storage_unavailable", Kind::Unavailable), "{error:?}");
        assert!(!error.to_string().contains("parquet"), "{error}");
    }
}
