use std::collections::BTreeSet;

use super::*;

/// Functions of the engine below that are left out on purpose.
const LEFT_OUT: &[&str] = &[
    "version",
    "input_file_name",
    "file_row_index",
    "arrow_field",
    "arrow_metadata",
    "cast_to_type",
    "try_cast_to_type",
    "with_metadata",
];

fn compare(what: &str, listed: &[&str], there: impl Iterator<Item = String>) {
    let listed: BTreeSet<String> = listed.iter().map(ToString::to_string).collect();
    let there: BTreeSet<String> = there.filter(|name| !LEFT_OUT.contains(&name.as_str())).collect();
    let unknown: Vec<_> = listed.difference(&there).collect();
    let unseen: Vec<_> = there.difference(&listed).collect();
    assert!(unknown.is_empty() && unseen.is_empty(), "{what}: not there {unknown:?}; nobody looked at {unseen:?}");
}

/// A new release of the engine below must not add a function unseen.
#[test]
fn every_function_was_looked_at() {
    let defaults = SessionStateDefaults::default_scalar_functions();
    compare("scalar", SCALAR, defaults.iter().map(|function| function.name().to_owned()));
    let defaults = SessionStateDefaults::default_higher_order_functions();
    compare("higher order", HIGHER_ORDER, defaults.iter().map(|function| function.name().to_owned()));
    let defaults = SessionStateDefaults::default_aggregate_functions();
    compare("aggregate", AGGREGATE, defaults.iter().map(|function| function.name().to_owned()));
    let defaults = SessionStateDefaults::default_window_functions();
    compare("window", WINDOW, defaults.iter().map(|function| function.name().to_owned()));
    let defaults = SessionStateDefaults::default_table_functions();
    compare("table", TABLE, defaults.iter().map(|function| function.name().to_owned()));
}
