//! The canonical text: the same mapping comes back from it, whatever stands in it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::shipped::SHIPPED;
use super::super::{ColumnRule, KeyPath, Literal, MappingFile, RelatedRule};
use super::mapping;

#[test]
fn short_and_long_forms_are_the_same_mapping() {
    let short = mapping("[columns]\nactor_id = \"a.b\"\n");
    let long = mapping("[columns.actor_id]\npath = [\"a\", \"b\"]\n");
    assert_eq!(short, long);
    assert_eq!(short.canonical(), long.canonical());
    assert_eq!(short.canonical(), "[columns]\nactor_id = \"a.b\"\n");
}

#[test]
fn shipped_mappings_come_back_from_their_canonical_text() {
    for (name, text) in SHIPPED {
        let file = mapping(text);
        assert_eq!(mapping(&file.canonical()), file, "{name}");
        assert_eq!(mapping(&file.canonical()).canonical(), file.canonical(), "{name}");
        assert!(!file.title.is_empty() && file.source.is_some(), "{name}");
    }
}

fn path() -> impl Strategy<Value = KeyPath> {
    prop::collection::vec(any::<String>(), 1..4).prop_map(|keys| KeyPath::try_from(keys).unwrap())
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(Literal::Integer),
        any::<i32>().prop_map(|half| Literal::Float(f64::from(half) / 2.0)),
        any::<String>().prop_map(Literal::Text),
    ]
}

fn texts() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map(any::<String>(), any::<String>(), 0..3)
}

prop_compose! {
    fn functions()(
        path in prop::option::of(path()), concat in prop::collection::vec(path(), 0..3),
        separator in prop::option::of(any::<String>()), constant in prop::option::of(literal()),
        default in prop::option::of(literal()), values in prop::collection::btree_map(any::<String>(), literal(), 0..3),
        otherwise in prop::option::of(literal()), flags in any::<(bool, bool, bool)>(),
        scale in prop::option::of(any::<i64>()), formats in prop::collection::vec(any::<String>(), 0..3),
        zone in prop::option::of(any::<String>()), items in texts(),
    ) -> ColumnRule {
        let (only_listed, lower, parse_json) = flags;
        ColumnRule {
            path, first_of: Vec::new(), concat, separator, constant, default, values, otherwise, only_listed, lower,
            parse_json, scale, formats, zone, items,
        }
    }
}

prop_compose! {
    fn rule()(outer in functions(), first_of in prop::collection::vec(functions(), 0..3)) -> ColumnRule {
        ColumnRule { first_of, ..outer }
    }
}

prop_compose! {
    fn related()(
        object_type in any::<String>(), id in path(), name in prop::option::of(path()), role in prop::option::of(any::<String>()),
    ) -> RelatedRule {
        RelatedRule { object_type, id, name, role }
    }
}

prop_compose! {
    fn file()(
        texts in any::<[String; 2]>(), options in any::<[Option<String>; 5]>(), keep_raw in any::<bool>(),
        columns in prop::collection::btree_map(any::<String>(), rule(), 0..4), related in prop::collection::vec(related(), 0..3),
    ) -> MappingFile {
        let ([title, description], [source, dataset, tenant_id, zone, wrapper]) = (texts, options);
        MappingFile { title, description, source, dataset, tenant_id, zone, wrapper, keep_raw, columns, related }
    }
}

proptest! {
    #[test]
    fn the_canonical_text_gives_the_same_mapping_back(file in file()) {
        let text = file.canonical();
        let back = MappingFile::parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&back, &file);
        prop_assert_eq!(back.canonical(), text);
    }

    #[test]
    fn no_text_makes_reading_or_compiling_panic(text in any::<String>(), file in file()) {
        let _ = MappingFile::parse(&text);
        let _ = file.compile();
    }
}
