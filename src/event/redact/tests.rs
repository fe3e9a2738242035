use proptest::prelude::*;

use super::*;
use crate::config::{RedactLists, Redaction};

fn redactor(paths: &[&str]) -> Redactor {
    let paths = paths.iter().map(|path| (*path).to_string()).collect();
    let rules = RedactRules::new(RedactLists { paths, ..Redaction::default().lists() }).unwrap();
    Redactor::new(&rules, Some(b"Records"))
}

/// `want` is the record without what tells of the redaction; `marks` are the paths that it tells of.
#[track_caller]
fn check(paths: &[&str], body: &str, want: &str, marks: &[&str]) {
    let redactor = redactor(paths);
    let mut want = want.to_string();
    if !marks.is_empty() {
        let at = want.rfind('}').unwrap();
        want.insert_str(at, &format!(",\"$redacted\":{}", serde_json::to_string(marks).unwrap()));
    }
    for format in [BodyFormat::Json, BodyFormat::Ndjson] {
        let mut bytes = body.as_bytes().to_vec();
        let redacted = redactor.redact(&mut bytes, format);
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(text, want, "{body}");
        assert_eq!(redacted.secrets > 0, body != want, "{body}");
        assert!(text.len() <= body.len() + redacted.growth, "{body}");
        // Doing it twice changes nothing more.
        assert_eq!(redactor.redact(&mut bytes, format), Redacted::default(), "{text}");
        assert_eq!(bytes, text.as_bytes());
    }
}

