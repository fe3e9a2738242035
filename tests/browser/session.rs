//! Coming in and going out: keys, links that open once, languages, revocation, a server that goes away.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::common::{TestServer, send};
use super::driver::{Look, Page, Site, browser, demo, journey, site};

#[tokio::test]
async fn a_key_that_is_typed_opens_the_journal_and_a_wrong_one_says_so() {
    let site = demo();
    browser(Look::default(), |driver| async {
        let page = Page { driver, site };
        page.open("/").await?;
        assert!(page.address().await?.starts_with("/login"), "nobody is signed in");
        page.find("input[type=password]").await?.send_keys("krn_a_wrong").await?;
        page.click("button.primary").await?;
        page.shows("This key opens nothing here").await?;
        let field = page.find("input[type=password]").await?;
        field.clear().await?;
        field.send_keys(page.site.key.as_str()).await?;
        page.click("button.primary").await?;
        page.find("nav.side").await?;
        let stored =
            page.run("return JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + document.cookie").await?;
        assert!(!stored.as_str().unwrap().contains("krn_"), "a script finds the key or the session: {stored}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_link_opens_once() {
    let site = demo();
    let made = reqwest::Client::new()
        .post(format!("{}/api/v1/session/links", site.url))
        .bearer_auth(&site.key)
        .send()
        .await
        .unwrap();
    let link: serde_json::Value = made.json().await.unwrap();
    let path = format!("/login#link={}", link["link"].as_str().unwrap());
    for opens in [true, false] {
        let (site, path) = (site.clone(), path.clone());
        browser(Look::default(), |driver| async move {
            let page = Page { driver, site };
            page.driver.goto(format!("{}{path}", page.site.url)).await?;
            if opens {
                page.find("nav.side").await?;
            } else {
                page.shows("This link was used already").await?;
            }
            assert!(!page.driver.current_url().await?.as_str().contains("link="), "the address forgets the link");
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_revoked_key_is_signed_out_at_its_next_call() {
    let server = TestServer::start();
    let new = json!({"name": "support", "scopes": ["query"], "project": "default"});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let site = Site { key: made["secret"].as_str().unwrap().to_owned(), ..site(&server) };
    let revoke = format!("/api/v1/keys/{}", made["id"].as_str().unwrap());
    let server = &server;
    browser(Look::default(), |driver| async move {
        let page = Page { driver, site };
        page.sign_in("en").await?;
        page.open("/").await?;
        page.find("nav.side").await?;
        send(server.request(Method::DELETE, &revoke)).await;
        let began = Instant::now();
        page.driver.execute("document.querySelector('a[data-route=tasks]').click()", vec![]).await?;
        page.find("input[type=password]").await?;
        assert!(began.elapsed() < Duration::from_secs(1), "signed out after {:?}", began.elapsed());
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back_is_told_and_the_page_goes_on() {
    let server = TestServer::start();
    let (site, home) = (site(&server), server.home().clone());
    let port: u16 = server.url.rsplit(':').next().unwrap().parse().unwrap();
    browser(Look::default(), |driver| async move {
        let page = Page { driver, site };
        page.sign_in("en").await?;
        page.open("/?period=all").await?;
        page.find("nav.side").await?;
        drop(server);
        page.driver.execute("document.querySelector('a[data-route=tasks]').click()", vec![]).await?;
        page.until("the banner tells of it", async || Ok(page.text(".banner").await?.contains("does not answer")))
            .await?;
        let server = TestServer::start_at(&home, port);
        page.until("the banner goes", async || {
            Ok(page.run("return document.querySelector('.banner')?.hidden ?? false").await? == true)
        })
        .await?;
        page.settled().await?;
        assert!(page.address().await?.starts_with("/tasks"), "where it was going");
        send(server.request(Method::GET, "/api/v1/info")).await.json(200);
        server.stop();
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_reader_s_language_is_spoken_and_kept() {
    let site = demo();
    for (language, title) in [("pl", "Dziennik"), ("ru", "Журнал"), ("en", "Journal")] {
        let look = Look { language, ..Look::default() };
        let site = site.clone();
        browser(look, |driver| async move {
            let page = Page { driver, site };
            page.sign_in(language).await?;
            page.open("/").await?;
            assert!(page.text("nav.side").await?.contains(title), "{language}");
            assert_eq!(page.run("return document.documentElement.lang").await?, language);
            Ok(())
        })
        .await;
    }
    journey(&site, |page| async move {
        page.open("/ui/kit").await?;
        Ok(())
    })
    .await;
}
