use serde_json::json;

use super::*;

const SQL_MAX: usize = 64 << 10;
const TEXT_MAX: usize = 4 << 10;

fn key() -> HashKey {
    HashKey::new([7; 32])
}

fn of(sql: &str, params: &Value) -> Statement {
    Statement::of(Asked::Sql(sql, params), &key(), SQL_MAX, TEXT_MAX)
}

#[test]
fn values_are_hashed_as_the_standard_has_it() {
    // RFC 4231, test case 2.
    let mut secret = [0; 32];
    secret[..4].copy_from_slice(b"Jefe");
    let hash = HashKey::new(secret).hash(b"what do ya want for nothing?");
    assert_eq!(hash, "5bdcc146bf60754e6a042426089575c7");
    assert_ne!(key().hash(b"x"), HashKey::new([8; 32]).hash(b"x"), "another directory, another hash");
}

#[test]
fn statements_that_differ_in_values_have_one_id() {
    let one = of("SELECT count(*) FROM events WHERE actor_id = 'ann'", &Value::Null);
    let other = of("select count(*)  from events where actor_id = 'bob'", &Value::Null);
    assert_eq!(one.id, other.id);
    assert_ne!(one.id, of("SELECT count(*) FROM events WHERE actor_name = 'ann'", &Value::Null).id);
    let line = String::from_utf8(one.describe(AuditEvent::new("queries", "query.run", "read")).line()).unwrap();
    assert!(line.contains("select count (*) from events where actor_id = ?") && !line.contains("ann"), "{line}");
    assert!(line.contains("\"id\":\"events\""), "{line}");
}

#[test]
fn parameters_are_equal_or_not_and_have_types() {
    let ann = of("SELECT $1", &json!(["ann", 1, 1.5, null, true, ["a"]]));
    assert_eq!(ann.parameters, of("SELECT $1", &json!(["ann", 1, 1.5, null, true, ["a"]])).parameters);
    assert_ne!(ann.parameters, of("SELECT $1", &json!(["bob", 1, 1.5, null, true, ["a"]])).parameters);
    let types = json!({"1": "text", "2": "int64", "3": "float64", "4": "null", "5": "boolean", "6": "list"});
    assert_eq!(ann.types, types);
    let named = of("SELECT $a", &json!({"a": "x", "it's a value": 1}));
    assert_eq!(named.types, json!({"a": "text", "?": "int64"}));
    assert_eq!((of("SELECT 1", &Value::Null).parameters, of("SELECT 1", &Value::Null).types), (None, Value::Null));
    let given = [("object_id".to_owned(), "o1".to_owned())];
    let named = Statement::of(Asked::Named("history", &given), &key(), SQL_MAX, TEXT_MAX);
    assert_eq!((named.types.clone(), named.text.is_none()), (json!({"object_id": "text"}), true));
    assert!(!format!("{named:?}").contains("o1"));
}

#[test]
fn a_text_that_is_no_sql_or_too_long_leaves_its_hash_only() {
    let broken = of("SELECT 'it", &Value::Null);
    assert_eq!((broken.text.as_deref(), broken.id.len()), (None, 32));
    let at = |sql_max| Statement::of(Asked::Sql("SELECT 12", &Value::Null), &key(), sql_max, TEXT_MAX);
    assert!(at(9).text.is_some() && at(8).text.is_none());
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let sql = format!("SELECT message AS {}", "ж".repeat(100));
    let text = |text_max| Statement::of(Asked::Sql(&sql, &Value::Null), &key(), SQL_MAX, text_max).text.unwrap();
    let whole = "select message as ".len() + 200;
    assert_eq!(text(whole).len(), whole);
    assert_eq!(text(whole - 1).len(), whole - 2 + "…".len());
    assert!(text(whole - 1).ends_with("ж…"));
}
