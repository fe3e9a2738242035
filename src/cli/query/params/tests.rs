use serde_json::json;

use super::*;

fn collected(texts: &[&str]) -> Result<Value, String> {
    let params: Result<Vec<Param>, _> = texts.iter().map(|text| text.parse()).collect();
    collect(&params?).map_err(|error| error.to_string())
}

#[test]
fn values_are_json_where_they_are_json() {
    let cases = [
        ("a=5", json!(5)),
        ("a=-9223372036854775808", json!(i64::MIN)),
        ("a=1.5", json!(1.5)),
        ("a=1e3", json!(1000.0)),
        ("a=true", json!(true)),
        ("a=null", json!(null)),
        ("a=[1,\"x\"]", json!([1, "x"])),
        ("a=\"5\"", json!("5")),
        ("a=orders", json!("orders")),
        ("a=", json!("")),
        ("a=x=y", json!("x=y")),
        ("a=007", json!("007")),
        ("a=2026-01-01", json!("2026-01-01")),
        ("a=Zażółć", json!("Zażółć")),
        ("$a=1", json!(1)),
        // Digits that a float would lose stay text.
        ("a=99999999999999999999", json!("99999999999999999999")),
        ("a=0.12345678901234567891", json!("0.12345678901234567891")),
    ];
    for (text, want) in cases {
        assert_eq!(collected(&[text]), Ok(json!({ "a": want })), "{text}");
    }
}

#[test]
fn numbers_make_an_array_and_names_an_object() {
    assert_eq!(collected(&[]), Ok(Value::Null));
    assert_eq!(collected(&["2=b", "1=a"]), Ok(json!(["a", "b"])));
    assert_eq!(collected(&["x=1", "y=2"]), Ok(json!({ "x": 1, "y": 2 })));
    assert_eq!(collected(&["1=a", "3=c"]), Err("--param 2 is missing; numbers start at 1 without a gap".into()));
    assert_eq!(collected(&["0=a"]), Err("--param 1 is missing; numbers start at 1 without a gap".into()));
    assert_eq!(collected(&["1=a", "x=c"]), Err("--param takes either names or numbers, not both".into()));
    assert_eq!(collected(&["x=a", "x=c"]), Err("--param x is given twice".into()));
    for bad in ["x", "=1", "a b=1"] {
        assert!(bad.parse::<Param>().is_err(), "{bad}");
    }
}

#[test]
fn names_in_paths_are_escaped() {
    assert_eq!(path_segment("errors_by-module.v1~"), "errors_by-module.v1~");
    assert_eq!(path_segment("a/../ż?"), "a%2F..%2F%C5%BC%3F");
}
