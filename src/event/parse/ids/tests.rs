use arrow::array::AsArray;

use super::*;
use crate::event::interpretation::{Definition, Interpretation};
use crate::event::mapping::MappingFile;
use crate::event::parse::{BodyFormat, Context, Limits, parse};
use crate::event::redact::RedactRules;

/// Ids that the events of `body` get when its first line is line `first_line` of a file.
fn ids(body: &str, first_line: u64) -> Vec<String> {
    let file = MappingFile::parse("title = \"test\"\nwrapper = \"Records[]\"\n").unwrap();
    let definition = Definition {
        mapping: Some("test".to_string()),
        mapping_toml: Some(file.canonical()),
        ..Definition::native("test", RedactRules::default())
    };
    let interpretation = Interpretation::new(file.compile().unwrap(), definition);
    let mint = Some(MintSeed::File { hash: 7, first_line });
    let context = Context { project: "test", received_at: 1_767_323_045_000_000, mint };
    let limits = Limits { line_max: 1 << 20, events_max: 1_000 };
    let mut parsed = parse(body.as_bytes(), BodyFormat::Ndjson, &interpretation, &context, &limits, None).unwrap();
    parsed.rows.number(1);
    let batch = parsed.rows.finish();
    batch["event_id"].as_string::<i32>().iter().map(|id| id.unwrap().to_owned()).collect()
}

/// However a file is cut into bodies, the same event gets the same id: also beside blank and bad lines and documents.
#[test]
fn ids_of_a_file_do_not_depend_on_how_it_is_cut() {
    let lines = [
        r#"{"a":1}"#,
        "",
        r#"{"Records":[{"a":1},{"a":2},{"a":3}]}"#,
        "bad",
        r#"{"a":1}"#,
        r#"{"Records":[{"a":1},7,{"a":2}]}"#,
        r#"{"a":1}"#,
    ];
    let whole = ids(&lines.join("\n"), 1);
    assert_eq!(whole.len(), 8);
    let distinct: std::collections::BTreeSet<_> = whole.iter().collect();
    assert_eq!(distinct.len(), whole.len(), "every event has an id of its own");
    for cut in 1..lines.len() {
        let (head, tail) = lines.split_at(cut);
        let rest = ids(&tail.join("\n"), 1 + cut as u64);
        assert_eq!([ids(&head.join("\n"), 1), rest].concat(), whole, "cut before line {}", cut + 1);
    }
}