/// Bodies with headers: as they are sent, as they are kept, and what they tell of it.
const HEADERS: &[(&str, &str, &[&str])] = &[
    // What looks like a parameter in a secret is a part of it.
    (
        r#"{"headers":[{"name":"Cookie","value":"a=b&token=s3cr3t"}]}"#,
        r#"{"headers":[{"name":"Cookie","value":"[redacted]"}]}"#,
        &["headers.value", "headers.Cookie"],
    ),
    (
        r#"{"request_headers":{"Authorization":"Bearer abc"}}"#,
        r#"{"request_headers":{"Authorization":"[redacted]"}}"#,
        &["request_headers.Authorization"],
    ),
    (
        r#"{"headers":{"COOKIE":"a=b; c=d; e=f","Accept":"*/*"}}"#,
        r#"{"headers":{"COOKIE":"[redacted]","Accept":"*/*"}}"#,
        &["headers.COOKIE"],
    ),
    (
        r#"{"responseHEADERS":{"set-cookie":["a=1","b=2"]}}"#,
        r#"{"responseHEADERS":{"set-cookie":"[redacted]"}}"#,
        &["responseHEADERS.set-cookie"],
    ),
    (r#"{"headers":{"x_api_key":"a"}}"#, r#"{"headers":{"x_api_key":"[redacted]"}}"#, &["headers.x_api_key"]),
    (
        r#"{"headers":{"HTTP_X_API_KEY":"a","HTTP_COOKIE":7}}"#,
        r#"{"headers":{"HTTP_X_API_KEY":"[redacted]","HTTP_COOKIE":"[redacted]"}}"#,
        &["headers.HTTP_X_API_KEY", "headers.HTTP_COOKIE"],
    ),
    (r#"{"headers":{"x-auth-token":"","cookie":null}}"#, r#"{"headers":{"x-auth-token":"","cookie":null}}"#, &[]),
    (
        r#"{"headers":{"Proxy-Authorization":{"a":[1,"}"]}}}"#,
        r#"{"headers":{"Proxy-Authorization":"[redacted]"}}"#,
        &["headers.Proxy-Authorization"],
    ),
    (
        r#"{"a":[{"Headers":{"in":{"cookie":"secret"}}}]}"#,
        r#"{"a":[{"Headers":{"in":{"cookie":"[redacted]"}}}]}"#,
        &["a.Headers.in.cookie"],
    ),
    (
        r#"{"headers":[{"name":"Authorization","value":"Basic 1234"}]}"#,
        r#"{"headers":[{"name":"Authorization","value":"[redacted]"}]}"#,
        &["headers.Authorization"],
    ),
    (
        r#"{"headers":[{"value":"Basic 1234","name":"Cookie"}]}"#,
        r#"{"headers":[{"value":"[redacted]","name":"Cookie"}]}"#,
        &["headers.Cookie"],
    ),
    (
        r#"{"headers":[{"key":"cookie","values":["aaaa","bbb"]},{"key":"a","value":"b"}]}"#,
        r#"{"headers":[{"key":"cookie","values":"[redacted]"},{"key":"a","value":"b"}]}"#,
        &["headers.cookie"],
    ),
    (
        r#"{"rawHeaders":["Host","a","Cookie","abcdefghij","Accept","b"]}"#,
        r#"{"rawHeaders":["Host","a","Cookie","[redacted]","Accept","b"]}"#,
        &["rawHeaders.Cookie"],
    ),
    (
        r#"{"headers":[["Cookie","abcdefghij"],["Accept","b"]]}"#,
        r#"{"headers":[["Cookie","[redacted]"],["Accept","b"]]}"#,
        &["headers.Cookie"],
    ),
    (r#"{"headers":["Cookie: a=b","Accept: b"]}"#, r#"{"headers":["Cookie: [redacted]","Accept: b"]}"#, &["headers"]),
    (
        r#"{"headers":"Host: a\r\nAuthorization:Basic 1234\r\nX: y"}"#,
        r#"{"headers":"Host: a\r\nAuthorization: [redacted]\r\nX: y"}"#,
        &["headers"],
    ),
    (
        r#"{"h\u0065aders":{"Cook\u0069e":"abcdefghij"}}"#,
        r#"{"h\u0065aders":{"Cook\u0069e":"[redacted]"}}"#,
        &["headers.Cookie"],
    ),
    (
        "{ \"headers\" : { \"cookie\"\t:\t\"abcdefghij\" } }",
        "{ \"headers\" : { \"cookie\"\t:\t\"[redacted]\" } }",
        &["headers.cookie"],
    ),
    (r#"{"headers":{"cookie":"a\"}{\\"}}"#, r#"{"headers":{"cookie":"[redacted]"}}"#, &["headers.cookie"]),
    // A key that stands twice is a secret twice.
    (
        r#"{"headers":{"cookie":"a","cookie":"b"}}"#,
        r#"{"headers":{"cookie":"[redacted]","cookie":"[redacted]"}}"#,
        &["headers.cookie"],
    ),
    // No headers, no secrets: names mean nothing elsewhere.
    (
        r#"{"authorization":"Bearer abc","header":{"cookie":"x"}}"#,
        r#"{"authorization":"Bearer abc","header":{"cookie":"x"}}"#,
        &[],
    ),
    (r#"{"message":"headers\": {\"cookie\": \"x\"}"}"#, r#"{"message":"headers\": {\"cookie\": \"x\"}"}"#, &[]),
    (r#"{"headers":{"x-request-id":"1"},"cookie":"kept"}"#, r#"{"headers":{"x-request-id":"1"},"cookie":"kept"}"#, &[]),
];

#[test]
fn secret_headers_are_replaced_in_every_form_of_a_header_list() {
    for (body, want, marks) in HEADERS {
        check(&[], body, want, marks);
    }
}

#[test]
fn parameters_of_urls_and_forms_are_replaced() {
    let cases: &[(&str, &str, &[&str])] = &[
        (r#"{"url":"/a?api_key=s3cr3t&b=c"}"#, r#"{"url":"/a?api_key=[redacted]&b=c"}"#, &["url"]),
        (r#"{"url":"/a?b=c&API-Key=s3cr3t#x"}"#, r#"{"url":"/a?b=c&API-Key=[redacted]#x"}"#, &["url"]),
        (
            r#"{"a":{"b":["/?token=a&password=b"]}}"#,
            r#"{"a":{"b":["/?token=[redacted]&password=[redacted]"]}}"#,
            &["a.b"],
        ),
        (r#"{"url":"/#access_token=s3cr3t"}"#, r#"{"url":"/#access_token=[redacted]"}"#, &["url"]),
        (r#"{"url":"\/a?b=c\u0026token\u003ds3cr3t"}"#, r#"{"url":"/a?b=c&token=[redacted]"}"#, &["url"]),
        (r#"{"url":"/a?api%5Fkey=s3cr3t"}"#, r#"{"url":"/a?api%5Fkey=[redacted]"}"#, &["url"]),
        (
            r#"{"request_body":"password=s3cr3t&user=u"}"#,
            r#"{"request_body":"password=[redacted]&user=u"}"#,
            &["request_body"],
        ),
        (
            r#"{"message":"see \"/a?token=s3cr3t\" there"}"#,
            r#"{"message":"see \"/a?token=[redacted]\" there"}"#,
            &["message"],
        ),
        (r#"{"url":"/a?mytoken=kept&tokens=kept"}"#, r#"{"url":"/a?mytoken=kept&tokens=kept"}"#, &[]),
        (r#"{"message":"a token = kept, token=kept too"}"#, r#"{"message":"a token = kept, token=kept too"}"#, &[]),
        (r#"{"url":"/a?token=&b=c"}"#, r#"{"url":"/a?token=&b=c"}"#, &[]),
    ];
    for (body, want, marks) in cases {
        check(&[], body, want, marks);
    }
}

#[test]
fn json_in_texts_is_looked_through() {
    let cases: &[(&[&str], &str, &str, &[&str])] = &[
        (
            &[],
            r#"{"request_body":"{\"headers\":{\"cookie\":\"s3cr3t\"},\"a\":\"\\u00e9\"}"}"#,
            r#"{"request_body":"{\"headers\":{\"cookie\":\"[redacted]\"},\"a\":\"\\u00e9\"}"}"#,
            &["request_body.headers.cookie"],
        ),
        (
            &["request_body.card.number"],
            r#"{"request_body":" {\"card\":{\"number\":41111}}"}"#,
            r#"{"request_body":" {\"card\":{\"number\":\"[redacted]\"}}"}"#,
            &["request_body.card.number"],
        ),
        (
            &["a.b.c"],
            r#"{"a":"{\"b\":\"{\\\"c\\\":7}\"}"}"#,
            r#"{"a":"{\"b\":\"{\\\"c\\\":\\\"[redacted]\\\"}\"}"}"#,
            &["a.b.c"],
        ),
        (
            &[],
            r#"{"raw":"[{\"url\":\"/?api_key=s3cr3t\"}]"}"#,
            r#"{"raw":"[{\"url\":\"/?api_key=[redacted]\"}]"}"#,
            &["raw.url"],
        ),
        // A parameter in a key of such JSON, beside a secret of its own.
        (
            &[],
            r#"{"x":"{\"headers\":{\"cookie\":1},\"?token=s3cr3t\":2}"}"#,
            r#"{"x":"{\"headers\":{\"cookie\":\"[redacted]\"},\"?token=[redacted]\":2}"}"#,
            &["x.headers.cookie", "x"],
        ),
        (&["card"], r#"{"x":"{\"card\":1}"}"#, r#"{"x":"{\"card\":1}"}"#, &[]),
    ];
    for (paths, body, want, marks) in cases {
        check(paths, body, want, marks);
    }
}

#[test]
fn configured_paths_are_replaced() {
    let cases: &[(&[&str], &str, &str, &[&str])] = &[
        (&["card.number"], r#"{"card":{"number":"4111"}}"#, r#"{"card":{"number":"[redacted]"}}"#, &["card.number"]),
        (
            &["$.card.number"],
            r#"{"card":{"number":4,"x":1}}"#,
            r#"{"card":{"number":"[redacted]","x":1}}"#,
            &["card.number"],
        ),
        (
            &["card.number"],
            r#"{"number":"4111111111","a":{"card":{"number":1}}}"#,
            r#"{"number":"4111111111","a":{"card":{"number":1}}}"#,
            &[],
        ),
        (
            &["cards[*].pin"],
            r#"{"cards":[{"pin":"12345678"},[{"pin":123456}]]}"#,
            r#"{"cards":[{"pin":"[redacted]"},[{"pin":"[redacted]"}]]}"#,
            &["cards.pin"],
        ),
        (
            &["*.token"],
            r#"{"a":{"token":"0123456789"},"token":"0123456789"}"#,
            r#"{"a":{"token":"[redacted]"},"token":"0123456789"}"#,
            &["a.token"],
        ),
        (
            &["a.*"],
            r#"{"a":{"b":"0123456789","c":{"d":1}}}"#,
            r#"{"a":{"b":"[redacted]","c":"[redacted]"}}"#,
            &["a.b", "a.c"],
        ),
        (
            &[r"a\.b"],
            r#"{"a.b":"0123456789","a":{"b":"0123456789"}}"#,
            r#"{"a.b":"[redacted]","a":{"b":"0123456789"}}"#,
            &[r"a\.b"],
        ),
        (&["a", "a.b"], r#"{"a":{"b":"0123456789"}}"#, r#"{"a":"[redacted]"}"#, &["a"]),
        (&["пароль"], r#"{"пароль":"0123456789"}"#, r#"{"пароль":"[redacted]"}"#, &["пароль"]),
        (&["ключ"], r#"{"\u043a\u043b\u044e\u0447":1}"#, r#"{"\u043a\u043b\u044e\u0447":"[redacted]"}"#, &["ключ"]),
        (&["a/b"], r#"{"a\/b":1}"#, r#"{"a\/b":"[redacted]"}"#, &["a/b"]),
        (&["pin"], r#"{"p\u0069n":"0123456789"}"#, r#"{"p\u0069n":"[redacted]"}"#, &["pin"]),
        (&["pin"], r#"{"pin":true,"x":{"pin":false}}"#, r#"{"pin":"[redacted]","x":{"pin":false}}"#, &["pin"]),
        (&["pin"], r#"[{"pin":"0123456789"}]"#, r#"[{"pin":"[redacted]"}]"#, &["pin"]),
        // The sender has a field of the mark's name.
        (
            &["pin"],
            r#"{"$redacted":"mine","$redacted_":1,"pin":1}"#,
            r#"{"$redacted":"mine","$redacted_":1,"pin":"[redacted]","$redacted__":["pin"]}"#,
            &[],
        ),
    ];
    for (paths, body, want, marks) in cases {
        check(paths, body, want, marks);
    }
}

#[test]
fn records_of_a_document_are_marked_each_for_itself() {
    let mut body = br#"{"Records":[{"pin":1},{"a":2},{"pin":3}],"pin":"of all"}"#.to_vec();
    let redacted = redactor(&["pin"]).redact(&mut body, BodyFormat::Json);
    let want = r#"{"Records":[{"pin":"[redacted]","$redacted":["pin"]},{"a":2},{"pin":"[redacted]","$redacted":["pin"]}],"pin":"[redacted]","$redacted":["pin"]}"#;
    assert_eq!((String::from_utf8(body).unwrap().as_str(), redacted.secrets), (want, 3));
}

#[test]
fn a_record_tells_of_some_paths_only() {
    let members: Vec<String> = (0..200).map(|n| format!("\"k{n}\":{{\"pin\":1}}")).collect();
    let mut body = format!("{{{}}}", members.join(",")).into_bytes();
    assert_eq!(redactor(&["*.pin"]).redact(&mut body, BodyFormat::Ndjson).secrets, 200);
    let record: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let marks = record["$redacted"].as_array().unwrap();
    assert_eq!((marks.len(), &marks[0], &marks[32]), (33, &"k0.pin".into(), &"…".into()));
}

#[test]
fn only_the_lines_concerned_change_and_broken_ones_do_too() {
    let secret = "Bearer 0123456789";
    let good = format!("{{\"headers\":{{\"authorization\":\"{secret}\"}}}}");
    for broken in [
        format!("{{\"headers\":{{\"authorization\":\"{secret}\""),
        format!("{{\"headers\":{{\"authorization\":\"{secret}"),
        format!("{{\"headers\":{{\"cookie\":[\"{secret}\",1"),
        format!("{{\"x\":}}}},\"headers\":{{\"authorization\":\"{secret}\"}}"),
        format!("{{\"a\":01,\"headers\":{{bad,\"authorization\":\"{secret}\"}}}}"),
    ] {
        let body = format!("{{\"a\":1}}\n{good}\n{broken}\n{{\"b\":2}}\n{good}");
        let mut bytes = body.clone().into_bytes();
        assert_eq!(redactor(&[]).redact(&mut bytes, BodyFormat::Ndjson).secrets, 3, "{broken}");
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(secret), "{text}");
        assert_eq!(text.lines().count(), 5);
        assert_eq!((text.lines().next(), text.lines().nth(3)), (Some("{\"a\":1}"), Some("{\"b\":2}")));
    }
}

#[test]
fn a_line_that_is_no_json_loses_what_follows_the_name_of_a_secret() {
    let hidden: &[&str] = &[
        "{'headers': {'Authorization': 'Bearer s3cr3t'}}",
        "{headers:{X_Api_Key:s3cr3t}}",
        "GET /a?api_key=s3cr3t HTTP/1.1",
        "Cookie: s3cr3t",
        "{\"card\":{\"number\":s3cr3t}}",
        "{\\\"cookie\\\": \\\"s3cr3t\\\"}",
        "{\"headers\":{\"authorization\":\"[redacted]\"},cookie:s3cr3t}",
        "a\0s3cr3t",
    ];
    let redactor = redactor(&["card.number"]);
    for line in hidden {
        let mut bytes = line.as_bytes().to_vec();
        assert!(redactor.blank(&mut bytes, BodyFormat::Ndjson), "{line}");
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("s3cr3t") && text.len() == line.len(), "{text}");
    }
    for value in [r#"["Cookie: s3cr3t", {"a": "]"}]"#, r#""token=s""#] {
        let mut bytes = value.as_bytes().to_vec();
        assert!(redactor.blank(&mut bytes, BodyFormat::Json), "{value}");
        let text = String::from_utf8(bytes).unwrap();
        assert!(serde_json::from_str::<String>(&text).is_ok_and(|text| !text.contains("s3cr3t")), "{text}");
        assert_eq!(text.len(), value.len());
    }
    for line in ["{broken", "{\"message\":\"password forgotten\"", "{\"headers\":{\"cookie\":\"[redacted]\"}", "token"]
    {
        let mut bytes = line.as_bytes().to_vec();
        assert!(!redactor.blank(&mut bytes, BodyFormat::Ndjson), "{line}");
        assert_eq!(bytes, line.as_bytes());
    }
}

#[test]
fn nesting_beyond_every_limit_costs_no_memory_and_little_time() {
    for (open, close) in [("[", "]"), ("{\"value\":", "}"), ("{\"headers\":", "}")] {
        let depth = 300_000;
        let mut body = format!("{{\"headers\":{}1{}}}", open.repeat(depth), close.repeat(depth)).into_bytes();
        assert_eq!(redactor(&["a.b"]).redact(&mut body, BodyFormat::Ndjson), Redacted::default());
    }
    // JSON in texts in texts ends somewhere.
    let mut text = "{\"headers\":{\"cookie\":\"a\"}}".to_string();
    for _ in 0..10 {
        text = serde_json::json!({ "x": text }).to_string();
    }
    assert_eq!(redactor(&[]).redact(&mut text.into_bytes(), BodyFormat::Ndjson), Redacted::default());
}

/// Paths that end in any key have no sign: every line is read, once.
#[test]
fn every_line_is_read_where_a_path_ends_in_any_key() {
    let mut body = b"{\"a\":{\"b\":1}}\n\n{\"a\":{\"c\":2}}\n{\"b\":3}\n".to_vec();
    assert_eq!(redactor(&["a.*"]).redact(&mut body, BodyFormat::Ndjson).secrets, 2);
    let text = String::from_utf8(body).unwrap();
    assert_eq!(text.lines().count(), 4);
    assert!(text.ends_with("{\"b\":3}\n") && !text.contains(":2"), "{text}");
}

/// A sign that comes in every line, beside one that comes never: the body must not be searched once a line.
#[test]
fn many_lines_with_secrets_are_read_once() {
    let lines = 200_000;
    let mut body =
        "{\"card\":{\"number\":1},\"a\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}\n".repeat(lines).into_bytes();
    let started = std::time::Instant::now();
    let redacted = redactor(&["card.number", "card.code"]).redact(&mut body, BodyFormat::Ndjson);
    assert_eq!(redacted.secrets, lines as u64);
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn rules_are_checked_when_they_are_read() {
    let read = |text: &str| serde_json::from_str::<RedactRules>(text);
    let none = read("{}").unwrap();
    assert!(!Redactor::new(&none, None).may_concern(br#"{"headers":{"cookie":"x"},"url":"?token=x"}"#));
    assert_eq!(
        read(r#"{"headers":[],"paths":["a"]}"#).unwrap(),
        RedactRules::new(RedactLists { paths: vec!["a".into()], ..RedactLists::default() }).unwrap()
    );
    for bad in [
        r#"{"paths":["a..b"]}"#,
        r#"{"paths":[""]}"#,
        r#"{"paths":["*"]}"#,
        r#"{"paths":["*.*"]}"#,
        r#"{"headers":[""]}"#,
        r#"{"headers":["a b"]}"#,
        r#"{"parameters":["a=b"]}"#,
        r#"{"path":[]}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    let lists =
        |count: usize, length: usize| RedactLists { paths: vec!["a".repeat(length); count], ..RedactLists::default() };
    assert!(RedactRules::new(lists(128, 512)).is_ok());
    assert_eq!(RedactRules::new(lists(129, 1)), Err(RedactError::TooMany { kind: "paths", count: 129, limit: 128 }));
    assert_eq!(RedactRules::new(lists(1, 513)), Err(RedactError::TooLong(513)));
    let text = serde_json::to_string(&RedactRules::default()).unwrap();
    assert_eq!(read(&text).unwrap(), RedactRules::default());
    let more = RedactLists { headers: vec!["x".into(), "cookie".into()], ..RedactLists::default() };
    assert_eq!(
        RedactRules::default().and(&more).unwrap().lists().headers.len(),
        Redaction::default().headers.len() + 1
    );
}

/// A header secret never survives, wherever it stands; the body stays JSON, and tells of it.
#[test]
fn no_secret_survives() {
    let name = prop::sample::select(vec!["Authorization", "cookie", "SET-COOKIE", "x_api_key", "c\\u006fokie"]);
    let around = prop::sample::select(vec!["headers", "request_headers", "HTTPHeaders", "response\\u0048eaders"]);
    let filler = prop::collection::vec(
        prop::sample::select(vec![
            "\"a\":1",
            "\"b\":{\"headers\":{}}",
            "\"c\":[\"\\\"headers\\\"\",{}]",
            "\"d\":\"\\\\\"",
        ]),
        0..4,
    );
    proptest!(ProptestConfig::with_cases(2_000), |(name in name, around in around, before in filler.clone(), after in filler, depth in 0..5_usize, text in any::<bool>())| {
        let mut body = format!("{{\"{around}\":{{\"x\":1,\"{name}\":\"SECRET SECRET\"}}}}");
        for _ in 0..depth {
            body = format!("{{\"deep\":[{body}]}}");
        }
        if text {
            body = serde_json::Value::from(body).to_string();
        }
        let join = |parts: &[&str]| parts.iter().map(|part| format!("{part},")).collect::<String>();
        let body = format!("{{{}\"e\":{body},{}\"z\":0}}", join(&before), join(&after));
        let mut bytes = body.clone().into_bytes();
        prop_assert_eq!(redactor(&[]).redact(&mut bytes, BodyFormat::Ndjson).secrets, 1, "{}", body);
        let text = String::from_utf8(bytes).unwrap();
        prop_assert!(!text.contains("SECRET"), "{}", text);
        let record: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(record["$redacted"].as_array().map(Vec::len), Some(1));
    });
}
