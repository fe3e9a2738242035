//! What a restricted reader sees, and what it cannot find out.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::fixture::{DAY, Fixture, START, event, json_rows};
use crate::error::{Kind, Report};
use crate::event::globs::{ModuleGlob, ModuleGlobs};
use crate::query::{ObjectRules, Outcome, Params, QueryError, Reader, Restriction, RowRules};

/// Tenants `a` and `b` in modules `orders` and `payments`, stored and hot; even rows are a's.
async fn mixed() -> Fixture {
    let mut fixture = Fixture::new();
    let row = |n: i64| {
        let (tenant, module) = (["a", "b"][(n % 2) as usize], ["orders", "payments"][((n / 2) % 2) as usize]);
        let more = json!({"tenant_id": tenant, "message": format!("of {tenant}"), "sequence": n % 2, "actor_id": format!("u{n}"),
            "raw": "whole", "attributes": "{\"a\":1}"});
        event(n, START + n * 1_000_000, Some(module), more)
    };
    let rows: Vec<Value> = (0..1_000).map(row).collect();
    fixture.store(&rows[..800]).await;
    fixture.heat(&rows[800..]);
    fixture
}

fn reader(modules: &[&str], tenants: &[&str], masked: &[&str]) -> Reader {
    let text = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let globs: Vec<ModuleGlob> = modules.iter().map(|glob| ModuleGlob::try_from(*glob).unwrap()).collect();
    let modules = (!globs.is_empty()).then(|| ModuleGlobs::new(&globs).unwrap());
    let tenants = (!tenants.is_empty()).then(|| text(tenants));
    of_rules(RowRules { modules, tenant_ids: tenants, ..RowRules::default() }, &text(masked))
}

fn of_rules(rows: RowRules, masked: &[String]) -> Reader {
    Reader { restriction: Some(Arc::new(Restriction::new(rows, masked))), ..Reader::default() }
}

