//! Points 24 to 26 of the checklist: colours that can be read in both themes, signs beside colours, languages with their plurals.

use serde_json::{Value, json};

use super::common::TestServer;
use super::driver::{Look, Page, browser, demo, journey, journey_as, site};

/// Contrast of every text that shows, and of marks, against what is behind them; the worst first.
///
/// Colours are drawn and read back: they may be written as `oklch` or `color-mix`.
const CONTRASTS: &str = r"
const canvas = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
const seen = new Map();
const rgba = (text) => {
  if (!seen.has(text)) { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1); seen.set(text, [...canvas.getImageData(0, 0, 1, 1).data]); }
  return seen.get(text);
};
const over = (top, below) => { const a = top[3] / 255; return [0, 1, 2].map((at) => top[at] * a + below[at] * (1 - a)).concat(255); };
const light = (colour) => { const [r, g, b] = colour.map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((one, other) => other - one); return (x + 0.05) / (y + 0.05); };
const behind = (node) => { const all = []; for (let at = node; at; at = at.parentElement) all.push(rgba(getComputedStyle(at).backgroundColor)); return all.reverse().reduce((below, top) => over(top, below), rgba(getComputedStyle(document.documentElement).colorScheme.includes('dark') ? '#000' : '#fff')); };
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const holder = node.parentElement;
  if (node.textContent.trim() === '' || !holder.checkVisibility({visibilityProperty: true}) || holder.closest('svg, .visually-hidden, [disabled], [aria-disabled=true], option')) continue;
  const below = behind(holder);
  found.push([contrast(over(rgba(getComputedStyle(holder).color), below), below), 4.5, holder.className + ' ' + node.textContent.trim().slice(0, 30)]);
}
for (const bar of document.querySelectorAll('.histogram-svg .bar')) {
  if (!bar.getAttribute('d')) continue;
  const below = behind(bar.closest('div'));
  found.push([contrast(over(rgba(getComputedStyle(bar).fill), below), below), 3, bar.getAttribute('class')]);
}
return [found.length, light(behind(document.body)), found.filter(([ratio, least]) => ratio < least - 0.005)];
";

