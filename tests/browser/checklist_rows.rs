//! Points 12, 14, 16 to 20 of the checklist: rows of the list and of one event, as they are read, arranged, found and copied.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::common::TestServer;
use super::driver::{Look, Page, browser, demo, journey, site};

/// What a shell prints for a command that was copied.
fn shell(page: &Page, command: &str) -> Value {
    let output =
        Command::new("sh").arg("-c").arg(command).env("KRONIKA_KEY", &page.site.key).output().expect("a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{command}: {error}: {}", String::from_utf8_lossy(&output.stdout)))
}

/// Ids of the events of an answer of `/events`.
fn ids(answer: &Value) -> Vec<String> {
    answer["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| event["event_id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Presses a key with a modifier.
async fn with(page: &Page, modifier: Key, key: Key) -> WebDriverResult<()> {
    page.driver.action_chain().key_down(modifier.clone()).send_keys(key).key_up(modifier).perform().await?;
    page.settled().await
}

#[tokio::test]
async fn changes_have_signs_and_words_and_are_copied_as_a_json_patch() {
    let server = TestServer::start();
    let (before, after) = (
        json!({"name": "Kubek", "price": 20, "tags": ["a", "b"], "size": "M"}),
        json!({"name": "Kubek duży", "price": 25, "tags": ["a", "c"], "size": "M"}),
    );
    let changes = json!([{"path": "name", "op": "replace", "before": "Kubek", "after": "Kubek duży"}, {"path": "price", "op": "replace", "before": 20, "after": 25}, {"path": "note", "op": "add", "after": "new"}, {"path": "old", "op": "remove", "before": "gone"}]);
    let event = json!({"event_id": "c", "module": "products", "event_type": "product.changed", "object_type": "product", "object_id": "1", "object_before": before, "object_after": after, "changes": changes});
    server.append("default", "", event.to_string()).await.json(200);
    let site = site(&server);
    let server = &server;
    journey(&site, |page| async move {
        page.allow_clipboard().await?;
        page.open("/?period=all&event=c&tab=changes").await?;
        page.find("[data-test=changes]").await?;
        let marks = page.run("const list = document.querySelector('[data-test=changes]'); return [list.querySelectorAll('del').length, list.querySelectorAll('ins').length, [...list.querySelectorAll('.change-sign')].map((one) => one.textContent).sort().join('')]").await?;
        assert_eq!(marks, json!([3, 3, "+++−−−"]), "not by colour alone");
        page.click("[data-test=copy-patch]").await?;
        let patch: Vec<Value> = serde_json::from_str(&page.copied().await?).expect("JSON");
        let operations: BTreeSet<_> = patch.iter().map(|one| (one["op"].as_str().unwrap(), one["path"].as_str().unwrap())).collect();
        for wanted in [("replace", "/name"), ("replace", "/price"), ("add", "/note"), ("remove", "/old")] {
            assert!(operations.contains(&wanted), "{wanted:?} of {patch:?}");
        }
        let direct = server.get("default", "/api/v1/events/c/changes?format=json-patch").await;
        assert_eq!(serde_json::from_str::<Value>(&direct.text).unwrap(), Value::Array(patch), "the server's own");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_tail_goes_on_after_a_restart_without_gaps_and_doubles() {
    let server = TestServer::start();
    let port: u16 = server.url.rsplit(':').next().unwrap().parse().unwrap();
    let batch = |from: usize, to: usize| {
        (from..to)
            .map(|n| json!({"event_id": format!("e{n:02}"), "module": "orders"}).to_string() + "\n")
            .collect::<String>()
    };
    server.append("default", "", batch(0, 5)).await.json(200);
    let site = site(&server);
    browser(Look::default(), |driver| async move {
        let page = Page { driver, site };
        page.sign_in("en").await?;
        page.open("/?live=1&columns=event_id,module&chart=off").await?;
        let shown = "return [...document.querySelectorAll('[data-test=events] [data-test=row]')].map((row) => /e\\d\\d/.exec(row.textContent)[0])";
        let all = async |count: usize| page.until(&format!("{count} events, each once"), async || {
            let seen: Vec<String> = serde_json::from_value(page.run(shown).await?).unwrap_or_default();
            Ok(seen.len() == count && seen.iter().collect::<BTreeSet<_>>().len() == count)
        }).await;
        all(5).await?;
        server.append("default", "", batch(5, 9)).await.json(200);
        all(9).await?;
        let home = server.kill();
        page.until("it says that it waits", async || Ok(page.run("return document.querySelector('[data-test=live-state]').classList.contains('bad')").await? == true)).await?;
        let server = TestServer::start_at(&home, port);
        // Before the page is back: this is what a gap would lose.
        server.append("default", "", batch(9, 14)).await.json(200);
        all(14).await?;
        server.append("default", "", batch(14, 17)).await.json(200);
        all(17).await?;
        assert_eq!(page.run("return document.querySelector('[data-test=live-state]').classList.contains('bad')").await?, json!(false));
        // Paused, nothing comes in but the count.
        page.click("[data-test=live-pause]").await?;
        server.append("default", "", batch(17, 20)).await.json(200);
        page.until("three are counted", async || Ok(page.text("[data-test=new-rows]").await?.contains('3'))).await?;
        all(17).await?;
        page.click("[data-test=live-pause]").await?;
        all(20).await?;
        server.stop();
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn columns_are_added_moved_widened_and_removed_by_keyboard_and_the_address_keeps_them() {
    journey(&demo(), |page| async move {
        page.open("/?project=demo&period=all&columns=event_time,event_id,module").await?;
        page.click("[data-test=columns]").await?;
        page.find("[data-test=column-search]").await?.send_keys("http_status").await?;
        page.click("[data-column=http_status]").await?;
        page.key(Key::Escape).await?;
        assert_eq!(page.param("columns").await?, "event_time,event_id,module,http_status");
        page.press("j").await?;
        page.key(Key::Up).await?;
        page.key(Key::Right).await?;
        with(&page, Key::Control, Key::Right).await?;
        assert_eq!(page.param("columns").await?, "event_time,module,event_id,http_status", "moved to the right");
        let width = "return document.querySelector('.grid-title[data-column=event_id]').offsetWidth";
        let before = page.run(width).await?.as_u64().unwrap();
        for _ in 0..3 {
            with(&page, Key::Shift, Key::Right).await?;
        }
        let wide = page.run(width).await?.as_u64().unwrap();
        assert_eq!(wide, before + 48, "wider");
        assert!(page.param("widths").await?.contains("event_id"), "the address keeps it");
        page.open(&page.address().await?).await?;
        assert_eq!(page.run(width).await?.as_u64().unwrap(), wide, "and gives it back");
        page.press("j").await?;
        page.key(Key::Up).await?;
        page.key(Key::Delete).await?;
        assert_eq!(page.param("columns").await?, "module,event_id,http_status", "no column is forced");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn numbers_sort_as_numbers_by_a_click_on_their_title() {
    journey(&demo(), |page| async move {
        page.open("/?project=demo&period=all&has=http_status&columns=http_status,event_id").await?;
        let shown = "return [...document.querySelectorAll('[data-test=events] [data-test=row]')].map((row) => Number(row.querySelector('.grid-cell').textContent))";
        for descending in [true, false] {
            page.click(".grid-title[data-column=http_status]").await?;
            let values: Vec<f64> = serde_json::from_value(page.run(shown).await?).expect("numbers");
            assert!(values.len() > 2 && values.is_sorted_by(|one, other| if descending { one >= other } else { one <= other }), "{values:?}");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn long_texts_are_cut_in_one_line_wrapped_on_demand_and_whole_in_the_drawer() {
    let server = TestServer::start();
    let text = format!("first line\n\u{1b}[31msecond\u{1b}[0m line {}end", "word ".repeat(120));
    server
        .append("default", "", json!({"event_id": "long", "module": "m", "message": text}).to_string())
        .await
        .json(200);
    let site = site(&server);
    journey(&site, |page| async move {
        page.open("/?period=all&columns=event_time,message").await?;
        let height = "return document.querySelector('[data-test=row]').offsetHeight";
        let one = page.run(height).await?.as_u64().unwrap();
        assert!(one < 40, "one line: {one}");
        page.press("w").await?;
        page.settled().await?;
        assert_eq!(page.param("wrap").await?, "1");
        let several = page.run(height).await?.as_u64().unwrap();
        assert!(several > 2 * one, "{one} becomes {several}");
        page.press("w").await?;
        page.settled().await?;
        assert_eq!(page.run(height).await?.as_u64().unwrap(), one);
        page.open("/?period=all&event=long&tab=details").await?;
        page.until("the whole text is there", async || {
            Ok(page.run("return document.querySelector('[data-test=drawer]').innerText.includes('word end')").await?
                == true)
        })
        .await?;
        let drawer = page.run("return document.querySelector('[data-test=drawer]').innerText").await?;
        assert!(!drawer.as_str().unwrap().contains('\u{1b}'), "signs that steer a terminal are made visible");
        assert!(drawer.as_str().unwrap().contains("first line\n"), "lines stay lines");
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test]
async fn rows_that_are_selected_are_copied_in_full_although_few_are_in_the_document() {
    journey(&demo(), |page| async move {
        page.allow_clipboard().await?;
        let condition = "module = 'couriers'";
        page.open("/?project=shop&period=all&module=couriers&columns=event_time,event_id").await?;
        let total = page.figure("shop", &format!("SELECT count(*) FROM events WHERE {condition}")).await;
        page.until("all are counted", async || Ok(page.rows().await? == total)).await?;
        page.press("j").await?;
        page.driver.action_chain().key_down(Key::Control).send_keys("a").key_up(Key::Control).perform().await?;
        page.click("[data-test=copy-rows]").await?;
        page.choose("NDJSON").await?;
        let copied: BTreeSet<String> = page
            .copied()
            .await?
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["event_id"].as_str().unwrap().to_owned())
            .collect();
        let asked: BTreeSet<String> = page
            .sql("shop", &format!("SELECT event_id FROM events WHERE {condition}"))
            .await
            .iter()
            .map(|row| row[0].as_str().unwrap().to_owned())
            .collect();
        assert!(asked.len() > 200, "{}", asked.len());
        assert_eq!(copied, asked);
        assert!(page.all("[data-test=events] [role=row]").await?.len() < 100);
        // A stretch by Shift and one more by Ctrl.
        page.click("[data-test=select-none]").await?;
        let row = |at: usize| format!("[data-test=row][data-index='{at}']");
        let click = async |at: usize, modifier: Key| {
            let row = page.find(&row(at)).await?;
            page.driver
                .action_chain()
                .key_down(modifier.clone())
                .move_to_element_center(&row)
                .click()
                .key_up(modifier)
                .perform()
                .await
        };
        click(1, Key::Control).await?;
        click(4, Key::Shift).await?;
        click(6, Key::Control).await?;
        assert!(page.text("[data-test=selected]").await?.contains('5'), "{}", page.text("[data-test=selected]").await?);
        assert_eq!(page.all("[data-test=drawer]:not([hidden])").await?.len(), 0, "selecting opens nothing");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn marking_text_opens_nothing_and_ctrl_f_finds_in_the_rows_that_are_loaded() {
    journey(&demo(), |page| async move {
        page.open("/?project=demo&period=all&columns=event_time,event_id,module").await?;
        let row = page.find("[data-test=row] .grid-cell:nth-child(2)").await?;
        let rect = row.rect().await?;
        let (x, y) = ((rect.x + 12.0) as i64, (rect.y + rect.height / 2.0) as i64);
        page.driver
            .action_chain()
            .move_to(x, y)
            .click_and_hold()
            .move_to(x + 10, y)
            .move_to(x + 40, y)
            .release()
            .perform()
            .await?;
        assert_ne!(page.run("return String(getSelection())").await?, json!(""), "text is marked");
        assert_eq!(page.all("[data-test=drawer]:not([hidden])").await?.len(), 0, "and nothing opens");
        page.driver.action_chain().key_down(Key::Control).send_keys("f").key_up(Key::Control).perform().await?;
        page.find("[data-test=find]").await?;
        page.press("couriers").await?;
        page.until("it tells how many", async || {
            Ok(page.text("[data-test=find-count]").await?.chars().any(|sign| sign.is_ascii_digit()))
        })
        .await?;
        let wanted = page.figure("demo", "SELECT count(*) FROM events WHERE module LIKE '%couriers%'").await;
        assert!(
            page.text("[data-test=find-count]").await?.contains(&wanted.to_string()),
            "{} of {wanted}",
            page.text("[data-test=find-count]").await?
        );
        page.key(Key::Enter).await?;
        page.find("[data-test=row].found-now").await?;
        assert_eq!(page.param("find").await?, "couriers");
        page.key(Key::Escape).await?;
        assert_eq!(page.all("[data-test=row].found").await?.len(), 0);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_the_view_copies_as_curl_and_sql_gives_its_rows_in_a_shell_and_in_sql() {
    journey(&demo(), |page| async move {
        page.allow_clipboard().await?;
        for query in ["&source=idosell", "&outcome=failure&sort=event_time", "&event_type~=order"] {
            page.open(&format!("/?project=demo&period=all&columns=event_time,event_id{query}")).await?;
            let shown = page.rows().await?;
            assert!(shown > 0, "{query}");
            page.click("[data-test=query-more]").await?;
            page.choose("curl").await?;
            let command = page.copied().await?;
            assert!(!command.contains("krn_"), "no key in what is passed on");
            let answered = ids(&shell(&page, &command));
            assert_eq!(answered.len() as u64, shown);
            page.allow_clipboard().await?;
            page.click("[data-test=query-more]").await?;
            page.choose("Copy as SQL").await?;
            let sql = page.copied().await?;
            let rows = page.sql("demo", &sql).await;
            let by_sql: BTreeSet<_> =
                rows.iter().flat_map(|row| row.iter().filter_map(Value::as_str).map(str::to_owned)).collect();
            assert_eq!(rows.len() as u64, shown, "{sql}");
            assert!(answered.iter().all(|id| by_sql.contains(id)), "{sql} gives the same events");
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_event_is_copied_as_json_csv_curl_and_sql_and_each_is_that_event() {
    journey(&demo(), |page| async move {
        page.allow_clipboard().await?;
        page.open("/?project=demo&period=all&event=700007&event_id=700007").await?;
        let copy = async |entry: &str| {
            page.allow_clipboard().await?;
            page.click("[data-test=drawer-copy]").await?;
            page.choose(entry).await?;
            page.copied().await
        };
        let whole: Value = serde_json::from_str(&copy("JSON").await?).expect("JSON");
        assert_eq!(whole["event_id"], "700007");
        let by_curl = shell(&page, &copy("curl").await?);
        assert_eq!(by_curl["event"]["event_id"], "700007", "{by_curl}");
        let by_sql = page.sql("demo", &copy("SQL").await?).await;
        assert_eq!(by_sql.len(), 1);
        assert!(by_sql[0].contains(&json!("700007")));
        let csv = copy("CSV").await?;
        assert!(
            csv.lines().next().unwrap().split(',').any(|name| name == "event_id") && csv.contains("700007"),
            "{csv}"
        );
        let markdown = copy("Markdown").await?;
        let link = markdown.rsplit("](").next().unwrap().split(')').next().unwrap();
        page.driver.goto(link).await?;
        page.shows("postal code 00-0000 is invalid").await?;
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn what_happened_around_an_event_is_listed_filtered_and_opened() {
    let server = TestServer::start();
    let events: String = (0..300).map(|n| json!({"event_id": format!("e{n:03}"), "module": "m", "event_time": format!("2026-11-20T10:{:02}:{:02}Z", n / 60, n % 60), "actor_id": format!("a{}", n % 3), "message": format!("step {n}")}).to_string() + "\n").collect();
    server.append("default", "", events).await.json(200);
    let site = site(&server);
    journey(&site, |page| async move {
        page.open("/?period=all&event=e150&tab=near&near=log").await?;
        let near = "return [...document.querySelectorAll('.near > li')].map((one) => one.dataset.event)";
        let around = |from: u32, to: u32, step: usize| {
            (from..=to).step_by(step).map(|n| json!(format!("e{n:03}"))).collect::<Vec<_>>()
        };
        page.until(
            "ten before and ten behind",
            async || Ok(page.run(near).await? == Value::Array(around(140, 160, 1))),
        )
        .await?;
        assert!(page.text(".near").await?.contains("+10"), "each with its distance: {}", page.text(".near").await?);
        page.open("/?period=all&event=e150&tab=near&near=actor&around=50").await?;
        page.until("of the same actor, all of them", async || {
            Ok(page.run(near).await? == Value::Array(around(0, 297, 3)))
        })
        .await?;
        page.settled().await?;
        page.run(
            "const words = document.querySelector('[data-test=drawer] input[type=search]'); words.value = 'step 15'; \
             words.dispatchEvent(new Event('input', {bubbles: true}))",
        )
        .await?;
        page.until("filtered inside", async || {
            Ok(page.run(near).await? == json!(["e015", "e150", "e153", "e156", "e159"]))
        })
        .await?;
        page.run("document.querySelector('.near > li[data-event=e153] a').click()").await?;
        page.until("it opens", async || Ok(page.param("event").await? == "e153")).await?;
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test]
async fn the_drawer_steps_through_events_and_the_list_stays_where_it_is() {
    journey(&demo(), |page| async move {
        page.open("/?project=demo&period=all&columns=event_time,event_id").await?;
        page.find("[data-test=row]").await?;
        let list = "return [...document.querySelectorAll('[data-test=row]')].slice(0, 5).map((row) => [row.querySelectorAll('.grid-cell')[1].textContent, Math.round(row.getBoundingClientRect().top)])";
        let before = page.run(list).await?;
        page.press("j").await?;
        page.key(Key::Enter).await?;
        page.find("[data-test=drawer-title]").await?;
        assert_eq!(page.run(list).await?, before, "the list does not move");
        for at in [1, 2, 1] {
            page.press(if at == 1 && page.param("event").await? != before[0][0].as_str().unwrap() { "k" } else { "j" }).await?;
            let wanted = before[at][0].as_str().unwrap().to_owned();
            page.until(&format!("event {at} is open"), async || Ok(page.param("event").await? == wanted)).await?;
            page.settled().await?;
        }
        page.key(Key::Escape).await?;
        assert_eq!(page.all("[data-test=drawer]:not([hidden])").await?.len(), 0, "one Escape closes it");
        assert_eq!(page.param("event").await?, "");
        Ok(())
    })
    .await;
}
