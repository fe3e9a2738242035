use chrono::{DateTime, Utc};

use super::{Named, Period, minutes, show, zone};

/// Bounds of a period as `from..to`.
fn of(period: &Period, now: &str, tz: &str) -> String {
    let now: DateTime<Utc> = now.parse().unwrap();
    match period.bounds(now, zone(tz).unwrap()) {
        Ok(bounds) => {
            let text = |at: Option<DateTime<Utc>>| at.map(show).unwrap_or_default();
            format!("{}..{}", text(bounds.from), text(bounds.to))
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn words_are_stretches_of_the_calendar() {
    let check = |word: &str, expected: &str| {
        let named = Period::Named(Named::parse(word).unwrap());
        assert_eq!(of(&named, "2021-11-12T16:00:00Z", "Europe/Kyiv"), expected, "{word}");
    };
    check("today", "2021-11-11T22:00:00Z..2021-11-12T22:00:00Z");
    check("yesterday", "2021-11-10T22:00:00Z..2021-11-11T22:00:00Z");
    check("this_week", "2021-11-07T22:00:00Z..2021-11-14T22:00:00Z");
    // Clocks were set back on 31 October.
    check("last_week", "2021-10-31T22:00:00Z..2021-11-07T22:00:00Z");
    check("this_month", "2021-10-31T22:00:00Z..2021-11-30T22:00:00Z");
    check("last_month", "2021-09-30T21:00:00Z..2021-10-31T22:00:00Z");
    check("this_quarter", "2021-09-30T21:00:00Z..2021-12-31T22:00:00Z");
    check("last_quarter", "2021-06-30T21:00:00Z..2021-09-30T21:00:00Z");
    check("this_year", "2020-12-31T22:00:00Z..2021-12-31T22:00:00Z");
    check("last_year", "2019-12-31T22:00:00Z..2020-12-31T22:00:00Z");
    check("last_24h", "2021-11-11T16:00:00Z..2021-11-12T16:00:00.000001Z");
    check("last_7d", "2021-11-05T16:00:00Z..2021-11-12T16:00:00.000001Z");
    check("all", "..");
    check("2021", "2020-12-31T22:00:00Z..2021-12-31T22:00:00Z");
    check("2021-Q4", "2021-09-30T21:00:00Z..2021-12-31T22:00:00Z");
    check("2021-10", "2021-09-30T21:00:00Z..2021-10-31T22:00:00Z");
    check("2021-W44", "2021-10-31T22:00:00Z..2021-11-07T22:00:00Z");
    check("2021-10-31", "2021-10-30T21:00:00Z..2021-10-31T22:00:00Z");
    for word in [
        "",
        "tomorrow",
        "this_",
        "last_",
        "this_day1",
        "last_5x",
        "2021-13",
        "2021-Q5",
        "2021-W60",
        "21",
        "this_m",
        "last_999999y",
    ] {
        assert!(Named::parse(word).is_err(), "{word}");
    }
}

#[test]
fn bounds_are_instants_or_on_the_clocks_of_the_zone() {
    let check = |from: &str, to: &str, expected: &str| {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let period = Period::Between { from: text(from), to: text(to) };
        assert_eq!(of(&period, "2025-03-30T12:00:00Z", "Europe/Warsaw"), expected, "{from} to {to}");
    };
    check("2025-03-04T09:00:00+01:00", "2025-03-04T10:00:00+01:00", "2025-03-04T08:00:00Z..2025-03-04T09:00:00Z");
    check("2025-03-04T09:00", "2025-03-04 10:00", "2025-03-04T08:00:00Z..2025-03-04T09:00:00Z");
    // A day as the end is included; this one has 23 hours.
    check("2025-03-30", "2025-03-30", "2025-03-29T23:00:00Z..2025-03-30T22:00:00Z");
    check("now-90m", "now", "2025-03-30T10:30:00Z..2025-03-30T12:00:00Z");
    // What is counted back begins with a whole minute.
    let late = |period: &Period| of(period, "2025-03-30T12:00:59.999999Z", "UTC");
    let from = |text: &str| Period::Between { from: Some(text.into()), to: None };
    assert_eq!(late(&from("now-90m")), "2025-03-30T10:30:00Z..");
    let named = Period::Named(Named::parse("last_1h").unwrap());
    assert_eq!(late(&named), "2025-03-30T11:00:00Z..2025-03-30T12:01:00Z");
    check("2025-03-04", "", "2025-03-03T23:00:00Z..");
    check("2025-03-05", "2025-03-03", "`from`: 2025-03-04T23:00:00Z is after `to`, 2025-03-03T23:00:00Z");
    check(
        "soon",
        "",
        "`from`: `soon` is no time; write 2025-03-04T09:00:00+01:00, 2025-03-04T09:00 (on the clocks of `tz`), 2025-03-04, now or now-90m",
    );
    check(
        "99999-01-01",
        "",
        "`from`: `99999-01-01` is no time; write 2025-03-04T09:00:00+01:00, 2025-03-04T09:00 (on the clocks of `tz`), 2025-03-04, now or now-90m",
    );
}

#[test]
fn times_of_day_are_minutes() {
    for (text, expected) in
        [("9", Some(540)), ("09:30", Some(570)), ("24:00", Some(1440)), ("25", None), ("9:60", None), ("x", None)]
    {
        assert_eq!(minutes(text), expected, "{text}");
    }
}
