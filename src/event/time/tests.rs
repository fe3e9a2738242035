use super::*;

#[track_caller]
fn check(text: &str, want: Option<(i64, bool)>) {
    let got = read(text.as_bytes(), ANY, None).map(|instant| (instant.us, instant.exact));
    assert_eq!(got, want, "{text}");
}

#[test]
fn instants_are_read_as_sent() {
    check("1970-01-01T00:00:00Z", Some((0, true)));
    check("2024-06-11T09:00:12+02:00", Some((1_718_089_212_000_000, false)));
    check("2024-06-11 07:00:12.5z", Some((1_718_089_212_500_000, true)));
    check("2024-02-29T00:00:00.123456789Z", Some((1_709_164_800_123_456, false)));
    check("2024-02-29T00:00:00.123456000Z", Some((1_709_164_800_123_456, true)));
    check("2016-12-31T23:59:60Z", Some((1_483_228_800_000_000, false)));
    check("2200-12-31T23:59:59.999999Z", Some((LATEST_US - 1, true)));
    check("1718089212", Some((1_718_089_212_000_000, true)));
    check("1718089212.25", Some((1_718_089_212_250_000, true)));
    check("1718089212123", Some((1_718_089_212_123_000, true)));
    check("1718089212123456", Some((1_718_089_212_123_456, true)));
    check("1718089212123456789", Some((1_718_089_212_123_456, false)));
    check("-1.5", Some((-1_500_000, true)));
    for bad in [
        "",
        "now",
        "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-06-11T24:00:00Z",
        "2024-06-11",
        "1e9",
        "1.",
        "12a",
    ] {
        check(bad, None);
    }
    check("2024-06-11T09:00:12", None); // without a zone it is no instant
}

#[test]
fn a_mapping_names_other_forms_and_a_zone() {
    let warsaw = Some(Tz::Europe__Warsaw);
    let formats = [TimeFormat::Pattern("%d.%m.%Y %H:%M".to_string()), TimeFormat::Rfc3339];
    let winter = read(b"04.03.2025 08:55", &formats, warsaw).unwrap();
    assert_eq!((winter.us, winter.exact), (1_741_074_900_000_000, false));
    assert_eq!(read(b"2025-03-04T08:55:00", &formats, warsaw).unwrap().us, winter.us);
    assert!(read(b"2025-03-04 08:55:00.250", &formats, Some(Tz::UTC)).unwrap().exact);
}
