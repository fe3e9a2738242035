use chrono::{DateTime, Duration, NaiveDateTime, Utc};

use super::{Step, instant, zone};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().unwrap()
}

#[test]
fn local_times_become_instants_also_where_clocks_jump() {
    let check = |name: &str, text: &str, expected: &str| {
        assert_eq!(instant(zone(name).unwrap(), local(text)), at(expected), "{text} in {name}");
    };
    check("Europe/Warsaw", "2025-03-04T09:00:00", "2025-03-04T08:00:00Z");
    check("Europe/Warsaw", "2025-07-04T09:00:00", "2025-07-04T07:00:00Z");
    // Twice: the first one.
    check("Europe/Warsaw", "2025-10-26T02:30:00", "2025-10-26T00:30:00Z");
    // Never: the jump.
    check("Europe/Warsaw", "2025-03-30T02:30:00", "2025-03-30T01:00:00Z");
    check("Australia/Lord_Howe", "2025-10-05T02:10:00", "2025-10-04T15:30:00Z");
    // No midnight.
    check("America/Asuncion", "2023-10-01T00:00:00", "2023-10-01T04:00:00Z");
    // No such day.
    check("Pacific/Apia", "2011-12-30T00:00:00", "2011-12-30T10:00:00Z");
    assert_eq!(zone("Europe/Warszawa"), None);
}

#[test]
fn buckets_follow_the_calendar_of_the_zone() {
    let check = |step: &str, name: &str, time: &str, from: &str, to: &str| {
        let step = Step::parse(step).unwrap();
        assert_eq!(step.bucket(at(time), zone(name).unwrap()), (at(from), at(to)), "{step} of {time} in {name}");
    };
    check("day", "Europe/Warsaw", "2025-03-30T12:00:00Z", "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z");
    check("1d", "Europe/Warsaw", "2025-10-26T12:00:00Z", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z");
    check("week", "Europe/Kyiv", "2021-11-12T16:00:00Z", "2021-11-07T22:00:00Z", "2021-11-14T22:00:00Z");
    check("1mo", "Europe/Kyiv", "2021-10-15T00:00:00Z", "2021-09-30T21:00:00Z", "2021-10-31T22:00:00Z");
    check("quarter", "UTC", "2024-05-15T00:00:00Z", "2024-04-01T00:00:00Z", "2024-07-01T00:00:00Z");
    check("year", "Asia/Tokyo", "2024-12-31T15:00:00Z", "2024-12-31T15:00:00Z", "2025-12-31T15:00:00Z");
    check("15m", "Asia/Kathmandu", "2024-05-15T00:07:12.5Z", "2024-05-15T00:00:00Z", "2024-05-15T00:15:00Z");
    check("1h", "Asia/Kathmandu", "2024-05-15T00:07:12Z", "2024-05-14T23:15:00Z", "2024-05-15T00:15:00Z");
    // The hour that is there twice.
    check("1h", "Europe/Warsaw", "2025-10-26T00:30:00Z", "2025-10-26T00:00:00Z", "2025-10-26T01:00:00Z");
    check("1h", "Europe/Warsaw", "2025-10-26T01:30:00Z", "2025-10-26T01:00:00Z", "2025-10-26T02:00:00Z");
    check("2w", "UTC", "1970-01-06T00:00:00Z", "1970-01-05T00:00:00Z", "1970-01-19T00:00:00Z");
}

#[test]
fn buckets_meet_without_gap_through_a_year_of_any_zone() {
    for name in ["Europe/Warsaw", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC"] {
        for step in ["15m", "1h", "3h", "day", "week", "month"] {
            let (zone, step) = (zone(name).unwrap(), Step::parse(step).unwrap());
            let (mut now, mut buckets) = (at("2011-01-01T00:00:00Z"), 0);
            while now < at("2012-02-01T00:00:00Z") {
                let (from, to) = step.bucket(now, zone);
                assert!(from <= now && now < to, "{step} of {now} in {name}: {from} to {to}");
                let last = to - Duration::seconds(1);
                assert_eq!(step.bucket(last, zone), (from, to), "{step} of {last} in {name}");
                (now, buckets) = (to, buckets + 1);
            }
            assert!(buckets >= 12, "{step} in {name}");
        }
    }
}

#[test]
fn a_fitting_step_gives_no_more_buckets_than_wanted() {
    let check = |seconds: i64, expected: &str| {
        assert_eq!(Step::fitting(Duration::seconds(seconds), 60).to_string(), expected, "{seconds} s");
    };
    check(30, "1s");
    check(3_600, "5m");
    check(24 * 3_600, "30m");
    check(7 * 86_400, "3h");
    check(30 * 86_400, "1d");
    check(365 * 86_400, "1w");
    check(5 * 365 * 86_400, "1q");
}

#[test]
fn steps_read_as_they_are_written() {
    for text in ["30s", "15m", "1h", "1d", "2w", "1mo", "1q", "1y"] {
        assert_eq!(Step::parse(text).unwrap().to_string(), text);
    }
    for text in ["", "0d", "day1", "1.5h", "-1d", "1x", "100001s", "99999999999d"] {
        assert_eq!(Step::parse(text), None, "{text}");
    }
}
