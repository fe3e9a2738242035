use super::*;

/// The table of `docs/metrics.md`.
fn table() -> String {
    let row = |meter: &Meter| {
        let kind = format!("{:?}", meter.shape).to_lowercase();
        format!("| `{}` | {kind} | {} | {} |\n", meter.name, meter.labels, meter.meaning)
    };
    let rows: String = METERS.iter().map(row).collect();
    format!("| metric | kind | labels | meaning |\n|---|---|---|---|\n{rows}")
}

#[test]
fn the_page_of_metrics_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- metrics -->\n").expect("a mark before the table");
    let (_, after) = rest.split_once("<!-- end -->").expect("a mark after the table");
    let wanted = format!("{before}<!-- metrics -->\n{}<!-- end -->{after}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    assert!(page == wanted || std::env::var_os("UPDATE_DOCS").is_some(), "run the test with UPDATE_DOCS=1");
}

#[test]
fn names_follow_their_kind_and_are_said_once() {
    for (at, meter) in METERS.iter().enumerate() {
        let name = meter.name;
        assert!(name.starts_with("kronika_"), "{name}");
        assert_eq!(name.ends_with("_total"), meter.shape == Shape::Counter, "{name}");
        assert!(meter.shape != Shape::Histogram || name.ends_with("_seconds"), "{name}");
        assert!(!meter.meaning.is_empty() && !meter.meaning.contains('|'), "{name}");
        assert!(METERS[at + 1..].iter().all(|other| other.name != name), "{name} twice");
    }
}
