use parquet::arrow::ArrowSchemaConverter;

use super::*;
use crate::event::model::find;
use crate::event::schema::file_schema;

#[test]
fn every_named_column_exists() {
    for name in PRUNED.iter().chain(&UNIQUE).chain(&LONG) {
        assert!(*name == SEQ || find(name).is_some(), "{name}");
    }
    assert_eq!(stat_columns().count(), PRUNED.len());
    assert!(stat_columns().is_sorted());
}

#[test]
fn properties_know_the_declared_order() {
    let descriptor = ArrowSchemaConverter::new().convert(&file_schema()).expect("converts");
    let properties = properties(&descriptor, &Contents::new(vec![Content::Values; file_schema().fields().len()]));
    let order: Vec<_> = properties.sorting_columns().expect("is set").iter().map(|by| by.column_idx).collect();
    assert_eq!(order, [1, i32::try_from(descriptor.num_columns() - 1).expect("few")]);
    let path = ColumnPath::from("event_time");
    assert_eq!(properties.encoding(&path), Some(Encoding::DELTA_BINARY_PACKED));
    assert_eq!(properties.statistics_enabled(&path), EnabledStatistics::Page);
    assert_eq!(properties.statistics_enabled(&ColumnPath::from("raw")), EnabledStatistics::None);
}
