//! Journeys of the readers: what a support employee, an administrator, an analyst come for.

use std::time::{Duration, Instant};

use serde_json::json;
use thirtyfour::prelude::*;

use super::driver::{Look, Page, Trouble, browser, demo, journey, journey_as};

/// The day of the golden journal on which a label failed, and what the carrier answered.
const LABEL: &str = "700007";
const ANSWER: &str =
    r#"{"status":"INCORRECT_DATA","field":"receiver.postalCode","info":"postal code 00-0000 is invalid"}"#;

/// Lets the browser save files into a directory.
async fn save_into(page: &Page, dir: &std::path::Path) -> WebDriverResult<()> {
    let settings = json!({"behavior": "allow", "downloadPath": dir});
    page.driver.cdp().send_raw("Browser.setDownloadBehavior", settings).await.map(drop)
}

/// The one file that a directory gets, once it is whole.
async fn saved(page: &Page, dir: &std::path::Path) -> WebDriverResult<Vec<u8>> {
    let whole = || {
        let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        names
            .filter(|path| path.extension().is_none_or(|extension| extension != "crdownload"))
            .find(|path| path.metadata().unwrap().len() > 0)
    };
    page.until("a file is saved", async || Ok(whole().is_some())).await?;
    Ok(std::fs::read(whole().expect("was there")).unwrap())
}

