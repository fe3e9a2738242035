//! Points 22, 27 and 28 of the checklist, dashboards and the administration: what is kept, asked in SQL, made and managed.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::common::{TestServer, send};
use super::driver::{Look, Page, Site, browser, demo, journey, site};

/// A statement that nobody lives to see the end of.
const LONG: &str = "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8";

/// A key with some rights in the project `default`.
async fn key(server: &TestServer, name: &str, scopes: &[&str]) -> Site {
    let new = json!({"name": name, "scopes": scopes, "project": "default"});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    Site { key: made["secret"].as_str().unwrap().to_owned(), ..site(server) }
}

/// Puts a text into the SQL editor in the place of what is there.
async fn write(page: &Page, sql: &str) -> WebDriverResult<()> {
    page.find("[data-test=editor]").await?.click().await?;
    page.driver.action_chain().key_down(Key::Control).send_keys("a").key_up(Key::Control).perform().await?;
    let paste = "const [text] = arguments; document.execCommand('insertText', false, text)";
    page.driver.execute(paste, vec![json!(sql)]).await?;
    page.driver.action_chain().send_keys(Key::Escape).perform().await
}

/// Ctrl+Enter.
async fn run(page: &Page) -> WebDriverResult<()> {
    page.driver.action_chain().key_down(Key::Control).send_keys(Key::Enter).key_up(Key::Control).perform().await
}