async fn ask(fixture: &Fixture, reader: &Reader, sql: &str) -> Result<(Vec<Value>, Outcome), QueryError> {
    let answer = fixture.session().read_by(reader.clone()).run(sql, Params::None, fixture.limits).await?;
    let (batches, outcome) = answer.collect().await?;
    Ok((batches.iter().flat_map(json_rows).collect(), outcome))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_rows_of_the_restriction_exist() {
    let fixture = mixed().await;
    let both = reader(&["order*"], &["a"], &[]);
    let tenant = reader(&[], &["a"], &[]);
    let cases: &[(&Reader, &str, Value)] = &[
        (&both, "SELECT count(*) FROM events", json!([["250"]])),
        (&tenant, "SELECT count(*) FROM events", json!([["500"]])),
        (&tenant, "SELECT count(*) FROM events WHERE tenant_id = 'b'", json!([["0"]])),
        (&tenant, "SELECT count(*) FROM events WHERE tenant_id <> 'a'", json!([["0"]])),
        (&tenant, "SELECT count(*) FROM events WHERE NOT (tenant_id = 'a') OR tenant_id = 'b'", json!([["0"]])),
        (&tenant, "SELECT count(*) FROM events WHERE event_id = 'id-1'", json!([["0"]])),
        (&tenant, "SELECT count(*) FROM events WHERE event_id IN ('id-1', 'id-2')", json!([["1"]])),
        (
            &tenant,
            "SELECT min(event_id), max(sequence), min(_seq), max(_seq) FROM events",
            json!([["id-0", "0", "0", "998"]]),
        ),
        (&both, "SELECT DISTINCT module FROM events", json!([["orders"]])),
        (&both, "SELECT min(module), max(module) FROM events", json!([["orders", "orders"]])),
        (
            &tenant,
            "SELECT tenant_id, module, count(*) FROM events GROUP BY 1, 2 ORDER BY 2",
            json!([["a", "orders", "250"], ["a", "payments", "250"]]),
        ),
        (
            &tenant,
            "SELECT event_id FROM events ORDER BY event_time DESC, _seq DESC LIMIT 2",
            json!([["id-998"], ["id-996"]]),
        ),
        (&both, "SELECT event_id FROM events ORDER BY event_time DESC LIMIT 2", json!([["id-996"], ["id-992"]])),
        (
            &tenant,
            "SELECT event_id FROM events WHERE actor_id = 'u998' ORDER BY event_time DESC LIMIT 2",
            json!([["id-998"]]),
        ),
        (
            &tenant,
            "SELECT event_id FROM events WHERE actor_id LIKE 'u99%' ORDER BY event_time DESC LIMIT 1",
            json!([["id-998"]]),
        ),
        (&tenant, "SELECT count(*) FROM events WHERE 1 / (1 - sequence) = 1", json!([["500"]])),
        (
            &tenant,
            "SELECT count(*) FROM (SELECT * FROM events WHERE event_time >= '2025-03-04') e JOIN events f USING (event_id)",
            json!([["500"]]),
        ),
        (&tenant, "SELECT count(*) FROM events WHERE true", json!([["500"]])),
        (
            &tenant,
            "SELECT row_number() OVER (ORDER BY _seq DESC), event_id FROM events ORDER BY 1 LIMIT 1",
            json!([["1", "id-998"]]),
        ),
    ];
    for (reader, sql, want) in cases {
        let (rows, outcome) = ask(&fixture, reader, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        assert_eq!(json!(rows), *want, "{sql}");
        let stats = serde_json::to_value(outcome.stats).unwrap();
        assert_eq!(stats.as_object().unwrap().keys().collect::<Vec<_>>(), ["rows", "elapsed_ms"], "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datasets_locations_and_objects_bound_what_exists() {
    let mut fixture = Fixture::new();
    let (units, datasets) = ([json!("w1"), json!("w2"), Value::Null], ["log", "calls"]);
    let row = |n: i64| {
        let at = usize::try_from(n).unwrap();
        let (kind, id) = ([json!("order"), json!("user"), Value::Null][at % 3].clone(), at % 5);
        let refs = match kind.as_str() {
            Some("user") => json!([format!("user:{id}"), format!("order:{id}")]),
            Some(kind) => json!([format!("{kind}:{id}")]),
            None => Value::Null,
        };
        let visibility = [Value::Null, json!("object"), json!("general"), Value::Null][at % 4].clone();
        let more = json!({"dataset": datasets[at % 2], "unit_id": units[at / 4 % 3], "object_type": kind,
            "object_refs": refs, "visibility": visibility});
        event(n, START + n * 1_000_000, Some("m"), more)
    };
    let rows: Vec<Value> = (0..120).map(row).collect();
    fixture.store(&rows[..80]).await;
    fixture.heat(&rows[80..]);
    let text = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
    let objects =
        |types: &[&str], refs: &[&str]| Some(ObjectRules { types: text(types).unwrap(), refs: text(refs).unwrap() });
    let all = RowRules::default;
    let cases = [
        (RowRules { datasets: text(&["calls"]), ..all() }, "dataset = 'calls'"),
        (RowRules { unit_ids: text(&["w1", "w9"]), ..all() }, "unit_id = 'w1'"),
        (RowRules { general_only: true, ..all() }, "visibility IS NULL OR visibility <> 'object'"),
        (RowRules { objects: objects(&["order"], &[]), ..all() }, "object_type = 'order'"),
        (RowRules { objects: objects(&[], &["order:1", "user:9"]), ..all() }, "array_has(object_refs, 'order:1')"),
        (
            RowRules { objects: objects(&["order"], &["user:2"]), ..all() },
            "object_type = 'order' OR array_has(object_refs, 'user:2')",
        ),
        (
            RowRules { objects: objects(&[], &["order:1"]), general_only: true, unit_ids: text(&["w2"]), ..all() },
            "array_has(object_refs, 'order:1') AND (visibility IS DISTINCT FROM 'object') AND unit_id = 'w2'",
        ),
    ];
    for (rules, same) in cases {
        let reader = of_rules(rules, &[]);
        // Columns of the rule may be hidden, and the rule holds all the same.
        let blind = of_rules(
            reader.restriction.as_ref().unwrap().rows().clone(),
            &["object_type", "unit_id", "dataset", "visibility"].map(str::to_owned),
        );
        let wanted = format!("SELECT event_id FROM events WHERE {same} ORDER BY _seq");
        let (wanted, _) = ask(&fixture, &Reader::default(), &wanted).await.unwrap();
        assert!(!wanted.is_empty() && wanted.len() < 120, "{same}");
        for reader in [&reader, &blind] {
            for sql in [
                "SELECT event_id FROM events ORDER BY _seq",
                "SELECT event_id FROM (SELECT * FROM events ORDER BY event_time DESC, _seq DESC LIMIT 200) ORDER BY 1 = 1, substr(event_id, 4)::int",
                "SELECT event_id FROM events WHERE event_id LIKE 'id-%' OR message IS NULL ORDER BY _seq",
            ] {
                let (rows, outcome) =
                    ask(&fixture, reader, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
                assert_eq!(json!(rows), json!(wanted), "{same}: {sql}");
                assert_eq!(outcome.stats.rows, wanted.len() as u64);
            }
            let (count, _) = ask(&fixture, reader, "SELECT count(*) FROM events").await.unwrap();
            assert_eq!(json!(count), json!([[wanted.len().to_string()]]), "{same}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_masking_session_shows_null_and_does_nothing_else_with_a_hidden_column() {
    let fixture = mixed().await;
    let reader = reader(&[], &["a"], &["message"]);
    let run = async |sql: &str| {
        let session = fixture.session().read_by(reader.clone()).masking();
        let answer = session.run(sql, Params::None, fixture.limits).await?;
        Ok::<_, QueryError>(answer.collect().await?.0.iter().flat_map(json_rows).collect::<Vec<Value>>())
    };
    let cases = [
        (
            "SELECT event_id, message, raw, actor_id FROM events ORDER BY _seq LIMIT 2",
            json!([["id-0", null, null, "u0"], ["id-2", null, null, "u2"]]),
        ),
        ("SELECT message FROM events ORDER BY event_time DESC, _seq DESC LIMIT 1", json!([[null]])),
        (
            "SELECT coalesce(message, event_id) AS shown FROM events WHERE sequence = 0 ORDER BY _seq LIMIT 1",
            json!([["id-0"]]),
        ),
        ("SELECT count(*) FROM (SELECT message FROM events)", json!([["500"]])),
    ];
    for (sql, want) in cases {
        assert_eq!(json!(run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))), want, "{sql}");
    }
    for sql in [
        "SELECT count(*) FROM events WHERE message = 'of a'",
        "SELECT count(*) FROM events WHERE message IS NULL",
        "SELECT event_id FROM events WHERE upper(message) = 'OF A' OR sequence = 0",
        "SELECT message, count(*) FROM events GROUP BY message",
        "SELECT max(message) FROM events",
        "SELECT event_id FROM events ORDER BY message LIMIT 1",
        "SELECT e.event_id FROM events e JOIN events f ON e.message = f.message",
        "SELECT event_id FROM (SELECT event_id, message AS other FROM events) WHERE other LIKE 'of%'",
    ] {
        let error = run(sql).await.expect_err(sql);
        assert_eq!(error.code(), "hidden_column", "{sql}: {error:?}");
    }
    // Who may see everything sees everything.
    let (rows, _) =
        ask(&fixture, &Reader::default(), "SELECT message FROM events ORDER BY _seq LIMIT 1").await.unwrap();
    assert_eq!(json!(rows), json!([["of a"]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_depend_on_visible_rows_only() {
    let fixture = mixed().await;
    let reader = reader(&[], &["a"], &[]);
    // Each would fail on a row of tenant b.
    for sql in [
        "SELECT count(*) FROM events WHERE 1 / (sequence - 1) = -1",
        "SELECT sum(1 / (sequence - 1)) FROM events",
        "SELECT count(*) FROM events WHERE CAST(replace(message, 'of a', '1') AS BIGINT) = 1",
        "SELECT event_id FROM events ORDER BY 1 / (sequence - 1) LIMIT 3",
        "SELECT max(CAST(replace(message, 'of a', '1') AS BIGINT)) FROM events",
        "SELECT e.event_id FROM events e JOIN (SELECT 0 AS zero) z ON e.sequence = z.zero WHERE 1 / (sequence - 1) = -1 LIMIT 1",
        "SELECT CASE WHEN sequence = 1 THEN 1 / (sequence - 1) ELSE 0 END FROM events LIMIT 1",
    ] {
        ask(&fixture, &reader, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        fixture.session().run(sql, Params::None, fixture.limits).await.ok();
    }
    let error = ask(&fixture, &reader, "SELECT sum(1 / sequence) FROM events").await.unwrap_err();
    assert_eq!(error.code(), "evaluation_failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_tells_nothing_of_hidden_rows() {
    let fixture = mixed().await;
    let reader = reader(&["orders"], &["a"], &["actor_id"]);
    let explained = async |sql: &str| {
        let (rows, _) = ask(&fixture, &reader, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        json!(rows).to_string()
    };
    // One exists in hidden rows, one nowhere, one lies outside of all files: the plans differ in the id only.
    let plans: Vec<String> = {
        let mut plans = Vec::new();
        for id in ["id-1", "id-x", "zz"] {
            for tail in ["", " ORDER BY event_time DESC LIMIT 5"] {
                let sql = format!("EXPLAIN VERBOSE SELECT event_type FROM events WHERE event_id = '{id}'{tail}");
                plans.push(explained(&sql).await.replace(id, "ID"));
            }
        }
        plans
    };
    assert!(plans[0] == plans[2] && plans[2] == plans[4], "{}\n{}\n{}", plans[0], plans[2], plans[4]);
    assert!(plans[1] == plans[3] && plans[3] == plans[5], "{}\n{}\n{}", plans[1], plans[3], plans[5]);
    for sql in [
        "EXPLAIN SELECT * FROM events",
        "EXPLAIN VERBOSE SELECT count(*) FROM events WHERE tenant_id = 'b'",
        "EXPLAIN ANALYZE SELECT count(*) FROM events",
        "EXPLAIN ANALYZE VERBOSE SELECT event_id FROM events ORDER BY event_time DESC LIMIT 1",
        "EXPLAIN FORMAT TREE SELECT max(event_time) FROM events",
    ] {
        let text = explained(sql).await;
        for hidden in ["parquet", "projects", "DataSourceExec", "HotExec", "actor_id", "bytes_scanned", "TimeOrderExec"]
        {
            assert!(!text.contains(hidden), "{sql}: {hidden} in {text}");
        }
        assert!(text.contains("RestrictedExec"), "{sql}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn masked_columns_do_not_exist() {
    let fixture = mixed().await;
    let reader = reader(&[], &[], &["message", "object_before"]);
    for (sql, column) in [
        ("SELECT message FROM events", "message"),
        ("SELECT e.message FROM events e", "message"),
        ("SELECT raw FROM events", "raw"),
        ("SELECT attributes FROM events", "attributes"),
        ("SELECT count(*) FROM events WHERE message = 'of a'", "message"),
        ("SELECT changes FROM events", "changes"),
        ("SELECT event_id FROM events ORDER BY object_before", "object_before"),
        ("SELECT max(message) FROM (SELECT * FROM events) e", "message"),
        ("SELECT * FROM changes", "changes"),
    ] {
        let error = ask(&fixture, &reader, sql).await.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("hidden_column", Kind::Forbidden), "{sql}: {error:?}");
        assert!(error.to_string().contains(&format!("`{column}`")), "{sql}: {error}");
    }
    let answer = fixture.session().read_by(reader.clone());
    let answer = answer.run("SELECT * FROM events LIMIT 1", Params::None, fixture.limits).await.unwrap();
    let names: Vec<String> = answer.schema().fields().iter().map(|field| field.name().clone()).collect();
    for hidden in ["message", "raw", "attributes", "object_before", "changes"] {
        assert!(!names.iter().any(|name| name == hidden), "{hidden}");
    }
    assert_eq!(names.len(), 77 - 5);
    let (rows, _) = ask(&fixture, &reader, "SELECT count(*), count(DISTINCT actor_id) FROM events").await.unwrap();
    assert_eq!(json!(rows), json!([["1000", "1000"]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_look_back_ends_to_the_microsecond() {
    let mut fixture = Fixture::new();
    let now = chrono::Utc::now().timestamp_micros();
    let ages = [0, DAY, 2 * DAY - 60_000_000, 2 * DAY + 1, 3 * DAY, 30 * DAY];
    let rows: Vec<Value> =
        ages.iter().enumerate().map(|(n, age)| event(n as i64, now - age, Some("m"), json!({}))).collect();
    fixture.store(&rows).await;
    let reader = of_rules(RowRules { lookback_days: Some(2), ..RowRules::default() }, &[]);
    let (rows, outcome) = ask(&fixture, &reader, "SELECT event_id FROM events ORDER BY _seq").await.unwrap();
    assert_eq!(json!(rows), json!([["id-0"], ["id-1"], ["id-2"]]));
    // Files of earlier days are not opened.
    assert!(outcome.stats.files <= 4, "{:?}", outcome.stats);
    let (rows, _) = ask(&fixture, &reader, "SELECT count(*) FROM events WHERE event_time < now() - INTERVAL '2 days'")
        .await
        .unwrap();
    assert_eq!(json!(rows), json!([["0"]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_without_a_module_match_no_pattern() {
    let mut fixture = Fixture::new();
    let rows = [event(0, START, None, json!({})), event(1, START, Some("m"), json!({}))];
    fixture.store(&rows).await;
    fixture.heat(&rows.clone().map(|mut row| {
        row["_seq"] = json!(row["_seq"].as_i64().unwrap() + 2);
        row
    }));
    let (rows, _) = ask(&fixture, &reader(&["*"], &[], &[]), "SELECT _seq FROM events ORDER BY 1").await.unwrap();
    assert_eq!(json!(rows), json!([["1"], ["3"]]));
    let (rows, _) = ask(&fixture, &reader(&["other"], &[], &[]), "SELECT count(*) FROM events").await.unwrap();
    assert_eq!(json!(rows), json!([["0"]]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_stops_when_its_key_ends() {
    let fixture = mixed().await;
    let endless = "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8";
    let streaming = "SELECT x FROM generate_series(1, 1000000000000) a(x)";
    let reader = Reader { restriction: None, ended: CancellationToken::new() };
    let session = fixture.session().read_by(reader.clone());
    let answer = session.run(streaming, Params::None, fixture.limits).await.unwrap();
    let end = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        reader.ended.cancel();
        std::time::Instant::now()
    };
    let (error, ended) = tokio::join!(session.run(endless, Params::None, fixture.limits), end);
    assert_eq!(error.unwrap_err().code(), "key_ended");
    assert!(ended.elapsed() < std::time::Duration::from_secs(1), "{:?}", ended.elapsed());
    assert_eq!(answer.collect().await.unwrap_err().code(), "key_ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_that_is_too_large_does_not_tell_how_large() {
    let mut fixture = Fixture::new();
    let rows: Vec<Value> = (0..4).map(|n| event(n, START, Some(&format!("m{n}")), json!({}))).collect();
    fixture.store(&rows).await;
    let mut settings = fixture.runtime.settings().clone();
    settings.guard.scan_files_max = 1;
    fixture.restart(&settings);
    let sql = "SELECT max(event_id) FROM events";
    let all = fixture.run(sql).await.unwrap_err();
    let restricted = ask(&fixture, &reader(&[], &["x"], &[]), sql).await.unwrap_err();
    assert_eq!((all.code(), restricted.code()), ("scan_too_large", "scan_too_large"));
    assert!(all.to_string().contains('4') && !restricted.to_string().contains('4'), "{all}: {restricted}");
}
