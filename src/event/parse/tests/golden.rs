//! The golden journals of the five source systems, column by column against the reference.

use std::path::Path;

use super::super::*;
use super::reference;
use super::view::Row;
use super::{RECEIVED_AT, context, native};
use crate::event::model::COLUMNS;

#[test]
fn golden_journals_become_the_rows_they_mean() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    if !dir.is_dir() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI runs with the golden journals");
        println!("SKIPPED: no golden journals at {}", dir.display());
        return;
    }
    let interpretation = native();
    let limits = Limits { line_max: 1 << 20, events_max: 1_000 };
    let mut journals = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "ndjson") {
            continue;
        }
        journals += 1;
        let body = std::fs::read_to_string(&path).unwrap();
        let parsed = parse(body.as_bytes(), BodyFormat::Ndjson, &interpretation, &context(), &limits, None).unwrap();
        assert_eq!(parsed.errors, LineErrors::default(), "{}", path.display());
        assert_eq!((parsed.remarks, parsed.unminted()), (Remarks::default(), 0), "{}", path.display());
        let lines: Vec<_> = body.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(parsed.rows.len(), lines.len());
        for (at, line) in lines.iter().enumerate() {
            let row = Row(&parsed.rows, at);
            let expected = reference::read(line, "demo", "test", RECEIVED_AT);
            for (column, model) in COLUMNS.iter().enumerate().filter(|(_, model)| model.name != "attributes") {
                assert_eq!(row.cell(column).as_ref(), expected.cells.get(model.name), "{} of {line}", model.name);
            }
            let attributes = row.text("attributes").map(|text| reference::members(&text).unwrap()).unwrap_or_default();
            assert_eq!(attributes, [expected.sent, expected.own].concat(), "{line}");
        }
    }
    assert_eq!(journals, 5);
}
