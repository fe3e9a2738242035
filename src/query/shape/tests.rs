use super::*;

#[track_caller]
fn check(sql: &str, want: &str) {
    assert_eq!(shape_of(sql).map(|shape| shape.text).as_deref(), Some(want), "{sql}");
}

#[test]
fn values_go_and_everything_else_stays() {
    check("SELECT count(*) FROM Events", "select count (*) from events");
    check("select  COUNT(*)\n from events -- a comment", "select count (*) from events");
    check(
        "SELECT e.message FROM events e WHERE actor_id = 'ann' AND duration_ns > -5.5e3 /* secret */ LIMIT 10",
        "select e.message from events e where actor_id = ? and duration_ns > - ? limit ?",
    );
    check("SELECT attributes->>'card', x[1], x'FF', $$a$$, N'n', E'\\n'", "select attributes ->> ?, x [?], ?, …");
    check("SELECT $1, $name, :: int", "select $1, $name, :: int");
    check("SELECT INTERVAL '1 day', DATE '2025-01-01'", "select interval ?, date ?");
}

#[test]
fn lists_of_any_length_are_one() {
    for list in ["1, 2", "1,2,3", "'a', 'b', 'c', 'd'", "1, -2, +3, NULL, true", "1 , 2 , 3 , 4"] {
        check(&format!("SELECT 1 FROM events WHERE x IN ({list})"), "select ? from events where x in (?, …)");
    }
    check("SELECT 1 FROM events WHERE x IN (1)", "select ? from events where x in (?)");
    check("SELECT f(1, x, 2, 3), (4, 5)", "select f (?, x, ?, …), (?, …)");
}

#[test]
fn a_quoted_name_is_kept_only_where_it_exists() {
    check(
        "SELECT \"module\", \"hunter2\", `event_type` FROM \"events\" WHERE message = \"hunter2\"",
        "select \"module\", \"?\", \"event_type\" from \"events\" where message = \"?\"",
    );
}

#[test]
fn tables_and_views_are_named() {
    let tables = |sql: &str| shape_of(sql).map(|shape| shape.tables);
    assert_eq!(tables("SELECT 1"), Some(vec![]));
    assert_eq!(tables("SELECT * FROM EVENTS, events, elsewhere"), Some(vec!["events"]));
    let view = views::views().first().expect("there are views").name;
    assert_eq!(tables(&format!("SELECT * FROM {view}")), Some(vec![view]));
}

#[test]
fn what_is_no_sequence_of_tokens_has_no_shape() {
    assert_eq!(shape_of("SELECT 'unfinished"), None);
    assert!(shape_of("").is_some_and(|shape| shape.text.is_empty()));
}

#[test]
fn no_literal_of_the_hostile_statements_survives() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/canary/statements.sql");
    let text = std::fs::read_to_string(file).unwrap();
    let mut seen = 0;
    for sql in text.lines().filter(|line| !line.starts_with("--")) {
        let Some(shape) = shape_of(sql) else { continue };
        assert!(!shape.text.contains('\'') && !shape.text.contains("canary"), "{sql}: {}", shape.text);
        let again = shape_of(&shape.text.replace(['…', '?'], "1"));
        assert_eq!(again.map(|again| again.tables), Some(shape.tables), "{}", shape.text);
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}
