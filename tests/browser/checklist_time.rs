//! Points 2, 3, 6 and 21 of the checklist: periods, the histogram, and links with a time that stands or moves.

use serde_json::json;
use thirtyfour::prelude::*;

use super::driver::{Look, Page, demo, journey, journey_as};

/// Bounds of the period in the address, in milliseconds.
async fn bounds(page: &Page) -> WebDriverResult<(f64, f64)> {
    let found = page.run("const params = new URLSearchParams(location.search); return [Date.parse(params.get('from')), Date.parse(params.get('to'))]").await?;
    Ok((found[0].as_f64().expect("`from`"), found[1].as_f64().expect("`to`")))
}

/// Digits of a text, as a number.
fn digits(text: &str) -> u64 {
    text.chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .unwrap_or_else(|_| panic!("a number in `{text}`"))
}

#[tokio::test]
async fn a_period_is_typed_or_pasted_and_its_bounds_are_told_before_it_is_taken() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop").await?;
        let typed = [
            ("-15m", "last_15m", "", ""),
            ("last 3 hours", "last_3h", "", ""),
            ("30 дней", "last_30d", "", ""),
            ("yesterday", "yesterday", "", ""),
            ("2025-W02", "2025-W02", "", ""),
            ("2025-q1", "2025-Q1", "", ""),
            ("2025-03", "2025-03", "", ""),
            ("2025-11-01..", "", "2025-11-01", ""),
            ("1.11.2025 - 5.11.2025", "", "2025-11-01", "2025-11-05"),
            ("2025-03-04T09:47:30Z", "", "2025-03-04T09:42:30Z", "2025-03-04T09:52:30Z"),
            ("1741081650", "", "2025-03-04T09:42:30Z", "2025-03-04T09:52:30Z"),
        ];
        for (text, period, from, to) in typed {
            page.press("t").await?;
            page.find("[data-test=time-text]").await?;
            page.press(text).await?;
            let told = page.text(".time-told").await?;
            assert!(
                told.contains("UTC") && told.contains(|sign: char| sign.is_ascii_digit()),
                "`{text}` is told as `{told}`"
            );
            page.key(Key::Enter).await?;
            let found = [page.param("period").await?, page.param("from").await?, page.param("to").await?];
            assert_eq!(found, [period, from, to], "`{text}`");
            assert_eq!(page.all(".time-panel").await?.len(), 0, "Enter takes it");
        }
        for wrong in ["-15 parsecs", "2025-11-05..2025-11-01", "2025-02-30", "soon"] {
            let before = page.address().await?;
            page.press("t").await?;
            let field = page.find("[data-test=time-text]").await?;
            page.press(wrong).await?;
            page.key(Key::Enter).await?;
            assert_eq!(field.attr("aria-invalid").await?.as_deref(), Some("true"), "`{wrong}` is refused");
            assert!(!page.text(".time-told.field-error").await?.trim().is_empty(), "and the reason is told");
            assert_eq!(page.address().await?, before);
            page.key(Key::Escape).await?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_preset_is_chosen_by_keyboard_and_the_period_steps_and_widens() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop").await?;
        page.press("t").await?;
        page.find("[data-test=time-text]").await?;
        let is_there = "return document.activeElement?.dataset.period === 'last_7d'";
        for _ in 0..40 {
            if page.run(is_there).await? == true {
                break;
            }
            page.key(Key::Tab).await?;
        }
        page.key(Key::Enter).await?;
        assert_eq!(page.param("period").await?, "last_7d");
        assert!(page.total().await? > 0);
        page.open("/?project=shop&period=2025-03").await?;
        page.press("[").await?;
        page.settled().await?;
        assert_eq!(page.param("period").await?, "2025-02", "a month steps by months");
        page.press("]").await?;
        page.press("]").await?;
        page.settled().await?;
        assert_eq!(page.param("period").await?, "2025-04");
        page.open("/?project=shop&from=2025-03-04T10:00:00Z&to=2025-03-04T11:00:00Z").await?;
        page.press("[").await?;
        page.settled().await?;
        assert_eq!(page.param("from").await?, "2025-03-04T09:00:00Z", "a stretch steps by its length");
        page.click("[data-test=time-wider]").await?;
        let (from, to) = bounds(&page).await?;
        assert!((to - from - 7_200_000.0).abs() < 1.0, "twice as wide: {from} to {to}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn weeks_begin_on_monday_and_two_days_of_the_calendar_are_a_range() {
    for (language, monday) in [("pl", "pon"), ("ru", "пн")] {
        journey_as(&demo(), Look { language, ..Look::default() }, |page| async move {
            page.open("/?project=shop&period=2025-03").await?;
            page.click("[data-test=time]").await?;
            let first = page.find(".calendar th").await?.text().await?.to_lowercase();
            assert!(monday.starts_with(first.trim_end_matches('.')), "{language}: a week begins with {first}");
            page.click(".calendar [data-day='2025-03-10']").await?;
            page.click(".calendar [data-day='2025-03-12']").await?;
            page.click("[data-test=time-apply]").await?;
            assert_eq!([page.param("from").await?, page.param("to").await?], ["2025-03-10", "2025-03-12"]);
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn the_histogram_is_brushed_by_keyboard_and_what_it_said_is_what_the_list_has() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop&period=last_7d").await?;
        let all = page.total().await?;
        page.run("document.querySelector('[data-test=histogram-plot]').focus()").await?;
        let said = "return document.querySelector('[data-test=histogram-plot]').getAttribute('aria-valuetext')";
        page.key(Key::Home).await?;
        for _ in 0..5 {
            page.key(Key::Right).await?;
        }
        let one = page.run(said).await?;
        for _ in 0..3 {
            page.driver.action_chain().key_down(Key::Shift).send_keys(Key::Right).key_up(Key::Shift).perform().await?;
        }
        let several = page.run(said).await?;
        assert_ne!(one, several, "Shift selects more");
        let count = digits(several.as_str().unwrap().split(", ").find(|part| part.contains("event")).expect("a count"));
        page.key(Key::Enter).await?;
        page.until("the list has what was brushed", async || Ok(page.rows().await? == count)).await?;
        assert!(count > 0 && count < all, "{count} of {all}");
        let (from, to) = bounds(&page).await?;
        assert!(from < to);
        page.run("document.querySelector('[data-test=zoom-out]').click()").await?;
        page.settled().await?;
        let (wider_from, wider_to) = bounds(&page).await?;
        assert!(wider_to - wider_from > 1.9 * (to - from), "zoomed out");
        // The last bar, which is not over yet, zooms to itself.
        page.open("/?project=shop&period=last_24h").await?;
        page.run("document.querySelector('[data-test=histogram-plot]').focus()").await?;
        page.key(Key::End).await?;
        page.key(Key::Enter).await?;
        let (from, to) = bounds(&page).await?;
        let now = page.run("return Date.now()").await?.as_f64().unwrap();
        assert!(from < now && to - from < 86_400_000.0, "{from} to {to} at {now}");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_histogram_is_a_table_too_and_its_sums_are_the_list_s() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop&period=last_7d").await?;
        page.click("[data-test=histogram-table]").await?;
        assert_eq!(page.param("chart").await?, "table");
        let sum = page.run("return [...document.querySelectorAll('.histogram-table tbody td')].reduce((sum, cell) => sum + Number(cell.textContent.replace(/\\D/g, '')), 0)").await?;
        assert_eq!(sum.as_u64().unwrap(), page.total().await?, "all bars together");
        page.click("[data-test=histogram-hide]").await?;
        assert_eq!(page.all("[data-test=histogram-plot]").await?.len(), 0);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn bars_that_are_cut_by_the_period_are_hatched_and_whole_ones_are_not() {
    journey(&demo(), |page| async move {
        let hatched = "return document.querySelector('.histogram-svg .partial')?.getAttribute('d') ?? null";
        page.open("/?project=shop&period=last_7d&by=none").await?;
        assert!(
            page.run(hatched).await?.as_str().is_some_and(|path| path.matches('M').count() >= 1),
            "the first and the last are not whole"
        );
        page.open("/?project=shop&period=last_week&step=1d&by=none").await?;
        assert_eq!(page.run(hatched).await?, json!(""), "days of a week that is over");
        page.open("/?project=shop&chart=table&period=last_7d&step=1d").await?;
        assert_eq!(
            page.text(".histogram-table").await?.matches("partly in the period").count(),
            2,
            "first and last, in words"
        );
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_link_that_is_shared_stands_still_or_moves_and_the_own_page_stays() {
    journey(&demo(), |page| async move {
        page.open("/?project=shop&period=last_7d&outcome=failure").await?;
        let before = page.address().await?;
        page.click("[data-test=share]").await?;
        let link = async || -> WebDriverResult<url::Url> {
            Ok(page.find("[data-test=share-link]").await?.value().await?.expect("a link").parse().expect("an address"))
        };
        let of = |link: &url::Url, name: &str| {
            link.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        let exact = link().await?;
        assert!(
            of(&exact, "from").is_some() && of(&exact, "to").is_some() && of(&exact, "period").is_none(),
            "{exact}"
        );
        assert_eq!(of(&exact, "tz").as_deref(), Some("UTC"), "the zone is in the link");
        page.click("[data-test=share-moving]").await?;
        let moving = link().await?;
        assert_eq!(of(&moving, "period").as_deref(), Some("last_7d"));
        assert!(of(&moving, "from").is_none());
        page.key(Key::Escape).await?;
        assert_eq!(page.address().await?, before, "the own page is as it was");
        Ok(())
    })
    .await;
}
