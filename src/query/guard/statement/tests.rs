use super::*;

/// What, the text for a size, the limit, its setting.
type Case<'a> = (&'a str, &'a dyn Fn(usize) -> String, usize, &'a str);

fn refused(sql: &str) -> Option<String> {
    let guard = Guard::default();
    let statement = parse(sql, &guard).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    match check(&statement, &guard) {
        Ok(()) => None,
        Err(QueryError::TooComplex { setting, .. }) => Some(setting.to_owned()),
        Err(other) => Some(other.to_string()),
    }
}

fn doubling(levels: usize) -> String {
    let mut sql = "WITH c0 AS (SELECT 1 AS x FROM events)".to_owned();
    for level in 1..=levels {
        sql += &format!(", c{level} AS (SELECT a.x FROM c{0} a, c{0} b)", level - 1);
    }
    format!("{sql} SELECT count(*) FROM c{levels}")
}

#[test]
fn tables_are_counted_where_they_are_used() {
    assert_eq!(refused(&doubling(6)), None, "64 tables");
    assert_eq!(refused(&doubling(7)).as_deref(), Some("relations_max"), "128 tables");
    // A name of a subquery hides the one outside of it.
    let hidden = "WITH a AS (SELECT 1 FROM events) SELECT 1 FROM (WITH a AS (SELECT 1) SELECT * FROM a) t, a";
    assert_eq!(refused(hidden), None);
    // Also in expressions, in IN and in EXISTS.
    let many = vec!["EXISTS (SELECT 1 FROM events)"; 65].join(" OR ");
    assert_eq!(refused(&format!("SELECT 1 WHERE {many}")).as_deref(), Some("relations_max"));
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let cases: [Case<'_>; 5] = [
        (
            "cube",
            &|n| format!("SELECT 1 FROM events GROUP BY CUBE({})", vec!["module"; n].join(",")),
            6,
            "grouping_sets_max",
        ),
        (
            "rollup",
            &|n| format!("SELECT 1 FROM events GROUP BY ROLLUP({})", vec!["module"; n].join(",")),
            63,
            "grouping_sets_max",
        ),
        ("commas", &|n| format!("SELECT 1 FROM {}", vec!["events"; n + 1].join(",")), 16, "joins_max"),
        ("columns", &|n| format!("SELECT {}", vec!["1"; n].join(",")), 1_000, "columns_max"),
        (
            "ctes",
            &|n| {
                format!("WITH {} SELECT 1", (0..n).map(|n| format!("c{n} AS (SELECT 1)")).collect::<Vec<_>>().join(","))
            },
            32,
            "ctes_max",
        ),
    ];
    for (what, text, limit, setting) in cases {
        assert_eq!(refused(&text(limit)), None, "{what} at {limit}");
        assert_eq!(refused(&text(limit + 1)).as_deref(), Some(setting), "{what} past {limit}");
    }
    let sets = "SELECT 1 FROM events GROUP BY CUBE(a, b, c, d), ROLLUP(a, b, c, d)";
    assert_eq!(refused(sets).as_deref(), Some("grouping_sets_max"), "16 × 5");
}

#[test]
fn clauses_that_do_more_than_ask_are_refused() {
    for sql in [
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
        "SELECT 1 FROM events FOR UPDATE",
        "SELECT * INTO copy FROM events",
    ] {
        assert!(refused(sql).is_some_and(|text| text.starts_with("not supported")), "{sql}");
    }
}
