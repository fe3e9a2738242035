use super::*;
use crate::error::Report;

/// What, the text for a size, the limit, its setting.
type Case<'a> = (&'a str, &'a dyn Fn(usize) -> String, usize, &'a str);

fn refused(sql: &str) -> Option<&'static str> {
    match check(sql, &Guard::default()) {
        Ok(()) => None,
        Err(QueryError::TooComplex { setting, .. }) => Some(setting),
        Err(other) => panic!("{sql}: {other}"),
    }
}

/// `count` times `item`, between them `with`.
fn chain(item: &str, with: &str, count: usize) -> String {
    vec![item; count].join(with)
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let cases: [Case<'_>; 14] = [
        ("and", &|n| format!("SELECT {}", chain("a", " AND ", n + 1)), 256, "operators_max"),
        ("plus", &|n| format!("SELECT {}", chain("1", "+", n + 1)), 256, "operators_max"),
        ("concat", &|n| format!("SELECT {}", chain("'x'", "||", n + 1)), 256, "operators_max"),
        ("not", &|n| format!("SELECT {}true", "NOT ".repeat(n)), 256, "operators_max"),
        ("cast", &|n| format!("SELECT 1{}", "::int".repeat(n)), 256, "operators_max"),
        ("subscript", &|n| format!("SELECT a{}", "[1]".repeat(n)), 256, "operators_max"),
        ("interval", &|n| format!("SELECT {}'1'", "INTERVAL ".repeat(n)), 256, "operators_max"),
        ("is null", &|n| format!("SELECT a{}", " IS NULL".repeat(n)), 256, "operators_max"),
        ("parentheses", &|n| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)), 100, "nesting_max"),
        ("arrays", &|n| format!("SELECT {}{}", "[".repeat(n), "]".repeat(n)), 100, "nesting_max"),
        ("joins", &|n| format!("SELECT 1 FROM a{}", " JOIN a".repeat(n)), 16, "joins_max"),
        ("unions", &|n| chain("SELECT 1", " UNION ", n + 1), 64, "unions_max"),
        ("tokens", &|n| format!("SELECT {}", "a ".repeat(n - 1)), 8_000, "tokens_max"),
        ("literal", &|n| format!("SELECT '{}'", "x".repeat(n)), 32 << 10, "literal_max"),
    ];
    for (what, text, limit, setting) in cases {
        assert_eq!(refused(&text(limit)), None, "{what} at {limit}");
        assert_eq!(refused(&text(limit + 1)), Some(setting), "{what} past {limit}");
    }
}

#[test]
fn lists_behind_in_do_not_count() {
    let list = |items: &str| format!("SELECT 1 FROM events WHERE http_status IN ({items})");
    assert_eq!(refused(&list(&chain("1", ",", 20_000))), None);
    assert_eq!(refused(&list(&chain("-1", ", ", 10_000))), None);
    assert_eq!(refused(&list(&chain("'x'", ",", 10_000))), None);
    // But what is computed in them does.
    assert_eq!(refused(&list(&chain("1+1", ",", 257))), Some("operators_max"));
    assert_eq!(refused(&format!("SELECT f({})", chain("1", ",", 5_000))), Some("tokens_max"));
}

#[test]
fn a_refusal_says_where_and_what_to_do() {
    let error = check(&format!("SELECT\n{}", chain("a", " OR ", 300)), &Guard::default()).expect_err("too long");
    assert_eq!(error.code(), "query_too_complex");
    assert_eq!(error.position().map(|position| position.line), Some(2));
    assert!(error.to_string().starts_with("more than 256 operators at line 2"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("IN (")));
}
