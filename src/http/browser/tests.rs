use super::*;

fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in all {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn the_table_of_sites() {
    const SITE: &str = "sec-fetch-site";
    type Case = (&'static [(&'static str, &'static str)], bool, bool);
    let cases: &[Case] = &[
        (&[(SITE, "same-origin")], true, true),
        (&[(SITE, "same-origin"), ("origin", "https://elsewhere.example")], true, true),
        (&[(SITE, "none")], true, false),
        (&[(SITE, "same-site")], false, false),
        (&[(SITE, "cross-site"), ("origin", "http://kronika.example:7700")], false, false),
        (&[(SITE, "Same-Origin")], false, false),
        (&[(SITE, "")], false, false),
        (&[("origin", "http://kronika.example:7700")], true, true),
        (&[("origin", "http://KRONIKA.example:7700")], true, true),
        (&[("origin", "https://kronika.example:7700")], true, true),
        (&[("origin", "http://kronika.example")], false, false),
        (&[("origin", "http://kronika.example:7700.evil.example")], false, false),
        (&[("origin", "http://evil.example/kronika.example:7700")], false, false),
        (&[("origin", "chrome-extension://kronika.example:7700")], false, false),
        (&[("origin", "null")], false, false),
        (&[("origin", "")], false, false),
        (&[("origin", "http://kronika.example:7700"), ("origin", "http://evil.example")], false, false),
        (&[], true, false),
        (&[("referer", "http://kronika.example:7700/")], true, false),
    ];
    for (sent, reads, changes) in cases {
        let sent = headers(sent);
        let of = |method: Method| is_same_origin(&method, &sent, Some("kronika.example:7700"));
        assert_eq!((of(Method::GET), of(Method::HEAD)), (*reads, *reads), "{sent:?}");
        assert_eq!((of(Method::POST), of(Method::PUT), of(Method::DELETE)), (*changes, *changes, *changes), "{sent:?}");
    }
    let of = |origin: &'static str, host| is_same_origin(&Method::POST, &headers(&[("origin", origin)]), host);
    // The port that goes without saying.
    assert!(of("https://kronika.example", Some("kronika.example:443")) && of("http://a:80", Some("a")));
    assert!(!of("http://kronika.example", Some("kronika.example:443")) && !of("https://a", None));
}

#[test]
fn the_cookie_is_found_among_others() {
    let of = |sent: &[(&'static str, &'static str)]| token(&headers(sent)).map(str::to_owned);
    assert_eq!(of(&[("cookie", "a=b; kronika_session=x_1; c=d")]).as_deref(), Some("x_1"));
    assert_eq!(of(&[("cookie", "a=b"), ("cookie", "kronika_session=x")]).as_deref(), Some("x"));
    assert_eq!(of(&[("cookie", "kronika_session2=x; akronika_session=y; kronika_session")]), None);
    assert_eq!(of(&[("cookie", "kronika_session=")]).as_deref(), Some(""));
    assert_eq!(of(&[]), None);
}

#[test]
fn the_project_of_a_link_is_taken_out_of_its_address() {
    let of = |uri: &str| {
        let (named, rest) = without_project(&uri.parse().unwrap())?;
        Some((named.join("|"), rest.to_string()))
    };
    let found = |named: &str, rest: &str| Some((named.to_owned(), rest.to_owned()));
    assert_eq!(of("/a?kronika-project=shop"), found("shop", "/a"));
    assert_eq!(of("/a?x=1&kronika-project=shop&y=%26&z"), found("shop", "/a?x=1&y=%26&z"));
    assert_eq!(of("/a?%6bronika-project=%5faudit"), found("_audit", "/a"));
    assert_eq!(of("/a?kronika-project=a&kronika-project=b&c=d"), found("a|b", "/a?c=d"));
    assert_eq!(of("/a?kronika-project"), found("", "/a"));
    assert_eq!(of("http://h:1/a?kronika-project=b&c"), found("b", "http://h:1/a?c"));
    assert_eq!(of("/a?project=b"), None);
    assert_eq!(of("/a"), None);
}

#[test]
fn a_cookie_is_for_this_server_alone_and_for_tls_where_there_is_tls() {
    let plain = config::Server::default();
    let of = |server: &config::Server| cookie("t", 60, server).unwrap().to_str().unwrap().to_owned();
    assert_eq!(of(&plain), "kronika_session=t; Path=/; HttpOnly; SameSite=Strict; Max-Age=60");
    let proxied = config::Server { behind_proxy: true, ..plain.clone() };
    let tls = config::Server { tls_cert: Some("c".into()), ..plain };
    assert!(of(&proxied).ends_with("; Secure") && of(&tls).ends_with("; Secure"));
    assert!(cookie("a\nb", 60, &proxied).is_err());
}