#[tokio::test]
async fn texts_and_marks_stand_out_in_light_and_dark_which_follow_the_system_or_are_pinned() {
    for dark in [false, true] {
        journey_as(&demo(), Look { dark, ..Look::default() }, |page| async move {
            let scheme =
                json!({"features": [{"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }}]});
            page.driver.cdp().send_raw("Emulation.setEmulatedMedia", scheme).await?;
            for path in [
                "/?project=shop&period=last_7d",
                "/?project=demo&period=all&event=700007&tab=response",
                "/sql?project=demo&sql=SELECT+module,+count(*)+FROM+events+GROUP+BY+1",
                "/dashboards/overview?project=demo&period=all",
                "/jobs?project=demo",
            ] {
                page.open(path).await?;
                let answer = page.run(CONTRASTS).await?;
                let (count, ground, bad): (u64, f64, Vec<Value>) = serde_json::from_value(answer).expect("contrasts");
                assert!(count > 20, "{path}: {count} texts");
                assert_eq!(ground < 0.2, dark, "{path} follows the system: its ground is {ground}");
                assert!(bad.is_empty(), "{path}, dark: {dark}: {bad:#?}");
            }
            // Pinned, it stays whatever the system says.
            page.open(&format!("/?project=demo&theme={}", if dark { "light" } else { "dark" })).await?;
            let answer = page.run(CONTRASTS).await?;
            assert_eq!(answer[1].as_f64().unwrap() < 0.2, !dark, "pinned");
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn levels_and_outcomes_have_words_and_shapes_beside_their_colours() {
    let server = TestServer::start();
    let levels = ["trace", "debug", "info", "warn", "error", "fatal"];
    let events: String = levels.iter().enumerate().map(|(at, level)| json!({"event_id": level, "module": "m", "severity_number": at * 4 + 1, "outcome": if at > 3 { "failure" } else { "success" }}).to_string() + "\n").collect();
    server.append("default", "", events).await.json(200);
    let site = site(&server);
    journey(&site, |page| async move {
        page.open("/?period=all&columns=event_id,level,outcome").await?;
        page.until("six rows", async || Ok(page.rows().await? == 6)).await?;
        let shown = page.run("return [...document.querySelectorAll('[data-test=row]')].map((row) => [row.children[0].textContent, row.children[1].textContent.trim().length > 0, row.children[1].querySelector('svg')?.innerHTML ?? null, row.children[2].textContent.trim().length > 0 && row.children[2].querySelector('svg') != null])").await?;
        for row in shown.as_array().unwrap() {
            assert_eq!((&row[1], row[2].is_string(), &row[3]), (&json!(true), true, &json!(true)), "{row}: a word and a shape for level and outcome");
        }
        let shapes: std::collections::BTreeSet<_> = shown.as_array().unwrap().iter().map(|row| row[2].as_str().unwrap()).collect();
        assert!(shapes.len() >= 4, "shapes tell levels apart");
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test]
async fn numbers_of_events_are_said_with_the_right_plural_in_polish_and_russian() {
    let server = TestServer::start();
    let counts = [1, 2, 5, 21, 22, 25];
    let events: String = counts
        .iter()
        .flat_map(|count| {
            (0..*count).map(move |n| {
                json!({"event_id": format!("{count}-{n}"), "module": format!("m{count}")}).to_string() + "\n"
            })
        })
        .collect();
    server.append("default", "", events).await.json(200);
    let site = site(&server);
    let polish = ["1 zdarzenie", "2 zdarzenia", "5 zdarzeń", "21 zdarzeń", "22 zdarzenia", "25 zdarzeń"];
    let russian = ["1 событие", "2 события", "5 событий", "21 событие", "22 события", "25 событий"];
    for (language, words) in [("pl", polish), ("ru", russian)] {
        journey_as(&site, Look { language, ..Look::default() }, |page| async move {
            for (count, wanted) in counts.iter().zip(words) {
                page.open(&format!("/?period=all&module=m{count}")).await?;
                page.until(wanted, async || {
                    Ok(page.text("[data-test=total]").await?.replace('\u{a0}', " ").trim() == wanted)
                })
                .await?;
            }
            Ok(())
        })
        .await;
    }
    server.stop();
}

#[tokio::test]
async fn the_language_is_the_browser_s_until_another_is_chosen() {
    for (asked, language) in [("pl-PL,pl;q=0.9,en;q=0.5", "pl"), ("ru,en;q=0.8", "ru"), ("de-DE,de;q=0.9", "en")] {
        browser(Look::default(), |driver| async move {
            let page = Page { driver, site: demo() };
            let agent = page.run("return navigator.userAgent").await?;
            page.driver
                .cdp()
                .send_raw("Emulation.setUserAgentOverride", json!({"userAgent": agent, "acceptLanguage": asked}))
                .await?;
            page.open("/login").await?;
            assert_eq!(page.run("return document.documentElement.lang").await?, json!(language), "{asked}");
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn nothing_is_lost_at_320_pixels_and_at_twice_the_size() {
    for (width, height, zoom) in [(320, 640, 1.0), (720, 450, 2.0)] {
        journey_as(&demo(), Look { width: 500, height, language: "ru", ..Look::default() }, |page| async move {
            let size = json!({"width": width, "height": height, "deviceScaleFactor": zoom, "mobile": false});
            page.driver.cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await?;
            for path in [
                "/?project=demo&period=all",
                "/?project=demo&period=all&event=700007",
                "/tasks?project=demo",
                "/sql?project=demo",
                "/ingest?project=demo",
                "/admin/keys?project=demo",
                "/dashboards/overview?project=demo&period=all",
                "/jobs?project=demo",
                "/alerts?project=demo",
                "/screens/remonline/event_log?project=demo",
                "/ingest/mappings?project=demo",
                "/objects/cashbox/9?project=demo",
            ] {
                page.open(path).await?;
                page.fits().await?;
            }
            page.open("/?project=demo&period=all").await?;
            page.find("[data-test=query]").await?;
            page.find("[data-test=row]").await?;
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn an_embedded_page_has_no_frame_and_a_printed_one_shows_rows_filters_and_period() {
    journey(&demo(), |page| async move {
        page.open("/?project=demo&period=all&source=idosell&embed=1").await?;
        let shown = "const [name] = arguments; return [...document.querySelectorAll(name)].some((one) => one.checkVisibility())";
        let shows = async |name: &str| Ok::<_, thirtyfour::error::WebDriverError>(page.driver.execute(shown, vec![json!(name)]).await?.json() == &json!(true));
        assert!(!shows("nav.side").await? && shows("[data-test=row]").await?, "embedded");
        page.open("/?project=demo&period=all&source=idosell").await?;
        assert!(shows("nav.side").await?);
        page.driver.cdp().send_raw("Emulation.setEmulatedMedia", json!({"media": "print"})).await?;
        assert!(!shows("nav.side").await? && shows("[data-test=row]").await?, "printed");
        assert!(shows("[data-test=chip]").await? && shows(".time-label").await?, "with what was asked");
        Ok(())
    })
    .await;
}
