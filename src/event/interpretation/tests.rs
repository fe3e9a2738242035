use super::*;
use crate::config::RedactLists;

fn lists(headers: &[&str], paths: &[&str]) -> RedactLists {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_string()).collect();
    RedactLists { headers: owned(headers), paths: owned(paths), ..RedactLists::default() }
}

#[test]
fn the_stored_form_gives_the_same_interpretation() {
    let definition = Definition {
        parser_version: PARSER_VERSION,
        mapping: Some("shop".to_string()),
        mapping_toml: Some("name = \"shop\"\n".to_string()),
        source: "Zażółć".to_string(),
        redact: RedactRules::new(lists(&["x-secret"], &["card.number"])).unwrap(),
    };
    let text = definition.to_text();
    assert!(!text.contains('\n'));
    let back = Definition::from_text(&text).unwrap();
    assert_eq!((&back, back.id()), (&definition, definition.id()));
    let interpretation = Interpretation::new(Plan::native(), back);
    assert_eq!(
        (interpretation.id(), interpretation.mapping(), interpretation.source()),
        (definition.id(), Some("shop"), "Zażółć")
    );
    assert!(Definition::from_text("{}").is_err());
}

#[test]
fn every_part_of_a_definition_counts() {
    let base = Definition::native("a", RedactRules::default());
    let rules = RedactRules::new(lists(&[], &[])).unwrap();
    let others = [
        Definition { parser_version: 0, ..base.clone() },
        Definition { mapping: Some("m".to_string()), ..base.clone() },
        Definition { mapping_toml: Some(String::new()), ..base.clone() },
        Definition { source: "b".to_string(), ..base.clone() },
        Definition { redact: rules, ..base.clone() },
    ];
    for other in others {
        assert_ne!(other.id(), base.id(), "{other:?}");
    }
}

/// The number is written into logs: a change of the stored form would orphan them.
#[test]
fn the_stored_form_is_pinned() {
    let text = Definition::native("api", RedactRules::new(lists(&["cookie"], &["card.number"])).unwrap()).to_text();
    assert_eq!(
        text,
        concat!(
            r#"{"parser_version":1,"mapping":null,"mapping_toml":null,"source":"api","redact":{"headers":["cookie"],"#,
            r#""parameters":[],"paths":["card.number"]}}"#
        )
    );
    // As it was before parameters were redacted.
    assert_eq!(Definition::from_text(&text.replace("\"parameters\":[],", "")).unwrap().to_text(), text);
}

#[test]
fn parser_states_are_used_again() {
    let interpretation = Interpretation::native("a", RedactRules::default());
    let mut state = interpretation.take_state();
    state.compact.reserve(12_345);
    interpretation.return_state(state);
    assert!(interpretation.take_state().compact.capacity() >= 12_345);
    assert_eq!(interpretation.take_state().compact.capacity(), 0);
}
