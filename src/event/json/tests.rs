use super::*;

#[track_caller]
fn scan(text: &str) -> Result<Value, ScanError> {
    let mut scanner = Scanner::new(text.as_bytes(), 0);
    let value = scanner.value()?;
    assert_eq!(scanner.position(), text.len(), "{text}");
    Ok(value)
}

#[test]
fn values_are_found_with_their_shape() {
    let cases = [
        ("null", Shape::Null),
        ("true", Shape::True),
        ("false", Shape::False),
        ("0", Shape::Integer),
        ("-0", Shape::Integer),
        ("9223372036854775808", Shape::Integer),
        ("1.0", Shape::Decimal),
        ("1e400", Shape::Decimal),
        ("-1.5E-3", Shape::Decimal),
        ("\"\"", Shape::Plain),
        ("\"Zażółć 🎉\"", Shape::Plain),
        (r#""a\"b\\c\u00e9\ud83c\udf89""#, Shape::Escaped),
        ("{}", Shape::Object),
        ("[]", Shape::Array),
        (r#"{"a":[1,{"b":null}],"c":{}}"#, Shape::Object),
        (r#"[[],[[]],{"a":[]}]"#, Shape::Array),
    ];
    for (text, shape) in cases {
        let value = scan(text).unwrap();
        assert_eq!((value.shape, value.start, value.end as usize), (shape, 0, text.len()), "{text}");
        assert!(!value.spaced, "{text}");
        // A value is found wherever it stands: behind whatever a 16-byte block may hold.
        for pad in 0..20 {
            let padded = format!("{}{text},", " ".repeat(pad));
            let found = Scanner::new(padded.as_bytes(), pad).value().unwrap();
            assert_eq!(found.text(padded.as_bytes()), text.as_bytes());
        }
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let bad = [
        "",
        "nul",
        "NaN",
        "Infinity",
        "-",
        "01x",
        "1.",
        "1.e3",
        "1e",
        "+1",
        ".5",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\t\"",
        "\"\u{0}\"",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "[1 2]",
        "{\"a\" 1}",
        "[}",
        "{]",
        "{\"a\":1]",
        r#""\ud800""#,
        r#""\ud800\u0041""#,
        r#""\udc00""#,
        "\u{feff}1",
    ];
    for text in bad {
        let whole = Scanner::new(text.as_bytes(), 0).value();
        let left = whole.map_or(0, |value| text.len() - value.end as usize);
        assert!(whole.is_err() || left > 0, "{text:?}");
    }
    assert_eq!(scan("[1,]").unwrap_err(), ScanError::Expected { expected: "a JSON value", at: 3 });
    assert_eq!(scan("\"a\u{1}\"").unwrap_err(), ScanError::Control { at: 2 });
    assert_eq!(scan(r#""ab\q""#).unwrap_err(), ScanError::Escape { at: 3 });
    assert_eq!(scan(r#""\ud800""#).unwrap_err(), ScanError::Surrogate { at: 1 });
    assert_eq!(scan("[1").unwrap_err(), ScanError::CutOff { at: 2 });
}

#[test]
fn nesting_has_a_limit_and_needs_no_stack() {
    for open in ["[", "{\"a\":"] {
        let close = if open == "[" { "]" } else { "}" };
        let text = |depth: usize| format!("{}0{}", open.repeat(depth), close.repeat(depth));
        assert!(scan(&text(MAX_DEPTH)).is_ok());
        assert_eq!(scan(&text(MAX_DEPTH + 1)).unwrap_err().code(), "too_deep");
        assert_eq!(scan(&text(1_000_000)).unwrap_err().code(), "too_deep");
    }
}

#[test]
fn spaces_between_tokens_go_and_those_in_strings_stay() {
    let cases = [
        (r#"{ "a b" : [ 1 , "c \" d" , { } ] }"#, r#"{"a b":[1,"c \" d",{}]}"#),
        ("[\n\t1,\r\n 2 ]", "[1,2]"),
        (r#"["\\" , " "]"#, r#"["\\"," "]"#),
        (r#"{"a":[1,"b c"]}"#, r#"{"a":[1,"b c"]}"#),
    ];
    for (text, want) in cases {
        let value = scan(text).unwrap();
        let mut out = Vec::new();
        compact_into(&value, text.as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), want);
        assert_eq!(value.spaced, text != want, "{text}");
    }
}

#[test]
fn text_is_unescaped_and_quoted() {
    let cases = [
        (r#""plain""#, "plain"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u0000\u00e9\u20AC\ud83c\udf89!""#, "\u{0}é€🎉!"),
    ];
    for (text, want) in cases {
        let value = scan(text).unwrap();
        assert_eq!(&*unescaped(&value, text.as_bytes()), want.as_bytes());
        let mut out = b"<".to_vec();
        unescape_into(&value, text.as_bytes(), &mut out);
        assert_eq!(out[1..], *want.as_bytes());
        // And back: what is quoted is read as the same text.
        let mut quoted = Vec::new();
        quote_into(want, &mut quoted);
        let back: String = serde_json::from_slice(&quoted).unwrap();
        assert_eq!(back, want);
    }
}

#[test]
fn members_come_in_the_order_sent() {
    let text = br#"{ "b":1, "a" : [2] ,"b":{} }"#;
    let value = Scanner::new(text, 0).value().unwrap();
    let pairs: Vec<_> = members(&value, text).map(|member| (member.key.inner(text), member.value.text(text))).collect();
    assert_eq!(pairs, [(&b"b"[..], &b"1"[..]), (b"a", b"[2]"), (b"b", b"{}")]);
    let count = |text: &str| members(&scan(text).unwrap(), text.as_bytes()).count();
    assert_eq!((count("[1,[],\"x\"]"), count("[ ]"), count("{}"), count("{ }")), (3, 0, 0, 0));
}

/// Whatever serde_json takes or refuses, so does the scanner; depth and lone surrogates apart.
#[test]
fn the_scanner_agrees_with_serde_json() {
    use proptest::prelude::*;
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\"",
        "\"\\u0041\"",
        "\"\\n\"",
        "\"",
        "1",
        "-0",
        "1.5e3",
        "01",
        "-",
        "true",
        "null",
        " ",
        "\n",
        "tru",
        "e",
        "\"ż\"",
        "\\",
    ]);
    let texts = prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat());
    proptest!(ProptestConfig::with_cases(20_000), |(text in texts)| {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        let bytes = text.as_bytes();
        let mut scanner = Scanner::new(bytes, 0);
        scanner.skip_spaces();
        let ours = scanner.value().is_ok() && { scanner.skip_spaces(); scanner.position() == bytes.len() };
        prop_assert_eq!(ours, theirs, "{}", text);
    });
}
