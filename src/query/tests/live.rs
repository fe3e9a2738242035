//! Conditions on new rows: the same rows as a query with the same condition, for every kind of reader.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fixture::{DAY, Fixture, START, event, rows};
use crate::error::Report;
use crate::event::globs::{ModuleGlob, ModuleGlobs};
use crate::query::{LiveBatch, LiveColumns, Params, QueryError, Reader, Restriction, RowRules};

fn events() -> Vec<Value> {
    let row = |n: i64| {
        let module = [Some("orders"), Some("payments"), None][(n % 3) as usize];
        let tenant = ["a", "b"][(n % 2) as usize];
        let status = if n % 5 == 0 { Value::Null } else { json!(200 + n) };
        let more = json!({"tenant_id": tenant, "http_status": status,
            "message": format!("Nr {n}"), "actor_id": format!("u{}", n % 7), "sequence": n % 4,
            "object_refs": [format!("order:{n}")], "attributes": format!("{{\"n\":{n}}}")});
        event(n, START + n * DAY, module, more)
    };
    (1..=40).map(row).collect()
}

fn reader(modules: Option<&str>, tenants: Option<&str>, days: Option<u32>, masked: &[&str]) -> Reader {
    let globs = modules.map(|glob| ModuleGlobs::new(&[ModuleGlob::try_from(glob).unwrap()]).unwrap());
    let tenants = tenants.map(|tenant| vec![tenant.to_owned()]);
    let masked: Vec<String> = masked.iter().map(|name| (*name).to_owned()).collect();
    let rows = RowRules { modules: globs, tenant_ids: tenants, lookback_days: days, ..RowRules::default() };
    Reader { restriction: Some(Arc::new(Restriction::new(rows, &masked))), ..Reader::default() }
}

async fn matching(
    reader: Option<Reader>,
    condition: &str,
    params: Params,
    now_us: i64,
) -> Result<Vec<i64>, QueryError> {
    let fixture = Fixture::new();
    let session = fixture.session().read_by(reader.unwrap_or_default());
    let filter = session.live(condition, params, fixture.limits).await?;
    let batch = LiveBatch::new(rows(&events()));
    Ok(filter.rows(&batch, now_us)?.into_iter().map(|row| batch.seqs()[row as usize]).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rows_are_those_of_a_query() {
    let mut fixture = Fixture::new();
    fixture.heat(&events());
    let conditions = [
        "true",
        "false",
        "NULL",
        "module = 'orders'",
        "module <> 'orders'",
        "module IS NULL AND http_status > 205",
        "lower(message) LIKE '%nr 1%' OR sequence IN (1, 2)",
        "event_time >= '2025-03-10' AND NOT (tenant_id = 'a')",
        "array_has(object_refs, 'order:7') OR attributes->>'n' = '9'",
        "http_status BETWEEN 210 AND 220 AND actor_id <> 'u3'",
        "message ~ '^Nr [0-9]$'",
        "CASE WHEN http_status IS NULL THEN sequence = 1 ELSE http_status % 2 = 0 END",
    ];
    for condition in conditions {
        let (found, _) = fixture.ask(&format!("SELECT _seq FROM events WHERE ({condition}) ORDER BY _seq")).await;
        let found: Vec<i64> = found.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect();
        assert_eq!(matching(None, condition, Params::None, 0).await.unwrap(), found, "{condition}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_bound_and_hidden_rows_are_not_looked_at() {
    let named = |value: Value| Params::Named(json!({"p1": value}).as_object().unwrap().clone());
    assert_eq!(matching(None, "message = $p1", named(json!("Nr 8")), 0).await.unwrap(), [8]);
    let by_tenant =
        matching(Some(reader(None, Some("b"), None, &[])), "sequence = $p1", named(json!(1)), 0).await.unwrap();
    assert_eq!(by_tenant, (1..=40).filter(|n| n % 2 == 1 && n % 4 == 1).collect::<Vec<_>>());
    let by_module = matching(Some(reader(Some("pay*"), None, None, &[])), "true", Params::None, 0).await.unwrap();
    assert_eq!(by_module, (1..=40).filter(|n| n % 3 == 1).collect::<Vec<_>>());
    // Days count from when the rows come, not from when the filter was planned.
    let now_us = START + 40 * DAY;
    let recent = matching(Some(reader(None, None, Some(3), &[])), "true", Params::None, now_us).await.unwrap();
    assert_eq!(recent, [37, 38, 39, 40]);
    // What would fail for a hidden row is not even computed for it.
    let fails = "100 / (sequence - 1) > -1000";
    assert!(matching(None, fails, Params::None, 0).await.is_err());
    let spared = matching(Some(reader(None, Some("a"), None, &[])), fails, Params::None, 0).await.unwrap();
    assert_eq!(spared, (1..=40).filter(|n| n % 2 == 0).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused_when_it_is_planned() {
    let masked = || Some(reader(None, None, None, &["actor_id"]));
    let cases = [
        (None, "nothing = 1", "unknown_column"),
        (None, "message", "invalid_query"),
        (None, "module = (SELECT max(module) FROM events)", "unsupported_sql"),
        (None, "EXISTS (SELECT 1 FROM events)", "unsupported_sql"),
        (None, "message ~ '('", "evaluation_failed"),
        (masked(), "actor_id = 'u1'", "hidden_column"),
    ];
    for (reader, condition, code) in cases {
        let error = matching(reader, condition, Params::None, 0).await;
        let error = error.map(|rows| format!("{rows:?}")).expect_err(condition);
        assert_eq!(error.code(), code, "{condition}: {error}");
    }
}

#[test]
fn rows_are_objects_without_their_nulls() {
    let batch = LiveBatch::after(&rows(&events()), 38);
    assert_eq!(batch.seqs(), [39, 40]);
    let columns = LiveColumns::new(["event_id", "http_status", "sequence", "object_refs", "event_time"]).unwrap();
    let mut seen = Vec::new();
    columns
        .write(&batch, &[0, 1], |seq, object| seen.push((seq, String::from_utf8(object.to_vec()).unwrap())))
        .unwrap();
    let object = |n: i64, status: &str, day: &str| {
        let refs = format!("\"object_refs\":[\"order:{n}\"]");
        (
            n,
            format!(
                "{{\"event_id\":\"id-{n}\",{status}\"sequence\":\"{}\",{refs},\"event_time\":\"{day}T00:00:00Z\"}}",
                n % 4
            ),
        )
    };
    assert_eq!(seen, [object(39, "\"http_status\":239,", "2025-04-12"), object(40, "", "2025-04-13")]);
    let error = LiveColumns::new(["event_ids"]).expect_err("no such column");
    assert_eq!(error.code(), "unknown_column");
}

#[test]
fn slices_are_all_rows_once() {
    let batch = LiveBatch::after(&rows(&events()), 5);
    for size in [1, 7, 35, 100] {
        let seqs: Vec<i64> = batch.slices(size).flat_map(|slice| slice.seqs().to_vec()).collect();
        assert_eq!(seqs, (6..=40).collect::<Vec<_>>(), "{size}");
    }
}