#[tokio::test]
async fn a_failed_courier_label_is_found_from_home_and_its_response_is_downloaded() {
    let dir = tempfile::tempdir().unwrap();
    journey(&demo(), |page| async move {
        save_into(&page, dir.path()).await?;
        page.open("/?project=demo").await?;
        page.click("[data-test=time]").await?;
        page.find("[data-test=time-text]").await?.send_keys("2025-03-04").await?;
        page.key(Key::Enter).await?;
        page.settled().await?;
        let query = page.find("[data-test=query]").await?;
        query.click().await?;
        page.press("module:couriers outcome:failure").await?;
        page.key(Key::Enter).await?;
        page.until("one event is left", async || Ok(page.rows().await? == 1)).await?;
        page.click("[data-test=events] [data-test=row]").await?;
        page.shows("postal code 00-0000 is invalid").await?;
        assert!(page.address().await?.contains(&format!("event={LABEL}")), "the address names the event");
        page.click("[data-test=download-response]").await?;
        assert_eq!(String::from_utf8(saved(&page, dir.path()).await?).unwrap(), ANSWER);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_same_by_keyboard_alone() {
    let dir = tempfile::tempdir().unwrap();
    journey(&demo(), |page| async move {
        save_into(&page, dir.path()).await?;
        page.open("/?project=demo").await?;
        page.press("t").await?;
        page.find("[data-test=time-text]").await?;
        page.press("2025-03-04").await?;
        page.key(Key::Enter).await?;
        page.press("/").await?;
        page.press("module:couriers outcome:failure").await?;
        page.key(Key::Enter).await?;
        page.until("one event is left", async || Ok(page.rows().await? == 1)).await?;
        page.key(Key::Escape).await?;
        page.press("j").await?;
        page.key(Key::Enter).await?;
        page.shows("postal code 00-0000 is invalid").await?;
        let is_there = "return document.activeElement?.dataset.test === 'download-response'";
        for _ in 0..60 {
            if page.run(is_there).await? == true {
                break;
            }
            page.key(Key::Tab).await?;
        }
        assert_eq!(page.run(is_there).await?, true, "Tab reaches the download");
        page.key(Key::Enter).await?;
        assert_eq!(String::from_utf8(saved(&page, dir.path()).await?).unwrap(), ANSWER);
        // One Escape closes the drawer, and the list has the focus again.
        page.run("document.querySelector('[data-test=drawer]').focus()").await?;
        page.key(Key::Escape).await?;
        assert_eq!(page.run("return document.querySelector('[data-test=drawer]')?.hidden ?? true").await?, true);
        assert_eq!(
            page.run("return document.querySelector('[data-test=events]').contains(document.activeElement)").await?,
            true
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn who_changed_the_end_of_a_purchase_what_it_was_before_and_what_a_restore_would_do() {
    journey(&demo(), |page| async move {
        page.open("/?project=demo&period=all&object=purchase:479365985").await?;
        page.click("[data-test=events] [data-test=row]").await?;
        page.shows("2024-11-19").await?;
        let changes = page.text("[data-test=changes]").await?;
        assert!(changes.contains("finish_at") && changes.contains("2025-01-01"), "{changes}");
        assert!(page.text("[data-test=drawer]").await?.contains("398744362"), "who did it");
        page.open("/objects/purchase/479365985?project=demo&view=state").await?;
        page.find("[data-test=state]").await?;
        assert!(page.text("[data-test=state]").await?.contains("2025-01-01"), "its state now");
        page.open("/objects/purchase/479365985?project=demo&view=state&at=2024-08-28").await?;
        page.settled().await?;
        // What was deleted in another product: what would come back is shown before anything is done.
        page.open("/objects/cashbox/9?project=demo").await?;
        page.click("[data-test=restore]").await?;
        page.find("[data-test=restore-preview]").await?;
        page.key(Key::Escape).await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_is_brushed_and_shared_is_the_same_screen_in_a_fresh_profile() {
    let site = demo();
    let (told, hears) = std::sync::mpsc::channel();
    journey(&site, |page| async move {
        page.open("/?project=shop&period=last_7d").await?;
        let plot = page.find("[data-test=histogram-plot]").await?;
        let before = page.address().await?;
        let (x, y, width) = {
            let rect = plot.rect().await?;
            (rect.x, rect.y + rect.height / 2.0, rect.width)
        };
        let at = |share: f64| (x + width * share) as i64;
        page.driver
            .action_chain()
            .move_to(at(0.4), y as i64)
            .click_and_hold()
            .move_to(at(0.5), y as i64)
            .move_to(at(0.6), y as i64)
            .release()
            .perform()
            .await?;
        page.settled().await?;
        assert_ne!(page.address().await?, before, "the brush zooms");
        page.click("[data-test=share]").await?;
        let link = page.find("[data-test=share-link]").await?.value().await?.expect("a link");
        page.key(Key::Escape).await?;
        // Away from the bars: what the pointer is over is told there.
        page.driver.action_chain().move_to(2, 2).perform().await?;
        told.send((link, page.screen().await?)).unwrap();
        page.driver.back().await?;
        page.settled().await?;
        assert_eq!(page.address().await?, before, "Back undoes the brush");
        Ok(())
    })
    .await;
    let Ok((link, screen)) = hears.try_recv() else { return };
    journey(&site, |page| async move {
        page.driver.goto(link).await?;
        page.settled().await?;
        assert_eq!(page.screen().await?, screen);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_export_of_what_is_shown_has_the_rows_of_the_same_sql() {
    let dir = tempfile::tempdir().unwrap();
    journey(&demo(), |page| async move {
        save_into(&page, dir.path()).await?;
        page.open("/?project=demo&period=all&source=idosell&outcome=failure&columns=event_time,event_id,module").await?;
        page.click("[data-test=export]").await?;
        let rows: usize = page.text("[data-test=export-rows]").await?.trim().parse().unwrap();
        let select = page.find("[data-test=export-format]").await?;
        select.send_keys("NDJSON").await?;
        page.run("const one = document.querySelector('[data-test=export-format]'); one.value = 'ndjson'; one.dispatchEvent(new Event('change'))").await?;
        page.click("[data-test=export-start]").await?;
        assert!(page.address().await?.starts_with("/jobs"), "it goes on as a job");
        page.click("[data-test=export-download]").await?;
        let file = String::from_utf8(saved(&page, dir.path()).await?).unwrap();
        let ids: Vec<String> = file.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event_id"].as_str().unwrap().to_owned()).collect();
        let sql = "SELECT event_id FROM events WHERE source = 'idosell' AND outcome = 'failure' AND visibility IS DISTINCT FROM 'object' ORDER BY event_time DESC, _seq DESC";
        let rows_of_sql = page.sql("demo", sql).await;
        let asked: Vec<String> = rows_of_sql.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids, asked);
        assert_eq!(ids.len(), rows, "as the dialog said");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn junk_in_the_address_is_told_and_the_rest_is_shown() {
    journey(&demo(), |page| async move {
        page.open("/?project=demo&period=yesterdayish&nonsense=1&sort=colour&source=idosell").await?;
        page.find("[data-test=events]").await?;
        page.shows("nonsense").await?;
        assert!(page.text("body").await?.contains("idosell"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn closing_the_drawer_sends_no_request_and_leaves_the_list_as_it_was() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop&period=last_7d").await?;
        page.press("j").await?;
        page.key(Key::Enter).await?;
        page.find("[data-test=drawer-title]").await?;
        let shown = page.screen().await?;
        page.run("performance.clearResourceTimings()").await?;
        page.key(Key::Escape).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let sent = page.run("return performance.getEntriesByType('resource').map((one) => one.name).filter((name) => name.includes('/api/'))").await?;
        assert_eq!(sent, json!([]), "nothing is asked again");
        assert_eq!(page.screen().await?, shown);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_link_to_an_event_opens_it_outside_of_every_filter() {
    journey(&demo(), |page| async move {
        page.open(&format!("/events/{LABEL}?project=demo&source=idosell")).await?;
        page.shows("postal code 00-0000 is invalid").await?;
        page.open("/events/there-is-no-such-event?project=demo").await?;
        page.find("[data-test=drawer]").await?;
        // The browser itself notes the 404 in its console.
        let told = page.driver.browser_log().await?;
        let mut wrong = told.iter().map(|entry| format!("{entry:?}")).filter(|entry| entry.contains("SEVERE"));
        assert!(wrong.all(|entry| entry.contains("there-is-no-such-event")), "{told:#?}");
        Ok(())
    })
    .await;
}

/// Waits until the last row of all shows.
async fn shows_the_end(page: &Page) -> WebDriverResult<()> {
    let total =
        page.ask("shop", "/api/v1/events?period=all&limit=1&total=exact&fields=event_id").await["total"]["value"]
            .as_u64()
            .unwrap();
    let last = "return Math.max(...[...document.querySelectorAll('[data-test=events] [aria-rowindex]')].map((row) => Number(row.getAttribute('aria-rowindex'))))";
    page.until("the last row is there", async || Ok(page.run(last).await?.as_f64().unwrap_or(0.0) >= total as f64))
        .await
}

#[tokio::test]
async fn the_list_has_no_end_and_few_rows_in_the_document() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop&period=all").await?;
        page.press("j").await?;
        page.key(Key::End).await?;
        shows_the_end(&page).await?;
        let rows = page.run("return document.querySelectorAll('[data-test=events] [role=row]').length").await?;
        assert!(rows.as_u64().unwrap() < 100, "{rows} rows in the document");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_end_is_gone_to_also_before_it_is_known_where_it_is() {
    journey(&demo(), |page| async move {
        page.trouble("total=exact", Trouble::Waits).await?;
        page.open("/?project=shop&period=all").await?;
        page.press("j").await?;
        page.key(Key::End).await?;
        page.settled().await?;
        page.run("window.troubled = null").await?;
        shows_the_end(&page).await
    })
    .await;
}

#[tokio::test]
async fn one_zone_holds_in_list_drawer_and_histogram() {
    journey(&demo(), |page| async move {
        page.open(&format!("/?project=demo&from=2025-03-04&to=2025-03-04&event_id={LABEL}&event={LABEL}&tz=UTC"))
            .await?;
        page.shows("2025-03-04 09:47:30").await?;
        page.open(&format!(
            "/?project=demo&from=2025-03-04&to=2025-03-04&event_id={LABEL}&event={LABEL}&tz=Asia/Tokyo"
        ))
        .await?;
        page.until("the drawer's time is Tokyo's", async || {
            Ok(page.text("[data-test=drawer]").await?.contains("2025-03-04 18:47:30"))
        })
        .await?;
        let list = page.text("[data-test=events]").await?;
        assert!(list.contains("18:47:30") && !list.contains("09:47:30"), "{list}");
        // `u` changes to UTC and the address says so.
        page.key(Key::Escape).await?;
        page.press("u").await?;
        page.settled().await?;
        assert!(page.address().await?.contains("tz=UTC"));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_page_at_375_pixels_has_no_second_scrollbar() {
    let look = Look { width: 375, height: 812, language: "ru", ..Look::default() };
    journey_as(&demo(), look, |page| async move {
        for path in [
            "/?project=shop&period=last_7d",
            "/tasks?project=demo",
            "/sql?project=demo",
            "/ingest?project=demo",
            "/admin/keys?project=demo",
            "/dashboards?project=demo",
        ] {
            page.open(path).await?;
            page.fits().await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn shortcuts_are_listed_and_none_fires_while_somebody_types() {
    journey(&demo(), |page| async move {
        page.open("/?project=demo&period=all").await?;
        page.press("?").await?;
        page.find("dialog .keys").await?;
        page.key(Key::Escape).await?;
        page.press("gs").await?;
        page.settled().await?;
        assert!(page.address().await?.starts_with("/sql"));
        page.open("/?project=demo&period=all").await?;
        page.press("/").await?;
        page.press("gst?").await?;
        assert!(page.address().await?.starts_with("/?"), "a text is no shortcut");
        assert_eq!(page.all("dialog[open]").await?.len(), 0);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_exact_number_reads_the_same_everywhere() {
    let server = super::common::TestServer::start();
    let big = "9007199254740993";
    server.append("default", "", format!(r#"{{"event_id":"big","module":"orders","object_type":"order","object_id":"{big}","duration_ns":{big},"points":{big}}}"#)).await.json(200);
    let site = super::driver::site(&server);
    journey(&site, |page| async move {
        page.open("/?period=all&columns=event_time,object_id,duration_ns,attributes.points").await?;
        let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
        page.until("the list has every digit", async || {
            Ok(digits(page.text("[data-test=events]").await?).contains(big))
        })
        .await?;
        page.open("/?period=all&event=big&tab=raw").await?;
        page.until("the drawer has every digit", async || {
            Ok(page.text("[data-test=drawer]").await?.matches(big).count() >= 2)
        })
        .await?;
        page.open(&format!("/?period=all&attributes.points={big}")).await?;
        page.until("the filter finds it", async || Ok(page.rows().await? == 1)).await?;
        assert!(page.text("[data-test=chip]").await?.contains(big));
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test]
async fn a_hostile_event_is_text_everywhere() {
    let server = super::common::TestServer::start();
    let hostile =
        "<script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 2\">\u{202e}evil\u{1b}[31mred";
    let body = json!({"event_id": "evil", "module": hostile.chars().filter(|c| !c.is_control()).collect::<String>(), "event_type": "<b>bold</b>", "message": hostile, "actor_name": hostile, "actor_id": "a\"><script>window.hacked = 3</script>",
        "object_type": "order", "object_id": "<svg onload=window.hacked=4>", "object_name": hostile, "object_url": "javascript:window.hacked = 5", "url": "javascript:window.hacked = 6", "http_method": "GET",
        "response_body": format!("{hostile}{}", "x".repeat(1_000_000)), "response_content_type": "text/html", "changes": [{"path": hostile, "op": "replace", "before": hostile, "after": "{\"__proto__\": {\"hacked\": 1}}"}], "outcome": "failure"});
    server.append("default", "", body.to_string()).await.json(200);
    let site = super::driver::site(&server);
    journey(&site, |page| async move {
        for path in ["/?period=all", "/?period=all&event=evil&tab=changes", "/?period=all&event=evil&tab=request", "/?period=all&event=evil&tab=response", "/?period=all&event=evil&tab=details", "/?period=all&event=evil&tab=raw", "/objects/order/%3Csvg%20onload%3Dwindow.hacked%3D4%3E", "/sql?sql=SELECT+message,+actor_name+FROM+events"] {
            page.open(path).await?;
            page.settled().await?;
            assert_eq!(page.run("return window.hacked ?? null").await?, json!(null), "{path} ran what an event says");
            assert_eq!(page.run("return document.querySelectorAll('main script, main img[src=x], main svg[onload], a[href^=\"javascript\"]').length").await?, json!(0), "{path}");
        }
        page.open("/?period=all").await?;
        page.until("it is shown as it is", async || Ok(page.text("[data-test=events]").await?.contains("<script>"))).await?;
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test]
async fn a_task_s_progress_moves_without_a_reload() {
    let server = super::common::TestServer::start();
    let report = |progress: u32, status: &str| {
        json!({"event_id": format!("r{progress}"), "module": "imports", "source": "shop", "task_id": "import-7", "task_type": "products.import", "task_status": status, "task_progress": progress}).to_string()
    };
    server.append("default", "", report(10, "in_progress")).await.json(200);
    let site = super::driver::site(&server);
    let server = &server;
    journey(&site, |page| async move {
        page.open("/tasks?period=all").await?;
        let shows = async |text: &str| Ok::<_, WebDriverError>(page.text("[data-test=tasks]").await?.contains(text));
        page.until("10 % is shown", async || shows("10").await).await?;
        server.append("default", "", report(65, "in_progress")).await.json(200);
        page.until("65 % is shown", async || shows("65").await).await?;
        server.append("default", "", report(100, "done")).await.json(200);
        page.until("it is done", async || shows("100").await).await?;
        Ok(())
    })
    .await;
}

/// A minute by `KRONIKA_TAIL_SECONDS=60`; the events come at 500 a second either way.
#[tokio::test]
async fn a_live_tail_moves_nothing_under_the_reader_and_misses_nothing() {
    let seconds: usize = std::env::var("KRONIKA_TAIL_SECONDS").ok().map_or(6, |text| text.parse().expect("a number"));
    let server = super::common::TestServer::start();
    let batch = |from: usize, count: usize| {
        (from..from + count)
            .map(|n| {
                json!({"event_id": format!("e{n}"), "module": "orders", "event_type": "order.paid"}).to_string() + "\n"
            })
            .collect::<String>()
    };
    server.append("default", "", batch(0, 200)).await.json(200);
    let site = super::driver::site(&server);
    let server = &server;
    journey(&site, |page| async move {
        page.open("/?live=1&columns=event_time,event_id").await?;
        page.until("it is live", async || Ok(page.all("[data-test=live-state]").await?.len() + page.all("[data-test=live-pause]").await?.len() > 0)).await?;
        // Away from the top: the reader reads.
        for _ in 0..12 {
            page.press("j").await?;
        }
        let seen = "return JSON.stringify([...document.querySelectorAll('[data-test=events] [data-test=row]')].filter((row) => { const at = row.getBoundingClientRect(); return at.top > 0 && at.bottom < innerHeight; }).map((row) => [row.textContent, Math.round(row.getBoundingClientRect().top)]))";
        let before = page.run(seen).await?;
        let mut sent = 200;
        let began = Instant::now();
        while sent < 200 + seconds * 500 {
            server.append("default", "", batch(sent, 50)).await.json(200);
            sent += 50;
            let due = Duration::from_millis(((sent - 200) * 2) as u64);
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
            if sent % 1_000 == 0 {
                assert_eq!(page.run(seen).await?, before, "rows moved under the reader after {sent} events");
            }
        }
        page.until("all of them are counted", async || {
            let text: String = page.text("[data-test=new-rows]").await.unwrap_or_default();
            let count: String = text.chars().filter(char::is_ascii_digit).collect();
            Ok(count == (sent - 200).to_string())
        })
        .await?;
        page.click("[data-test=new-rows]").await?;
        page.until("the newest is at the top", async || Ok(page.text("[data-test=events]").await?.contains(&format!("e{}", sent - 1)))).await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_first_view_comes_with_few_requests() {
    browser(Look::default(), |driver| async {
        let page = Page { driver, site: demo() };
        page.sign_in("en").await?;
        page.open("/?project=shop").await?;
        let foreign = page.run("return performance.getEntriesByType('resource').map((one) => new URL(one.name).origin).filter((origin) => origin !== location.origin)").await?;
        assert_eq!(foreign, json!([]), "everything comes from this server");
        let unneeded = page.run("return performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname).filter((path) => /app.(sql|dashboards|admin|ingest)|views.(sql|dashboards|admin|ingest)/.test(path))").await?;
        assert_eq!(unneeded, json!([]), "the journal loads no other view");
        let asked = "return ['/events?', '/facets?', '/histogram?'].map((path) => performance.getEntriesByType('resource').filter((one) => one.name.includes(`/api/v1${path}`) && (path !== '/events?' || one.name.includes('limit=100'))).map((one) => [one.startTime, one.responseEnd]))";
        let asked: [Vec<(f64, f64)>; 3] = serde_json::from_value(page.run(asked).await?).expect("times");
        let [rows, facets, bars] = &asked;
        assert_eq!((rows.len(), facets.len(), bars.len()), (1, 1, 1), "each is asked for once: {asked:?}");
        // Unless the rows take long.
        let soonest = rows[0].1.min(rows[0].0 + 250.0);
        assert!(facets[0].0 >= soonest && bars[0].0 >= soonest, "rows are asked for first: {asked:?}");
        Ok(())
    })
    .await;
}
