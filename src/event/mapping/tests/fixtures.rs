//! Each shipped mapping on samples in the sender's own words: every cell, and all that stays.
//!
//! `mappings/fixtures/NAME.json` is a list of `{source_row, input, expected, attributes}`: what the sample was taken
//! from, the event, the cells but those that the engine sets for every event, and the fields left to `attributes`.
//! `UPDATE_FIXTURES=1` writes the last two anew, to be read before they are committed.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::super::MappingFile;
use super::super::shipped::SHIPPED;
use super::{MINTED, mapping, row};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    source_row: String,
    input: Box<RawValue>,
    expected: Map<String, Json>,
    attributes: Option<Map<String, Json>>,
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/fixtures").join(format!("{name}.json"))
}

/// The cells of the event, and what was left.
fn became(file: &MappingFile, input: &str) -> (Map<String, Json>, Option<Map<String, Json>>) {
    let mut cells = row(file, input);
    let left = cells.remove("attributes").map(|left| left.as_object().cloned().unwrap());
    cells.retain(|name, cell| !(name == "event_id" && cell == MINTED || name == "tenant_id" && cell == "test"));
    (cells, left)
}

#[test]
fn every_shipped_mapping_does_what_its_fixture_shows() {
    for (name, text) in SHIPPED {
        let file = mapping(text);
        let read = fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut samples: Vec<Sample> = serde_json::from_str(&read).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(samples.len() >= 2, "{name} has too few samples");
        for sample in &mut samples {
            assert!(!sample.source_row.is_empty(), "{name}: a sample names where it comes from");
            let (cells, left) = became(&file, sample.input.get());
            if std::env::var_os("UPDATE_FIXTURES").is_some() {
                (sample.expected, sample.attributes) = (cells, left);
                continue;
            }
            assert_eq!(Json::Object(cells), Json::Object(sample.expected.clone()), "{name}: {}", sample.source_row);
            assert_eq!(left, sample.attributes, "{name}: {}", sample.source_row);
        }
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            fs::write(path(name), serde_json::to_string_pretty(&samples).unwrap() + "\n").unwrap();
        }
    }
}
