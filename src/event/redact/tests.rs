use proptest::prelude::*;

use super::*;

fn redactor(paths: &[&str]) -> Redactor {
    let rules = RedactRules::new(default_headers(), paths.iter().map(|path| (*path).to_string()).collect()).unwrap();
    Redactor::new(&rules, Some(b"Records"))
}

#[track_caller]
fn check(paths: &[&str], body: &str, want: &str) {
    let redactor = redactor(paths);
    for format in [BodyFormat::Json, BodyFormat::Ndjson] {
        let mut bytes = body.as_bytes().to_vec();
        let count = redactor.redact(&mut bytes, format);
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), want, "{body}");
        assert_eq!(count > 0, body != want, "{body}");
        // Doing it twice changes nothing more.
        assert_eq!(redactor.redact(&mut bytes, format), 0);
        assert_eq!(bytes, want.as_bytes());
    }
}

#[test]
fn secret_headers_are_replaced_in_every_form_of_a_header_list() {
    let cases = [
        (
            r#"{"request_headers":{"Authorization":"Bearer abc"}}"#,
            r#"{"request_headers":{"Authorization":"[redacted]"}}"#,
        ),
        (
            r#"{"headers":{"COOKIE":"a=b; c=d; e=f","Accept":"*/*"}}"#,
            r#"{"headers":{"COOKIE":"[redacted]"   ,"Accept":"*/*"}}"#,
        ),
        (r#"{"responseHEADERS":{"set-cookie":["a=1","b=2"]}}"#, r#"{"responseHEADERS":{"set-cookie":"***"      }}"#),
        (r#"{"headers":{"x-api-key":"abc"}}"#, r#"{"headers":{"x-api-key":"***"}}"#),
        (r#"{"headers":{"x-api-key":"ab"}}"#, r#"{"headers":{"x-api-key":"*" }}"#),
        (r#"{"headers":{"x-auth-token":7}}"#, r#"{"headers":{"x-auth-token":"[redacted]"}}"#),
        (r#"{"headers":{"x-auth-token":"","cookie":null}}"#, r#"{"headers":{"x-auth-token":"","cookie":null}}"#),
        (
            r#"{"headers":{"Proxy-Authorization":{"a":[1,"}"]}}}"#,
            r#"{"headers":{"Proxy-Authorization":"[redacted]"  }}"#,
        ),
        (
            r#"{"a":[{"Headers":{"in":{"cookie":"secretsecret"}}}]}"#,
            r#"{"a":[{"Headers":{"in":{"cookie":"[redacted]"  }}}]}"#,
        ),
        (
            r#"{"headers":[{"name":"Authorization","value":"Basic 1234"}]}"#,
            r#"{"headers":[{"name":"Authorization","value":"[redacted]"}]}"#,
        ),
        (
            r#"{"headers":[{"value":"Basic 1234","name":"Cookie"}]}"#,
            r#"{"headers":[{"value":"[redacted]","name":"Cookie"}]}"#,
        ),
        (
            r#"{"headers":[{"key":"cookie","values":["aaaa","bbb"]},{"key":"a","value":"b"}]}"#,
            r#"{"headers":[{"key":"cookie","values":"[redacted]"  },{"key":"a","value":"b"}]}"#,
        ),
        (
            r#"{"rawHeaders":["Host","a","Cookie","abcdefghij","Accept","b"]}"#,
            r#"{"rawHeaders":["Host","a","Cookie","[redacted]","Accept","b"]}"#,
        ),
        (
            r#"{"headers":[["Cookie","abcdefghij"],["Accept","b"]]}"#,
            r#"{"headers":[["Cookie","[redacted]"],["Accept","b"]]}"#,
        ),
        (r#"{"h\u0065aders":{"Cook\u0069e":"abcdefghij"}}"#, r#"{"h\u0065aders":{"Cook\u0069e":"[redacted]"}}"#),
        ("{ \"headers\" : { \"cookie\"\t:\t\"abcdefghij\" } }", "{ \"headers\" : { \"cookie\"\t:\t\"[redacted]\" } }"),
        (r#"{"headers":{"cookie":"a\"}{\\"}}"#, r#"{"headers":{"cookie":"***"    }}"#),
        // No headers, no secrets: names mean nothing elsewhere.
        (
            r#"{"authorization":"Bearer abc","header":{"cookie":"x"}}"#,
            r#"{"authorization":"Bearer abc","header":{"cookie":"x"}}"#,
        ),
        (r#"{"message":"headers\": {\"cookie\": \"x\"}"}"#, r#"{"message":"headers\": {\"cookie\": \"x\"}"}"#),
        (r#"{"headers":{"x-request-id":"1"},"cookie":"kept"}"#, r#"{"headers":{"x-request-id":"1"},"cookie":"kept"}"#),
    ];
    for (body, want) in cases {
        check(&[], body, want);
    }
}

#[test]
fn configured_paths_are_replaced() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&["card.number"], r#"{"card":{"number":"4111111111"}}"#, r#"{"card":{"number":"[redacted]"}}"#),
        (&["$.card.number"], r#"{"card":{"number":"4111111111","x":1}}"#, r#"{"card":{"number":"[redacted]","x":1}}"#),
        (
            &["card.number"],
            r#"{"number":"4111111111","a":{"card":{"number":1}}}"#,
            r#"{"number":"4111111111","a":{"card":{"number":1}}}"#,
        ),
        (
            &["cards[*].pin"],
            r#"{"cards":[{"pin":"12345678"},[{"pin":123456}]]}"#,
            r#"{"cards":[{"pin":"***"     },[{"pin":"***" }]]}"#,
        ),
        (
            &["*.token"],
            r#"{"a":{"token":"0123456789"},"token":"0123456789"}"#,
            r#"{"a":{"token":"[redacted]"},"token":"0123456789"}"#,
        ),
        (&["a.*"], r#"{"a":{"b":"0123456789","c":{"d":1}}}"#, r#"{"a":{"b":"[redacted]","c":"***"  }}"#),
        (
            &[r"a\.b"],
            r#"{"a.b":"0123456789","a":{"b":"0123456789"}}"#,
            r#"{"a.b":"[redacted]","a":{"b":"0123456789"}}"#,
        ),
        (&["a", "a.b"], r#"{"a":{"b":"0123456789"}}"#, r#"{"a":"[redacted]"      }"#),
        (&["пароль"], r#"{"пароль":"0123456789"}"#, r#"{"пароль":"[redacted]"}"#),
        (&["pin"], r#"{"p\u0069n":"0123456789"}"#, r#"{"p\u0069n":"[redacted]"}"#),
        (&["pin"], r#"{"pin":true,"x":{"pin":false}}"#, r#"{"pin":"*" ,"x":{"pin":false}}"#),
        // Records that lie in a document are records.
        (
            &["pin"],
            r#"{"Records":[{"pin":"0123456789"}],"pin":"x1234567890"}"#,
            r#"{"Records":[{"pin":"[redacted]"}],"pin":"[redacted]" }"#,
        ),
        (&["pin"], r#"[{"pin":"0123456789"}]"#, r#"[{"pin":"[redacted]"}]"#),
    ];
    for (paths, body, want) in cases {
        check(paths, body, want);
    }
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
        assert_eq!(redactor(&[]).redact(&mut bytes, BodyFormat::Ndjson), 3, "{broken}");
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(secret), "{text}");
        assert_eq!(text.lines().count(), 5);
        assert_eq!((text.lines().next(), text.lines().nth(3)), (Some("{\"a\":1}"), Some("{\"b\":2}")));
        assert_eq!(text.len(), body.len());
    }
}

#[test]
fn nesting_beyond_every_limit_costs_no_memory_and_little_time() {
    for (open, close) in [("[", "]"), ("{\"value\":", "}"), ("{\"headers\":", "}")] {
        let depth = 300_000;
        let mut body = format!("{{\"headers\":{}1{}}}", open.repeat(depth), close.repeat(depth)).into_bytes();
        assert_eq!(redactor(&["a.b"]).redact(&mut body, BodyFormat::Ndjson), 0);
    }
}

#[test]
fn rules_are_checked_when_they_are_read() {
    let read = |text: &str| serde_json::from_str::<RedactRules>(text);
    assert_eq!(read("{}").unwrap(), RedactRules::default());
    assert_eq!(
        read(r#"{"headers":[],"paths":["a"]}"#).unwrap(),
        RedactRules::new(Vec::new(), vec!["a".into()]).unwrap()
    );
    for bad in [r#"{"paths":["a..b"]}"#, r#"{"paths":[""]}"#, r#"{"headers":[""]}"#, r#"{"path":[]}"#] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert_eq!(RedactRules::new(Vec::new(), vec!["a".into(); 129]), Err(RedactError::TooManyPaths(129)));
    let text = serde_json::to_string(&RedactRules::default()).unwrap();
    assert_eq!(read(&text).unwrap(), RedactRules::default());
    // Without headers and paths nothing is looked for.
    let none = Redactor::new(&read(r#"{"headers":[]}"#).unwrap(), None);
    assert!(!none.may_concern(br#"{"headers":{"cookie":"x"}}"#));
}

/// A header secret never survives, wherever it stands; the body stays JSON of the same length.
#[test]
fn no_secret_survives() {
    let name = prop::sample::select(vec!["Authorization", "cookie", "SET-COOKIE", "x-api-key", "c\\u006fokie"]);
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
    proptest!(ProptestConfig::with_cases(2_000), |(name in name, around in around, before in filler.clone(), after in filler, depth in 0..5_usize)| {
        let mut body = format!("{{\"{around}\":{{\"x\":1,\"{name}\":\"SECRET SECRET\"}}}}");
        for _ in 0..depth {
            body = format!("{{\"deep\":[{body}]}}");
        }
        let join = |parts: &[&str]| parts.iter().map(|part| format!("{part},")).collect::<String>();
        let body = format!("{{{}\"e\":{body},{}\"z\":0}}", join(&before), join(&after));
        let mut bytes = body.clone().into_bytes();
        prop_assert_eq!(redactor(&[]).redact(&mut bytes, BodyFormat::Ndjson), 1, "{}", body);
        let text = String::from_utf8(bytes).unwrap();
        prop_assert!(!text.contains("SECRET") && text.len() == body.len(), "{}", text);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    });
}
