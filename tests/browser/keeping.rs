//! What is under way is not lost unsaid: a dashboard that is being changed, events that a slow reader was not sent.

use serde_json::json;
use thirtyfour::prelude::*;

use super::common::TestServer;
use super::driver::{Page, journey, site};

/// Titles of the tiles of the dashboard that is open.
async fn tiles(page: &Page) -> WebDriverResult<Vec<String>> {
    let titles = page.run("return [...document.querySelectorAll('[data-test=tile]')].map((tile) => tile.querySelector('h2, h3, .tile-title')?.textContent ?? '')").await?;
    Ok(serde_json::from_value(titles).expect("texts"))
}

/// Adds a tile to the dashboard that is being changed.
async fn add_tile(page: &Page, title: &str) -> WebDriverResult<()> {
    page.click("[data-test=add-tile]").await?;
    page.find("[data-test=tile-title]").await?.send_keys(title).await?;
    page.click("[data-test=tile-form] button.primary").await
}

/// Whether the browser warns before it forgets.
async fn is_warned(page: &Page) -> WebDriverResult<bool> {
    let asked = "const leaves = new Event('beforeunload', {cancelable: true}); return !window.dispatchEvent(leaves)";
    Ok(page.run(asked).await? == json!(true))
}

#[tokio::test]
async fn a_dashboard_is_made_and_what_is_not_saved_is_there_on_return() {
    let server = TestServer::start();
    let event = json!({"event_id": "e1", "module": "orders", "event_type": "order.paid"}).to_string();
    server.append("default", "", event).await.json(200);
    journey(&site(&server), |page| async move {
        page.open("/dashboards").await?;
        page.click("[data-test=new-dashboard]").await?;
        page.find("[data-test=dashboard-name]").await?.send_keys("Orders of the week").await?;
        page.click("[data-test=dashboard-form] button.primary").await?;
        page.find("[data-test=add-tile]").await?;
        assert!(!is_warned(&page).await?, "nothing is changed");
        add_tile(&page, "First").await?;
        assert_eq!(tiles(&page).await?, ["First"]);
        assert!(is_warned(&page).await?);
        let board = page.address().await?;

        // To another view, and back by a link that does not ask for editing.
        page.press("gj").await?;
        page.until("it is the journal", async || {
            Ok(page.address().await?.starts_with("/?") || page.address().await? == "/")
        })
        .await?;
        page.settled().await?;
        page.press("gd").await?;
        page.settled().await?;
        page.click("a.dash-card[href*='/dashboards/']:not([data-test=dashboard-overview])").await?;
        page.find("[data-test=save-dashboard]").await?;
        assert_eq!(tiles(&page).await?, ["First"]);
        page.shows("Your changes are not saved yet").await?;
        page.click("[data-test=save-dashboard]").await?;
        page.shows("The dashboard is saved").await?;
        assert!(!is_warned(&page).await?);

        // Thrown away, it is as it was saved.
        page.open(&board).await?;
        add_tile(&page, "Second").await?;
        assert_eq!(tiles(&page).await?, ["First", "Second"]);
        page.click("[data-test=leave-editing]").await?;
        page.click("dialog[open] .dialog-foot button.danger, dialog[open] button.primary").await?;
        page.until("the second is gone", async || Ok(tiles(&page).await? == ["First"])).await?;
        assert!(!is_warned(&page).await?);
        Ok(())
    })
    .await;
}

/// A reader whose line is slow falls behind further than the server catches up with: it is told so, and how many.
#[tokio::test]
async fn what_a_tail_leaves_out_is_said_and_is_in_the_list() {
    let server = TestServer::start_with("[tail]\nbuffer_max = \"64KiB\"\ncatch_up_max = 0\n");
    let message = "x".repeat(1_500);
    let batch = |from: usize| {
        let event =
            |n: usize| json!({"event_id": format!("e{n}"), "module": "m", "message": message}).to_string() + "\n";
        (from..from + 1_000).map(event).collect::<String>()
    };
    server.append("default", "", batch(0)).await.json(200);
    let site = site(&server);
    let server = &server;
    journey(&site, |page| async move {
        page.open("/?columns=event_time,event_id,message").await?;
        let line = async |bytes_a_second: i64| {
            let line =
                json!({"offline": false, "latency": 0, "downloadThroughput": bytes_a_second, "uploadThroughput": -1});
            page.driver.cdp().send_raw("Network.emulateNetworkConditions", line).await.map(drop)
        };
        // What is open already stays as fast as it was.
        page.driver.cdp().send_raw("Network.enable", json!({})).await?;
        line(100_000).await?;
        page.click("[data-test=live]").await?;
        page.find("[data-test=live-pause]").await?;
        let first = json!({"event_id": "first", "module": "m"}).to_string();
        server.append("default", "", first).await.json(200);
        page.until("it is live", async || Ok(page.text("[data-test=events]").await?.contains("first"))).await?;
        // The reader reads: nothing moves, and nothing is asked anew.
        for _ in 0..3 {
            page.press("j").await?;
        }
        for at in 1..=30 {
            server.append("default", "", batch(at * 1_000)).await.json(200);
        }
        line(-1).await?;
        page.until("it is told", async || {
            let said = page.text("[data-test=live-state]").await?;
            Ok(said.contains("skipped"))
        })
        .await?;
        page.click("[data-test=new-rows]").await?;
        page.until("the newest is at the top", async || Ok(page.text("[data-test=events]").await?.contains("e30999")))
            .await?;
        page.until("all are counted", async || Ok(page.rows().await? == 31_001)).await
    })
    .await;
}
