//! Browsers: signing in and out, what their cookie opens, and whose requests it does not vouch for.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::common::{Answer, Home, TestServer, send};

const SITE: &str = "sec-fetch-site";
/// A query that ends with its key only.
const LONG: &str = "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8";

/// A browser that is signed in.
struct Browser<'a> {
    server: &'a TestServer,
    /// The cookie as it is sent back.
    cookie: String,
}

impl<'a> Browser<'a> {
    async fn sign_in(server: &'a TestServer, key: &str) -> Self {
        let answer = sign_in(server, json!({"key": key})).await;
        Self { server, cookie: cookie(&answer) }
    }

    /// A request as a page of the server makes it.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header(SITE, "same-origin")
    }

    /// A request with nothing but the cookie.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.server.client.request(method, format!("{}{path}", self.server.url)).header("cookie", &self.cookie)
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    async fn ask(&self, sql: &str) -> Answer {
        send(self.request(Method::POST, "/api/v1/query").json(&json!({"sql": sql}))).await
    }
}

async fn sign_in(server: &TestServer, body: Value) -> Answer {
    send(server.client.post(format!("{}/api/v1/session", server.url)).json(&body)).await
}

/// `name=value` of the cookie that an answer sets.
fn cookie(answer: &Answer) -> String {
    answer.json(200);
    answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn key(server: &TestServer, mut new: Value) -> (String, String) {
    new["name"] = json!("browser");
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_key_becomes_a_cookie_that_opens_as_much_and_no_more() {
    let server = TestServer::start();
    server.create_project("shop").await;
    let body = "{\"module\":\"orders\",\"actor_email\":\"secret-canary@example.com\"}\n{\"module\":\"stock\"}\n";
    server.append("shop", "", body).await.json(200);
    server.append("default", "", "{\"module\":\"elsewhere-canary\"}").await.json(200);
    let new = json!({"scopes": ["query"], "project": "shop",
        "restrictions": {"modules": ["orders"], "masked_columns": ["actor_email"]}});
    let (id, secret) = key(&server, new).await;
    let answer = sign_in(&server, json!({"key": secret})).await;
    let told = answer.json(200);
    let until = told["expires_at"].as_str().unwrap().to_owned();
    let expected = json!({"key": {"id": id, "name": "browser", "scopes": ["query"], "project": "shop"},
        "restricted": true, "expires_at": until, "projects": ["shop"], "signed_in_with": "session"});
    assert_eq!(told, expected);
    let set = answer.headers["set-cookie"].to_str().unwrap();
    let (token, flags) = set.split_once("; ").unwrap();
    assert!(token.starts_with("kronika_session=krn_session_") && !set.contains(&secret), "{set}");
    let (flags, age) = flags.rsplit_once('=').unwrap();
    assert_eq!(flags, "Path=/; HttpOnly; SameSite=Strict; Max-Age", "without TLS, no Secure");
    assert!((43_190..=43_200).contains(&age.parse::<u64>().unwrap()), "{set}");
    let browser = Browser { server: &server, cookie: cookie(&answer) };
    assert_eq!(browser.get("/api/v1/session").await.json(200), expected);
    // As the key is known by its own.
    let keyed = send(server.with(&secret, Method::GET, "/api/v1/session")).await.json(200);
    assert_eq!((&keyed["signed_in_with"], &keyed["projects"]), (&json!("key"), &json!(["shop"])));
    assert_eq!(browser.ask("SELECT module FROM events").await.json(200)["rows"], json!([["orders"]]));
    for sql in ["SELECT actor_email FROM events", "SELECT raw FROM events"] {
        browser.ask(sql).await.problem(403, "hidden_column");
    }
    browser.get("/api/v1/keys").await.problem(403, "forbidden");
    send(browser.request(Method::POST, "/api/v1/events").body("{\"a\":1}")).await.problem(403, "forbidden");
    let other = browser.request(Method::GET, "/api/v1/events").header("kronika-project", "default");
    send(other).await.problem(403, "forbidden");
    for path in ["/api/v1/events", "/api/v1/facets?fields=module", "/api/v1/histogram", "/api/v1/queries"] {
        let answer = browser.get(path).await;
        assert!(!answer.text.contains("canary"), "{path}: {}", answer.text);
    }
    // A key that is sent as well is what counts.
    let both = send(browser.request(Method::GET, "/api/v1/session").bearer_auth(&server.key)).await.json(200);
    assert_eq!((&both["signed_in_with"], &both["projects"]), (&json!("key"), &json!(["default", "shop"])));
    let wrong = send(browser.request(Method::GET, "/api/v1/session").bearer_auth("krn_a_wrong")).await;
    wrong.problem(401, "unauthenticated");
    server.stop();
}

#[tokio::test]
async fn wrong_sign_ins_are_refused_like_wrong_keys() {
    let server = TestServer::start();
    let (id, revoked) = key(&server, json!({"scopes": ["query"], "project": "default"})).await;
    send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await;
    let missing = send(server.client.get(format!("{}/api/v1/session", server.url))).await;
    let missing = missing.problem(401, "unauthenticated");
    for body in [json!({"key": "krn_a_wrong"}), json!({"key": ""}), json!({"key": revoked}), json!({"link": "x"})] {
        let answer = sign_in(&server, body).await;
        assert!(!answer.headers.contains_key("set-cookie"));
        assert_eq!(answer.problem(401, "unauthenticated"), missing, "one answer for all");
    }
    for body in [json!({}), json!({"key": server.key, "link": "x"}), json!({"key": null})] {
        sign_in(&server, body).await.problem(400, "invalid_sign_in");
    }
    for body in [json!({"key": 1}), json!({"secret": "x"}), json!([])] {
        sign_in(&server, body).await.problem(400, "invalid_json");
    }
    let strange = Browser { server: &server, cookie: "kronika_session=krn_session_x".into() };
    strange.get("/api/v1/session").await.problem(401, "unauthenticated");
    send(server.request(Method::DELETE, "/api/v1/session")).await.problem(400, "no_session");
    server.stop();
}

#[tokio::test]
async fn a_link_signs_in_once_and_for_its_time() {
    let server = TestServer::start_with("[access]\nlink_lifetime = \"2s\"\n");
    let make = || send(server.request(Method::POST, "/api/v1/session/links"));
    let link = make().await.json(200)["link"].as_str().unwrap().to_owned();
    let told = sign_in(&server, json!({"link": link})).await.json(200);
    assert_eq!((&told["signed_in_with"], &told["projects"]), (&json!("session"), &json!(["default"])));
    sign_in(&server, json!({"link": link})).await.problem(401, "unauthenticated");
    let late = make().await.json(200)["link"].as_str().unwrap().to_owned();
    // It is no key, and a key is no link.
    sign_in(&server, json!({"key": late})).await.problem(401, "unauthenticated");
    sign_in(&server, json!({"link": server.key})).await.problem(401, "unauthenticated");
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    sign_in(&server, json!({"link": late})).await.problem(401, "unauthenticated");
    // A browser that is signed in may make one as well.
    let browser = Browser::sign_in(&server, &server.key).await;
    let link = send(browser.request(Method::POST, "/api/v1/session/links")).await.json(200);
    sign_in(&server, json!({"link": link["link"]})).await.json(200);
    server.stop();
}

#[tokio::test]
async fn sessions_live_through_a_restart_and_end_with_their_key_at_once() {
    let server = TestServer::start();
    let (id, secret) = key(&server, json!({"scopes": ["query"], "project": "default"})).await;
    let before = Browser::sign_in(&server, &secret).await.cookie;
    let home = server.stop();
    let server = TestServer::start_in(&home);
    let browser = Browser { server: &server, cookie: before };
    assert_eq!(browser.ask("SELECT 1").await.json(200)["rows"], json!([["1"]]));
    // Another secret of the key: the session goes on, also when the older one is over.
    let rotated = server.request(Method::POST, &format!("/api/v1/keys/{id}/rotate")).json(&json!({"overlap": "0s"}));
    send(rotated).await.json(200);
    server.ask(&secret, "SELECT 1").await.problem(401, "unauthenticated");
    browser.get("/api/v1/session").await.json(200);
    // A running query of the session ends within a second, and the next call finds the door shut.
    let long = browser.ask(LONG);
    let (long, took) = tokio::join!(long, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await;
        let revoked = Instant::now();
        browser.get("/api/v1/session").await.problem(401, "unauthenticated");
        revoked.elapsed()
    });
    assert!(took < Duration::from_secs(1), "{took:?}");
    long.problem(401, "key_ended");
    server.stop();
}

#[tokio::test]
async fn sessions_end_with_their_time_and_the_oldest_of_too_many_first() {
    let server = TestServer::start_with("[access]\nsession_lifetime = \"3s\"\nsessions_max = 2\n");
    let begun = Instant::now();
    let first = Browser::sign_in(&server, &server.key).await;
    let second = Browser::sign_in(&server, &server.key).await;
    first.get("/api/v1/session").await.json(200);
    let third = Browser::sign_in(&server, &server.key).await;
    first.get("/api/v1/session").await.problem(401, "unauthenticated");
    for browser in [&second, &third] {
        browser.get("/api/v1/session").await.json(200);
    }
    // A stream ends with its session, too.
    let mut stream = third.request(Method::GET, "/api/v1/tail").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    while let Ok(Some(_)) = stream.chunk().await {}
    assert!((2..=10).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    third.get("/api/v1/session").await.problem(401, "unauthenticated");
    server.stop();
}

#[tokio::test]
async fn one_signs_out_here_or_everywhere() {
    let server = TestServer::start();
    let (_, secret) = key(&server, json!({"scopes": ["query"], "project": "default"})).await;
    let here = Browser::sign_in(&server, &secret).await;
    let there = Browser::sign_in(&server, &secret).await;
    let answer = send(here.request(Method::DELETE, "/api/v1/session")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert_eq!(set, "kronika_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    here.get("/api/v1/session").await.problem(401, "unauthenticated");
    there.get("/api/v1/session").await.json(200);
    // Whoever signs in again in the same browser leaves no session behind.
    let again = there.request(Method::POST, "/api/v1/session").json(&json!({"key": secret}));
    let again = Browser { server: &server, cookie: cookie(&send(again).await) };
    there.get("/api/v1/session").await.problem(401, "unauthenticated");
    let link = send(again.request(Method::POST, "/api/v1/session/links")).await.json(200);
    let other = Browser::sign_in(&server, &server.key).await;
    let answer = send(again.request(Method::DELETE, "/api/v1/session?everywhere=true")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    again.get("/api/v1/session").await.problem(401, "unauthenticated");
    sign_in(&server, json!({"link": link["link"]})).await.problem(401, "unauthenticated");
    other.get("/api/v1/session").await.json(200);
    let wrong = send(other.request(Method::DELETE, "/api/v1/session?everywhere=perhaps")).await;
    wrong.problem(400, "invalid_parameter");
    // With the key itself, as well.
    let last = Browser::sign_in(&server, &secret).await;
    assert_eq!(send(server.with(&secret, Method::DELETE, "/api/v1/session?everywhere=true")).await.status, 204);
    last.get("/api/v1/session").await.problem(401, "unauthenticated");
    server.stop();
}

/// The cases of `http::browser`, as real requests: what is sent, whether reading and whether changing is let through.
#[tokio::test]
async fn the_cookie_vouches_for_requests_of_this_site_only() {
    let server = TestServer::start();
    let own = server.url.as_str();
    let browser = Browser::sign_in(&server, &server.key).await;
    let foreign = "https://elsewhere.example";
    /// Headers, and whether reading and changing are allowed with them.
    type Case<'a> = (&'a [(&'a str, &'a str)], bool, bool);
    let cases: &[Case] = &[
        (&[(SITE, "same-origin")], true, true),
        (&[(SITE, "same-origin"), ("origin", own)], true, true),
        (&[(SITE, "none")], true, false),
        (&[(SITE, "same-site")], false, false),
        (&[(SITE, "cross-site")], false, false),
        (&[(SITE, "cross-site"), ("origin", own)], false, false),
        (&[("origin", own)], true, true),
        (&[("origin", foreign)], false, false),
        (&[("origin", "null")], false, false),
        (&[("origin", own), ("origin", foreign)], false, false),
        (&[], true, false),
    ];
    let sent = |request: RequestBuilder, headers: &[(&str, &str)]| {
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    for (headers, reads, changes) in cases {
        let read = send(sent(browser.bare(Method::GET, "/api/v1/session"), headers)).await;
        let change = browser.bare(Method::POST, "/api/v1/query").json(&json!({"sql": "SELECT 1"}));
        let change = send(sent(change, headers)).await;
        for (answer, may) in [(read, reads), (change, changes)] {
            if *may {
                answer.json(200);
            } else {
                answer.problem(403, "cross_site");
            }
        }
        // A key is no cookie: whoever has it may send it from anywhere.
        send(sent(server.request(Method::POST, "/api/v1/query").json(&json!({"sql": "SELECT 1"})), headers))
            .await
            .json(200);
        // No page of another site signs a browser in; a program, which names none, does.
        let begin = server.client.post(format!("{own}/api/v1/session")).json(&json!({"key": server.key}));
        let begun = send(sent(begin, headers)).await;
        if *reads {
            begun.json(200);
        } else {
            begun.problem(403, "cross_site");
        }
    }
    server.stop();
}

#[tokio::test]
async fn a_link_names_a_project_where_no_header_can() {
    let server = TestServer::start();
    for name in ["shop", "other"] {
        server.create_project(name).await;
        server.append(name, "", format!("{{\"module\":\"of-{name}\"}}")).await.json(200);
    }
    let browser = Browser::sign_in(&server, &server.key).await;
    let list = |query: &str| browser.request(Method::GET, &format!("/api/v1/events?{query}"));
    let modules = |answer: Answer| {
        answer.json(200)["events"].as_array().map(|all| all.iter().map(|e| e["module"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(modules(send(list("kronika-project=shop&limit=5")).await).unwrap(), ["of-shop"]);
    assert_eq!(modules(send(list("limit=5&kronika%2Dproject=other")).await).unwrap(), ["of-other"]);
    // The same in both is no contradiction.
    assert_eq!(
        modules(send(list("kronika-project=shop").header("kronika-project", "shop")).await).unwrap(),
        ["of-shop"]
    );
    send(list("kronika-project=shop").header("kronika-project", "other")).await.problem(400, "invalid_project");
    send(list("kronika-project=shop&kronika-project=other")).await.problem(400, "invalid_project");
    send(list("kronika-project=No%20Name")).await.problem(400, "invalid_project");
    send(list("kronika-project=nowhere")).await.problem(404, "project_not_found");
    // With a key it is a parameter like any other that no route knows.
    send(server.request(Method::GET, "/api/v1/events?kronika-project=shop")).await.problem(400, "unknown_filter");
    let both = browser.request(Method::GET, "/api/v1/events?kronika-project=shop").bearer_auth(&server.key);
    send(both).await.problem(400, "unknown_filter");
    // Nor does it widen what a key of one project opens.
    let (_, secret) = key(&server, json!({"scopes": ["query"], "project": "shop"})).await;
    let shop = Browser::sign_in(&server, &secret).await;
    shop.get("/api/v1/events?kronika-project=other").await.problem(403, "forbidden");
    server.stop();
}

#[tokio::test]
async fn who_signs_in_and_out_is_recorded() {
    let server = TestServer::start();
    let (_, auditor) = key(&server, json!({"scopes": ["audit-read"], "project": "_audit"})).await;
    let (id, secret) = key(&server, json!({"scopes": ["query"], "project": "default"})).await;
    let browser = Browser::sign_in(&server, &secret).await;
    let link = send(browser.request(Method::POST, "/api/v1/session/links")).await.json(200);
    sign_in(&server, json!({"link": link["link"]})).await.json(200);
    let foreign = browser.bare(Method::POST, "/api/v1/query").header(SITE, "cross-site");
    send(foreign.json(&json!({"sql": "SELECT 1"}))).await.problem(403, "cross_site");
    sign_in(&server, json!({"link": link["link"]})).await.problem(401, "unauthenticated");
    let gone = Browser { server: &server, cookie: browser.cookie.clone() };
    send(browser.request(Method::DELETE, "/api/v1/session")).await;
    gone.get("/api/v1/session").await.problem(401, "unauthenticated");
    send(server.with(&secret, Method::DELETE, "/api/v1/session?everywhere=true")).await;
    server.wait_for_audit("access.login_failed").await;
    let sql = "SELECT event_type, outcome, error_code, object_after FROM events \
               WHERE event_type LIKE 'session.%' OR error_code IN ('cross_site') ORDER BY _seq";
    let told = server.ask(&auditor, sql).await.json(200);
    let rows: Vec<Vec<Option<String>>> = serde_json::from_value(told["rows"].clone()).unwrap();
    let short: Vec<_> = rows.iter().map(|row| (row[0].as_deref().unwrap(), row[2].as_deref())).collect();
    let expected = [
        ("session.begin", None),
        ("session.link", None),
        ("session.begin", None),
        ("access.denied", Some("cross_site")),
        ("session.end", None),
        ("session.end", None),
    ];
    assert_eq!(short, expected, "{told}");
    assert!(rows[0][3].as_ref().unwrap().contains("\"key\"") && rows[2][3].as_ref().unwrap().contains("\"link\""));
    assert_eq!(rows[5][3].as_deref(), Some("{\"everywhere\":true,\"sessions\":1}"));
    let of_key = format!("SELECT count(*) FROM events WHERE event_type LIKE 'session.%' AND actor_id = '{id}'");
    assert_eq!(server.ask(&auditor, &of_key).await.json(200)["rows"][0][0], "5");
    let failed = "SELECT error_code FROM events WHERE event_type = 'access.login_failed' ORDER BY 1";
    let failed = server.ask(&auditor, failed).await.json(200);
    assert!(failed["rows"].as_array().unwrap().contains(&json!(["link_unknown"])), "{failed}");
    // No token in it, whatever was sent.
    let all = server.ask(&auditor, "SELECT raw, attributes, url, object_after FROM events").await.text;
    let (token, link) = (browser.cookie.split('=').nth(1).unwrap(), link["link"].as_str().unwrap());
    assert!(!all.contains(token) && !all.contains(link) && !all.contains(&secret));
    server.stop();
}

#[tokio::test]
async fn no_backup_and_no_other_user_gets_the_sessions() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new("");
    let server = TestServer::start_in(&home);
    let browser = Browser::sign_in(&server, &server.key).await;
    let file = home.data_dir().join("sessions.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!text.contains(browser.cookie.rsplit('_').next().unwrap()), "{text}");
    let to = home.path("backup");
    let mut backup = super::common::kronika();
    backup.arg("backup").arg(&to).arg("--data-dir").arg(home.data_dir());
    let done = backup.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut dirs = vec![to];
    let mut names = Vec::new();
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
            dirs.extend(path.is_dir().then_some(path));
        }
    }
    assert!(names.iter().any(|name| name == "keys.json"), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("sessions")), "{names:?}");
    server.stop();
}
