//! Points 7, 8, 9 and 13 of the checklist: regions that stand alone, filters as chips and text, facets, empty and failed states.

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::common::{TestServer, send};
use super::driver::{Look, Page, Site, Trouble, browser, demo, journey, site};

/// A window that is signed in, of which the console may tell of a failure that the test made.
async fn troubled<F, Fut>(site: &Site, walk: F)
where
    F: FnOnce(Page) -> Fut,
    Fut: Future<Output = WebDriverResult<()>>,
{
    browser(Look::default(), |driver| async {
        let page = Page { driver, site: site.clone() };
        page.sign_in("en").await?;
        walk(page).await
    })
    .await;
}

#[tokio::test]
async fn a_region_that_fails_says_so_and_leaves_the_others_alone() {
    for (path, region) in [("/histogram", "[data-test=histogram]"), ("/facets", "[data-test=facets]")] {
        troubled(&demo(), |page| async move {
            page.trouble(path, Trouble::Fails).await?;
            page.open("/?project=shop&period=all").await?;
            let failed = page.find(&format!("{region} .failed")).await?.text().await?;
            assert!(failed.contains("out of order") && failed.contains("req-of-the-failure"), "{failed}");
            assert!(page.total().await? > 0, "the list is there");
            page.find("[data-test=row]").await?;
            page.run("window.troubled = null").await?;
            page.click(&format!("{region} .failed button")).await?;
            assert_eq!(page.all(&format!("{region} .failed")).await?.len(), 0, "asked again, it is there");
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_slow_holds_nothing_up_and_escape_stops_it() {
    troubled(&demo(), |page| async move {
        page.trouble("/histogram", Trouble::Waits).await?;
        page.driver.goto(format!("{}/?project=shop&period=all", page.site.url)).await?;
        page.until("the list is there", async || Ok(page.rows().await? > 0)).await?;
        // Figures are asked for, and shown, after the rows.
        page.find(".histogram-picture[aria-busy=true]").await?;
        page.find("[data-test=stop]").await?;
        page.press("j").await?;
        page.driver.action_chain().send_keys(Key::Escape).perform().await?;
        page.settled().await?;
        assert_eq!(page.all("[data-test=stop]:not([hidden])").await?.len(), 0, "nothing runs");
        assert!(page.rows().await? > 0, "the rows stay");
        page.run("window.troubled = null").await?;
        page.press("r").await?;
        page.settled().await?;
        assert!(
            page.run("return document.querySelectorAll('.histogram-svg .bar').length").await?.as_u64().unwrap() > 0
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_late_answer_of_an_older_question_is_dropped() {
    troubled(&demo(), |page| async move {
        page.trouble("/v1/events", Trouble::Waits).await?;
        page.driver.goto(format!("{}/?project=shop&period=all", page.site.url)).await?;
        page.find("[data-test=query]").await?.click().await?;
        page.press("module:couriers").await?;
        page.driver.action_chain().send_keys(Key::Enter).perform().await?;
        page.run("window.troubled = null").await?;
        let wanted = page.figure("shop", "SELECT count(*) FROM events WHERE module = 'couriers'").await;
        page.until("the newer question has its answer", async || Ok(page.rows().await? == wanted)).await?;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(page.rows().await?, wanted, "and keeps it");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_chip_is_edited_negated_switched_off_and_removed() {
    journey(&demo(), |page| async move {
        let count = async |condition: &str| {
            page.figure("shop", &format!("SELECT count(*) FROM events WHERE {condition}")).await
        };
        page.open("/?project=shop&period=all&module=couriers").await?;
        assert_eq!(page.rows().await?, count("module = 'couriers'").await);
        page.click("[data-test=chip]").await?;
        let values = page.find("[data-test=chip-values]").await?;
        values.clear().await?;
        values.send_keys("api, webhooks").await?;
        page.click("[data-test=chip-apply]").await?;
        assert_eq!(page.param("module").await?, "api|webhooks");
        assert_eq!(page.rows().await?, count("module IN ('api', 'webhooks')").await);
        page.click("[data-test=chip]").await?;
        page.click("[data-test=chip-negate]").await?;
        assert_eq!(page.param("module!").await?, "api|webhooks");
        assert!(page.text(".chip").await?.to_lowercase().contains("not"), "in words, not by colour alone");
        assert_eq!(page.rows().await?, count("module NOT IN ('api', 'webhooks') OR module IS NULL").await);
        page.click("[data-test=chip]").await?;
        page.click("[data-test=chip-toggle]").await?;
        assert!(page.param("off").await?.contains("module"), "the address keeps it");
        assert_eq!(page.rows().await?, count("true").await, "as if it were not there");
        page.click("[data-test=chip]").await?;
        page.click("[data-test=chip-toggle]").await?;
        assert_eq!(page.param("module!").await?, "api|webhooks", "and on again");
        page.click("[data-test=chip-remove]").await?;
        assert_eq!(page.all("[data-test=chip]").await?.len(), 0);
        page.driver.back().await?;
        page.settled().await?;
        assert_eq!(page.param("module!").await?, "api|webhooks", "Back undoes it");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn chips_are_text_and_text_becomes_chips() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop&period=all&module=couriers&outcome!=failure").await?;
        page.click("[data-test=query-more]").await?;
        page.choose("as text").await?;
        let line = page.find("[data-test=query]").await?;
        let text = line.value().await?.unwrap_or_default();
        assert!(text.contains("module:couriers") && text.contains("-outcome:failure"), "{text}");
        line.clear().await?;
        line.send_keys("module:api -source:idosell").await?;
        page.key(Key::Enter).await?;
        assert_eq!(
            [page.param("module").await?, page.param("source!").await?, page.param("outcome!").await?],
            ["api", "idosell", ""]
        );
        assert_eq!(page.all("[data-test=chip]").await?.len(), 2);
        assert_eq!(
            page.rows().await?,
            page.figure(
                "shop",
                "SELECT count(*) FROM events WHERE module = 'api' AND source IS DISTINCT FROM 'idosell'"
            )
            .await
        );
        // Backspace at the beginning takes the last chip back into the line.
        page.key(Key::Backspace).await?;
        assert_eq!(page.find("[data-test=query]").await?.value().await?.as_deref(), Some("-source:idosell"));
        page.key(Key::Escape).await?;
        assert_eq!(page.all("[data-test=chip]").await?.len(), 2, "Escape leaves it as it was");
        page.find("[data-test=query]").await?.send_keys("module:\"never closed").await?;
        page.key(Key::Enter).await?;
        assert!(!page.text(".query-told").await?.trim().is_empty(), "what cannot be read is told");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_query_is_shown_as_sql_which_gives_the_same_rows() {
    journey(&demo(), |page| async move {
        for query in [
            "&source=idosell&outcome=failure",
            "&q=postal",
            "&module!=couriers&has=actor_id",
            "&http_status>=400",
            "&event_type~=order",
        ] {
            page.open(&format!("/?project=demo&period=all&columns=event_time,event_id{query}")).await?;
            let shown = page.rows().await?;
            assert!(shown > 0, "{query} finds something");
            page.click("[data-test=query-more]").await?;
            page.choose("SQL").await?;
            let sql = page.text("[data-test=query-sql]").await?;
            let rows = page.sql("demo", &sql).await;
            assert_eq!(rows.len() as u64, shown, "{query}: {sql}");
            page.key(Key::Escape).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_cell_s_menu_filters_by_its_value_whatever_signs_it_has() {
    let server = TestServer::start();
    let odd = r#"50% (off) "x" a_b: c\d 'e' -f"#;
    let events = [
        json!({"event_id": "odd", "module": "m", "message": odd}),
        json!({"event_id": "even", "module": "m", "message": "50 off"}),
        json!({"event_id": "none", "module": "m"}),
    ];
    server.append("default", "", events.map(|one| one.to_string()).join("\n")).await.json(200);
    let site = site(&server);
    journey(&site, |page| async move {
        let menu = async |entry: &str| {
            page.open("/?period=all&columns=event_id,message&sort=event_id").await?;
            page.until("three rows", async || Ok(page.rows().await? == 3)).await?;
            let row = "return [...document.querySelectorAll('[data-test=events] [data-test=row]')].findIndex((row) => row.textContent.includes('off)'))";
            let at = page.run(row).await?.as_u64().unwrap();
            for _ in 0..=at {
                page.press("j").await?;
            }
            page.key(Key::Right).await?;
            page.key(Key::Right).await?;
            page.press("m").await?;
            page.choose(entry).await
        };
        menu("Only").await?;
        assert_eq!((page.param("message").await?, page.rows().await?), (odd.to_owned(), 1), "only this");
        menu("Without").await?;
        assert_eq!(page.rows().await?, 2, "not this: the one without is there, too");
        menu("Any value").await?;
        assert_eq!(page.rows().await?, 2, "it exists");
        Ok(())
    })
    .await;
    server.stop();
}

/// Values of a facet with their counts, as they are shown.
async fn facet(page: &Page, field: &str) -> WebDriverResult<Vec<(Option<String>, u64)>> {
    let script = "const [field] = arguments; const section = document.querySelector(`[data-test=facet][data-field=${field}]`).closest('section'); \
                  return [...section.querySelectorAll('.facet-value')].map((one) => [one.dataset.value ?? null, Number(one.querySelector('.facet-count').textContent.replace(/\\D/g, ''))])";
    let found = page.driver.execute(script, vec![json!(field)]).await?;
    Ok(serde_json::from_value(found.json().clone()).expect("values and counts"))
}

#[tokio::test]
async fn facets_count_every_match_as_sql_does() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop&period=all").await?;
        let rows = page.sql("shop", "SELECT module, count(*) FROM events GROUP BY 1").await;
        let counted: std::collections::BTreeMap<Option<String>, u64> = rows
            .iter()
            .map(|row| (row[0].as_str().map(str::to_owned), row[1].as_str().unwrap().parse().unwrap()))
            .collect();
        let shown = facet(&page, "module").await?;
        assert!(shown.len() >= 5, "{shown:?}");
        for (value, count) in &shown {
            assert_eq!(counted.get(value), Some(count), "{value:?}");
        }
        assert!(shown.is_sorted_by(|one, other| one.1 >= other.1), "the most frequent first");
        // A click filters; the other values of the field stay in sight with their counts.
        let first = shown[0].0.clone().expect("a module");
        page.click(&format!("[data-test=facet-value][data-value='{first}']")).await?;
        assert_eq!((page.param("module").await?, page.rows().await?), (first, shown[0].1));
        assert_eq!(facet(&page, "module").await?[..5], shown[..5]);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn messages_of_one_kind_are_one_pattern_that_filters() {
    let server = TestServer::start();
    let message = |n: u32| match n % 4 {
        0 => json!(null),
        1 => json!(format!("Login of user{n}@example.com failed")),
        _ => json!(format!("Order {n} paid by \"Anna {n}\"")),
    };
    let event = |n: u32| json!({"event_id": format!("e{n}"), "message": message(n)}).to_string() + "\n";
    server.append("default", "", (0..40).map(event).collect::<String>()).await.json(200);
    journey(&site(&server), |page| async move {
        page.open("/?period=all").await?;
        page.click("[data-test=facet][data-field=pattern]").await?;
        page.settled().await?;
        let orders = "Order * paid by \"*\"".to_owned();
        let counted = [(Some(orders.clone()), 20), (None, 10), (Some("Login of * failed".to_owned()), 10)];
        let shown = facet(&page, "pattern").await?;
        assert!(shown.len() == 3 && counted.iter().all(|one| shown.contains(one)), "{shown:?}");
        page.click("[data-test=facet-value][data-value^='Order']").await?;
        assert_eq!((page.param("pattern").await?, page.rows().await?), (orders, 20));
        page.open("/?period=all&has!=pattern").await?;
        assert_eq!(page.rows().await?, 10);
        Ok(())
    })
    .await;
}

/// The first lines of the comparison: field, value, the shares on both sides, the difference.
async fn differences(page: &Page) -> WebDriverResult<Vec<Vec<String>>> {
    page.settled().await?;
    let lines = "return [...document.querySelectorAll('.differences tbody tr')].map((line) => [...line.cells].map((cell) => cell.textContent))";
    Ok(serde_json::from_value(page.run(lines).await?).unwrap())
}

#[tokio::test]
async fn what_is_different_from_the_time_before_and_from_the_rest_is_told_by_shares() {
    let server = TestServer::start();
    // From eleven to twelve three quarters fail with one code, in the hour before a tenth do.
    let event = |hour: u32, n: u32, fails: bool| {
        let mut event = json!({"event_id": format!("{hour}-{n}"), "event_time": format!("2026-01-01T{hour}:{:02}:00Z", n % 60), "module": "m", "outcome": if fails { "failure" } else { "success" }});
        if fails {
            event["error_code"] = json!(if hour == 11 { "E7" } else { "E1" });
        }
        event.to_string() + "\n"
    };
    let events = (0..400).map(|n| event(11, n, n % 4 != 0)).chain((0..400).map(|n| event(10, n, n % 10 == 0)));
    server.append("default", "", events.collect::<String>()).await.json(200);
    journey(&site(&server), |page| async move {
        page.open("/?from=2026-01-01T11:00:00Z&to=2026-01-01T12:00:00Z&tz=UTC").await?;
        page.click("[data-test=differences-open]").await?;
        page.shows("400 events here, 400 there").await?;
        let found = differences(&page).await?;
        assert!(
            found.contains(&vec!["Error code".into(), "E7".into(), "75%".into(), "0%".into(), "+75 pp".into()]),
            "{found:?}"
        );
        assert!(
            found.contains(&vec!["Outcome".into(), "success".into(), "25%".into(), "90%".into(), "-65 pp".into()]),
            "{found:?}"
        );
        assert!(found.iter().all(|line| line[0] != "Module"), "all are of one module: {found:?}");
        page.click("[data-test=difference][data-field=error_code]").await?;
        page.until("its events are listed", async || Ok(page.rows().await? == 300)).await?;
        assert_eq!(page.param("error_code").await?, "E7");
        // With a filter the rest of the same time is the other side.
        page.open("/?from=2026-01-01T11:00:00Z&to=2026-01-01T12:00:00Z&tz=UTC&outcome=success").await?;
        page.click("[data-test=differences-open]").await?;
        page.shows("100 events here, 400 there").await?;
        let found = differences(&page).await?;
        assert!(
            found.contains(&vec!["Error code".into(), "E7".into(), "0%".into(), "75%".into(), "-75 pp".into()]),
            "{found:?}"
        );
        page.click("[data-than=before]").await?;
        page.shows("100 events here, 360 there").await?;
        page.shows("No difference").await?;
        page.key(Key::Escape).await?;
        page.open("/?from=2026-01-01T11:00:00Z&to=2026-01-01T12:00:00Z&tz=UTC&module=other").await?;
        page.click("[data-test=differences-open]").await?;
        page.shows("0 events here, 400 there").await?;
        page.shows("There is nothing to compare").await?;
        page.key(Key::Escape).await?;
        page.open("/?period=all").await?;
        page.click("[data-test=differences-open]").await?;
        page.shows("There is nothing to compare").await
    })
    .await;
}

#[tokio::test]
async fn a_facet_counts_what_is_missing_and_is_searched() {
    let server = TestServer::start();
    let events: String = (0..30).map(|n| {
        let mut event = json!({"event_id": format!("e{n}"), "module": "m", "source": format!("system-with-quite-a-long-name-number-{n:02}")});
        if n % 3 != 0 {
            event["actor_name"] = json!("Anna");
        }
        event.to_string() + "\n"
    }).collect();
    server.append("default", "", events).await.json(200);
    let site = site(&server);
    journey(&site, |page| async move {
        page.open("/?period=all").await?;
        let open = "const fold = document.querySelector('[data-test=facet][data-field=actor_name]'); if (fold.getAttribute('aria-expanded') !== 'true') fold.click()";
        page.run(open).await?;
        page.settled().await?;
        assert_eq!(facet(&page, "actor_name").await?, [(Some("Anna".to_owned()), 20), (None, 10)]);
        page.run("[...document.querySelector('[data-test=facet][data-field=actor_name]').closest('section').querySelectorAll('.facet-value')].find((one) => one.dataset.value === undefined).click()").await?;
        page.until("those without are shown", async || Ok(page.rows().await? == 10)).await?;
        // A value that is not among the first is found, and read whole.
        page.open("/?period=all").await?;
        page.run("document.querySelector('[data-test=facet][data-field=source]').closest('section').querySelector('.facet-head button[aria-expanded]:not([data-test])').click()").await?;
        page.press("number-27").await?;
        page.until("it is found", async || Ok(facet(&page, "source").await? == [(Some("system-with-quite-a-long-name-number-27".to_owned()), 1)])).await?;
        let cut = page.run("const text = document.querySelector('[data-test=facet][data-field=source]').closest('section').querySelector('.facet-text'); return text.scrollWidth > text.clientWidth + 1").await?;
        assert_eq!(cut, json!(false), "its name is whole");
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test]
async fn an_empty_list_names_its_reason_and_one_click_mends_it() {
    let server = TestServer::start();
    let empty = site(&server);
    journey(&empty, |page| async move {
        page.open("/?period=all").await?;
        let told = page.find("[data-test=empty-reason]").await?;
        page.until("there is nothing at all", async || Ok(told.text().await?.contains("no events yet"))).await?;
        page.find("[data-test=empty-reason] a[href*='/ingest']").await?;
        Ok(())
    })
    .await;
    let new = json!({"name": "only couriers", "scopes": ["query"], "project": "default", "restrictions": {"modules": ["couriers"]}});
    let made = send(server.request(reqwest::Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    server.append("default", "", json!({"event_id": "o", "module": "orders"}).to_string()).await.json(200);
    let narrow = Site { key: made["secret"].as_str().unwrap().to_owned(), ..empty };
    journey(&narrow, |page| async move {
        page.open("/?period=all").await?;
        page.until("the key is named as a reason", async || {
            Ok(page.text("[data-test=empty-reason]").await?.contains("key"))
        })
        .await?;
        Ok(())
    })
    .await;
    server.stop();
    journey(&demo(), |page| async move {
        for (address, click) in [
            ("/?project=demo&period=2019", "empty-go"),
            ("/?project=demo&period=2019&source=idosell", "empty-ever"),
            ("/?project=demo&period=all&source=idosell&module=users", "empty-without"),
            (
                "/?project=demo&period=all&source=idosell&module=users&outcome=failure&level=fatal&http_status=999",
                "empty-clear",
            ),
        ] {
            page.open(address).await?;
            page.find("[data-test=empty-reason]").await?;
            page.click(&format!("[data-test={click}]")).await?;
            page.until(&format!("{click} helps"), async || Ok(page.rows().await? > 0)).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_event_that_is_not_there_says_since_when_the_journal_has_events() {
    troubled(&demo(), |page| async move {
        page.open("/events/nothing?project=demo").await?;
        let told = page.text("[data-test=drawer]").await?;
        assert!(told.contains("There is no event with this id"), "{told}");
        assert!(told.contains("The journal holds events since 2021-03-15"), "{told}");
        assert!(page.rows().await? > 0 || page.all("[data-test=empty-reason]").await?.len() == 1, "the list is there");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_refused_question_shows_what_why_and_the_request_s_id() {
    troubled(&demo(), |page| async move {
        page.open("/sql?project=demo&sql=SELECT+nope+FROM+events").await?;
        let told = page.text("[data-test=result] .failed").await?;
        assert!(told.contains("nope"), "{told}");
        let id = page.text("[data-test=result] .failed code").await?;
        let answer: Value = reqwest::Client::new()
            .post(format!("{}/api/v1/query", page.site.url))
            .bearer_auth(&page.site.key)
            .header("kronika-project", "demo")
            .json(&json!({"sql": "SELECT nope FROM events"}))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let like = answer["request_id"].as_str().unwrap();
        assert_eq!(id.trim().len(), like.len(), "`{id}` is an id like `{like}`");
        page.click("[data-test=result] .failed button:not([data-test])").await?;
        page.find("[data-test=result] .failed").await?;
        Ok(())
    })
    .await;
}