#[tokio::test]
async fn a_screen_is_saved_marked_when_it_changed_reverted_shared_and_opened_first() {
    let server = TestServer::start();
    let events = [json!({"event_id": "a", "module": "orders"}), json!({"event_id": "b", "module": "couriers"})];
    server.append("default", "", events.map(|one| one.to_string()).join("\n")).await.json(200);
    let (one, other) = (key(&server, "anna", &["query"]).await, key(&server, "boris", &["query"]).await);
    journey(&one, |page| async move {
        page.open("/?period=all&module=orders&columns=event_time,module").await?;
        page.click("[data-test=saved]").await?;
        page.click("[data-test=saved-new]").await?;
        let name = page.find("[data-test=saved-name]").await?;
        name.clear().await?;
        name.send_keys("Orders only").await?;
        page.find("[data-test=saved-shared]").await?.click().await?;
        page.find("[data-test=saved-default]").await?.click().await?;
        page.click("[data-test=saved-save]").await?;
        page.until("it is named", async || Ok(page.text("[data-test=saved]").await?.contains("Orders only"))).await?;
        assert_eq!(page.all("[data-test=saved] .badge").await?.len(), 0, "as it was saved");
        page.click("[data-test=chip-remove]").await?;
        page.find("[data-test=saved] .badge").await?;
        assert_eq!(page.rows().await?, 2);
        page.click("[data-test=saved-revert]").await?;
        assert_eq!((page.param("module").await?, page.rows().await?), ("orders".to_owned(), 1));
        assert_eq!(page.all("[data-test=saved] .badge").await?.len(), 0);
        // Where nothing is asked, the default comes.
        page.open("/").await?;
        page.until("the default screen", async || Ok(page.param("module").await? == "orders")).await?;
        assert_eq!(page.param("columns").await?, "event_time,module");
        Ok(())
    })
    .await;
    journey(&other, |page| async move {
        page.open("/?period=all").await?;
        assert_eq!(page.param("module").await?, "", "another's default is not mine");
        page.click("[data-test=saved]").await?;
        page.click("[data-test=saved-entry]").await?;
        assert_eq!((page.param("module").await?, page.rows().await?), ("orders".to_owned(), 1));
        page.click("[data-test=saved]").await?;
        assert_eq!(page.all("[data-test=saved-delete]").await?.len(), 0, "nor may I delete it");
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test]
async fn an_error_of_sql_is_underlined_where_it_is() {
    browser(Look::default(), |driver| async {
        let page = Page { driver, site: demo() };
        page.sign_in("en").await?;
        page.open("/sql?project=demo").await?;
        let sql = "SELECT 1;\nSELECT module,\n  nope\nFROM events";
        write(&page, sql).await?;
        run(&page).await?;
        page.settled().await?;
        page.find("[data-test=go-error]").await?;
        assert_eq!(page.run("return [...document.querySelectorAll('.code-layer .code-wrong')].map((one) => one.textContent).join('')").await?, json!("nope"));
        page.click("[data-test=go-error]").await?;
        let caret = page.run("return document.querySelector('[data-test=editor]').selectionStart").await?;
        assert_eq!(caret, json!(sql.find("nope").unwrap()), "one click leads there");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn of_several_statements_the_one_at_the_caret_runs_and_its_order_stays() {
    journey(&demo(), |page| async move {
        page.open("/sql?project=demo").await?;
        write(&page, "SELECT 41 AS first;\nSELECT module, count(*) AS events FROM events GROUP BY module ORDER BY events DESC, module LIMIT 7;").await?;
        run(&page).await?;
        page.settled().await?;
        assert_eq!(page.param("at").await?, "2");
        let shown = "return [...document.querySelectorAll('[data-test=answer] [data-test=row], [data-test=answer] .grid-row[data-index]')].map((row) => row.querySelector('.grid-cell').textContent)";
        let names: Vec<String> = serde_json::from_value(page.run(shown).await?).unwrap();
        let asked = page.sql("demo", "SELECT module FROM events GROUP BY module ORDER BY count(*) DESC, module LIMIT 7").await;
        assert_eq!(names, asked.iter().map(|row| row[0].as_str().unwrap()).collect::<Vec<_>>());
        page.run("const area = document.querySelector('[data-test=editor]'); area.focus(); area.setSelectionRange(3, 3)").await?;
        run(&page).await?;
        page.until("the first runs", async || Ok(page.text("[data-test=result]").await?.contains("41"))).await?;
        assert!(page.text("[data-test=counters]").await?.contains("1 row"), "{}", page.text("[data-test=counters]").await?);
        // The draft outlives a reload, and the address the whole.
        page.open(&page.address().await?).await?;
        assert!(page.find("[data-test=editor]").await?.value().await?.unwrap_or_default().contains("LIMIT 7"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_editor_completes_tables_columns_functions_and_values() {
    journey(&demo(), |page| async move {
        page.open("/sql?project=demo").await?;
        let offers = "return [...document.querySelectorAll('[data-test=suggestions]:not([hidden]) [role=option]')].map((one) => one.textContent)";
        for (before, typed, offered) in [("SELECT ", "mod", "module"), ("SELECT * FROM ", "even", "events"), ("SELECT ", "date_tr", "date_trunc"), ("SELECT * FROM events WHERE source = '", "ido", "idosell")] {
            write(&page, before).await?;
            page.press(typed).await?;
            page.until(&format!("{offered} is offered"), async || Ok(page.run(offers).await?.as_array().is_some_and(|all| all.iter().any(|one| one.as_str().unwrap().contains(offered))))).await?;
            let text = "const options = [...document.querySelectorAll('[data-test=suggestions] [role=option]')]; return options[0].textContent";
            assert!(page.run(text).await?.as_str().unwrap().contains(offered), "{offered} is the first");
            page.driver.action_chain().send_keys(Key::Enter).perform().await?;
            let written = page.find("[data-test=editor]").await?.value().await?.unwrap_or_default();
            assert!(written.starts_with(&format!("{before}{offered}")), "{written}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_a_chart_and_its_plan_is_read_by_people() {
    journey(&demo(), |page| async move {
        page.open("/sql?project=demo&sql=SELECT+module,+count(*)+AS+events+FROM+events+GROUP+BY+module&tab=chart")
            .await?;
        page.find("[data-test=result] svg").await?;
        page.open("/sql?project=demo&sql=SELECT+module,+count(*)+AS+events+FROM+events+GROUP+BY+module&tab=plan")
            .await?;
        let plan = page.text("[data-test=plan]").await?;
        assert!(plan.contains("events") && !plan.contains("Exec:"), "in words: {plan}");
        page.click("[data-test=analyze]").await?;
        page.find("[data-test=plan]").await?;
        assert_eq!(page.param("analyze").await?, "1");
        // What ran is in the history.
        page.click("[data-test=library] , .sql-side [data-tab=history]").await.ok();
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn escape_stops_a_statement_and_the_server_stops_it_too() {
    let server = TestServer::start();
    let site = site(&server);
    let running = async || server.metric("kronika_queries_running", "").await;
    let (server, running) = (&server, &running);
    journey(&site, |page| async move {
        page.open("/sql").await?;
        write(&page, LONG).await?;
        run(&page).await?;
        page.find("[data-test=stop]").await?;
        page.until("the server works", async || Ok(running().await >= 1.0)).await?;
        page.find("[data-test=editor]").await?.click().await?;
        page.driver.action_chain().send_keys(Key::Escape).perform().await?;
        page.settled().await?;
        page.until("it does no more", async || Ok(running().await == 0.0)).await?;
        assert_eq!(page.all(".sql-status:not([hidden]) [data-test=stop]").await?.len(), 0);
        assert!(server.log().iter().all(|line| !line.contains("panic")));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn exports_are_listed_and_downloaded_after_the_server_was_killed() {
    let server = TestServer::start();
    let port: u16 = server.url.rsplit(':').next().unwrap().parse().unwrap();
    server
        .append(
            "default",
            "",
            (0..500)
                .map(|n| json!({"event_id": format!("e{n}"), "module": "m"}).to_string() + "\n")
                .collect::<String>(),
        )
        .await
        .json(200);
    let site = site(&server);
    browser(Look::default(), |driver| async move {
        let page = Page { driver, site };
        page.sign_in("en").await?;
        page.open("/?period=all").await?;
        page.click("[data-test=export]").await?;
        page.run("const one = document.querySelector('[data-test=export-format]'); one.value = 'ndjson'; one.dispatchEvent(new Event('change'))").await?;
        page.click("[data-test=export-start]").await?;
        page.find("[data-test=export-download]").await?;
        let home = server.kill();
        page.until("it says that the server is away", async || Ok(page.text(".banner").await?.contains("does not answer"))).await?;
        let server = TestServer::start_at(&home, port);
        page.until("and that it is back", async || Ok(page.run("return document.querySelector('.banner').hidden").await? == true)).await?;
        page.open("/jobs").await?;
        assert_eq!(page.run("return [...document.querySelectorAll('[data-test=export]')].map((one) => one.dataset.state)").await?, json!(["done"]));
        assert!(page.text("[data-test=export]").await?.contains("500"), "its rows: {}", page.text("[data-test=export]").await?);
        let path = page.find("[data-test=export-download]").await?.attr("href").await?.unwrap();
        let file = send(server.request(Method::GET, &path)).await;
        assert_eq!((file.status, file.text.lines().count()), (200, 500));
        // Another one is stopped while it runs.
        let long = json!({"sql": "SELECT x FROM generate_series(1, 1000000000000) a(x)", "format": "ndjson"});
        send(server.request(Method::POST, "/api/v1/exports").header("kronika-project", "default").json(&long)).await;
        page.click("[data-test=export-cancel]").await?;
        page.until("it was stopped", async || Ok(page.all("[data-test=export][data-state=canceled], [data-test=export][data-state=cancelled]").await?.len() == 1)).await?;
        server.stop();
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn every_ready_made_dashboard_opens_without_a_failure_and_with_figures() {
    journey(&demo(), |page| async move {
        let all = page.ask("demo", "/api/v1/views?kind=dashboard").await;
        let names: Vec<&str> = all.as_array().unwrap().iter().filter(|one| one["builtin"] == true).map(|one| one["id"].as_str().unwrap()).collect();
        assert!(names.len() >= 6, "one for each system and one for all: {names:?}");
        page.open("/dashboards?project=demo").await?;
        for name in names {
            page.find(&format!("[data-test=dashboard-{name}]")).await?;
            page.open(&format!("/dashboards/{name}?project=demo&period=all")).await?;
            page.until("its tiles have come", async || Ok(page.all("[data-test=tile]").await?.len() > 3)).await?;
            page.settled().await?;
            assert_eq!(page.all(".failed").await?.len(), 0, "{name}: {}", page.text("[data-test=tiles]").await?);
            let figures = page.run("return [...document.querySelectorAll('[data-test=tile]')].filter((one) => one.querySelector('svg, table, .stat-value, .tile-stat') && !one.querySelector('.tile-empty')).length").await?;
            assert!(figures.as_u64().unwrap() >= 2, "{name} shows {figures} tiles with figures");
            page.open("/dashboards?project=demo").await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn one_tile_is_brushed_and_all_follow_and_a_refresh_without_news_costs_nothing() {
    journey(&demo(), |page| async move {
        page.open("/dashboards/overview?project=shop&period=last_7d").await?;
        page.settled().await?;
        let asked = "return performance.getEntriesByType('resource').filter((one) => /\\/api\\/v1\\/(histogram|aggregate|facets)/.test(one.name)).map((one) => [new URL(one.name).pathname, new URL(one.name).searchParams.get('from'), one.responseStatus])";
        let tiles = page.ask("shop", "/api/v1/views/overview").await["state"]["tiles"].as_array().unwrap().iter().filter(|one| one["ask"]["route"] != "query").count();
        let (mut again, mut unchanged): (Vec<(String, Option<String>, u16)>, _) = (Vec::new(), 0);
        // The last seven days are others from minute to minute: one may turn before the first reload, not before the second as well.
        for _ in 0..2 {
            page.run("performance.clearResourceTimings(); performance.setResourceTimingBufferSize(1000); document.querySelector('[data-test=reload]').click()").await?;
            tokio::time::sleep(Duration::from_millis(300)).await;
            page.settled().await?;
            again = serde_json::from_value(page.run(asked).await?).unwrap();
            unchanged = again.iter().filter(|(_, _, status)| *status == 304).count();
            if unchanged >= tiles {
                break;
            }
        }
        assert!(unchanged >= tiles, "{unchanged} of {tiles} tiles answered 304: {again:?}");
        page.run("performance.clearResourceTimings(); document.querySelector('[data-test=chart].can-brush').focus()").await?;
        page.key(Key::Home).await?;
        page.key(Key::Right).await?;
        for _ in 0..3 {
            page.driver.action_chain().key_down(Key::Shift).send_keys(Key::Right).key_up(Key::Shift).perform().await?;
        }
        page.driver.action_chain().send_keys(Key::Enter).perform().await?;
        page.until("the address has the stretch", async || Ok(!page.param("from").await?.is_empty())).await?;
        page.settled().await?;
        let from = page.param("from").await?;
        let after: Vec<(String, Option<String>, u16)> = serde_json::from_value(page.run(asked).await?).unwrap();
        let followed = after.iter().filter(|(_, of, _)| of.as_deref() == Some(&from)).count();
        assert!(followed >= tiles, "{followed} of {tiles} tiles follow {from}: {after:?}");
        page.driver.back().await?;
        page.settled().await?;
        assert_eq!(page.param("period").await?, "last_7d", "Back undoes it");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_key_is_shown_once_and_never_again() {
    let server = TestServer::start();
    let site = site(&server);
    let server = &server;
    journey(&site, |page| async move {
        page.open("/admin/keys").await?;
        page.click("[data-test=key-new]").await?;
        page.find("[data-test=key-name]").await?.send_keys("warehouse").await?;
        page.click("[data-test=key-form] button.primary").await?;
        let secret = page.text("[data-test=key-secret]").await?;
        send(server.with(&secret, Method::GET, "/api/v1/session")).await;
        server.ask(&secret, "SELECT 1").await.json(200);
        page.click("dialog[open] .dialog-foot button.primary").await?;
        assert!(page.text("main").await?.contains("warehouse"), "it is in the list");
        page.open("/admin/keys").await?;
        let everywhere = page.run("return document.documentElement.outerHTML + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location.href").await?;
        assert!(!everywhere.as_str().unwrap().contains(&secret), "nothing keeps it");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_erasure_tells_what_it_would_take_before_it_begins() {
    let server = TestServer::start();
    let events: String = (0..12).map(|n| json!({"event_id": format!("e{n}"), "module": "m", "actor_id": if n < 7 { "actor-17" } else { "actor-18" }, "message": if n == 9 { "called actor-17" } else { "did" }}).to_string() + "\n").collect();
    server.append("default", "", events).await.json(200);
    let site = site(&server);
    let server = &server;
    journey(&site, |page| async move {
        page.open("/admin/erasure").await?;
        page.find("[data-test=erase-value]").await?.send_keys("actor-17").await?;
        page.click("[data-test=erase-form] button.primary").await?;
        page.find("[data-test=erase-preview]").await?;
        assert!(
            page.text("[data-test=preview-rows]").await?.contains('7'),
            "{}",
            page.text("[data-test=erase-preview]").await?
        );
        assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 12, "nothing is gone yet");
        page.find("[data-test=erase-value]").await?.send_keys("8").await?;
        assert_eq!(page.all("[data-test=erase-preview]").await?.len(), 0, "another question hides the answer");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_key_without_rights_sees_no_administration() {
    let server = TestServer::start();
    let site = key(&server, "support", &["query"]).await;
    journey(&site, |page| async move {
        page.open("/").await?;
        page.find("nav.side a[data-route=tasks]").await?;
        assert_eq!(page.all("nav.side a[data-route=admin]").await?.len(), 0);
        for path in ["keys", "erasure", "retention", "storage", "health"] {
            page.open(&format!("/admin/{path}")).await?;
            assert!(page.text("main").await?.contains("support"), "which key may not: {}", page.text("main").await?);
            let asked = page.run("return performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname).filter((path) => /^.api.v1.(keys|erasures|admin|retention|holds)/.test(path))").await?;
            assert_eq!(asked, Value::Array(vec![]), "nothing is asked that would be refused");
        }
        Ok(())
    })
    .await;
    server.stop();
}
