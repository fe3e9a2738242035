//! The functions that SQL can use, by name: a function that is new in the engine below is not there
//! until somebody has looked at it.
//!
//! Left out are those that tell about the machine or the files (`version`, `input_file_name`,
//! `file_row_index`), and those that only plans use (`cast_to_type`, `with_metadata`, `arrow_metadata`, …).

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::ScalarUDF;

use super::bounded::{Bounds, bounded};
use super::rewrite::UnderLimits;
use crate::config::Guard;

/// Scalar functions.
const SCALAR: &[&str] = &[
    // Core.
    "arrow_cast",
    "arrow_try_cast",
    "arrow_typeof",
    "coalesce",
    "get_field",
    "greatest",
    "least",
    "named_struct",
    "nullif",
    "nvl",
    "nvl2",
    "overlay",
    "struct",
    "union_extract",
    "union_tag",
    // Hashes.
    "digest",
    "md5",
    "sha224",
    "sha256",
    "sha384",
    "sha512",
    // Times.
    "current_date",
    "current_time",
    "date_bin",
    "date_part",
    "date_trunc",
    "from_unixtime",
    "make_date",
    "make_time",
    "now",
    "to_char",
    "to_date",
    "to_local_time",
    "to_time",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_nanos",
    "to_timestamp_seconds",
    "to_unixtime",
    // Encodings.
    "decode",
    "encode",
    // Numbers.
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "cot",
    "degrees",
    "exp",
    "factorial",
    "floor",
    "gcd",
    "isnan",
    "iszero",
    "lcm",
    "ln",
    "log",
    "log10",
    "log2",
    "nanvl",
    "pi",
    "power",
    "radians",
    "random",
    "round",
    "signum",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "trunc",
    // Patterns.
    "regexp_count",
    "regexp_instr",
    "regexp_like",
    "regexp_match",
    "regexp_replace",
    // Text.
    "ascii",
    "bit_length",
    "btrim",
    "character_length",
    "chr",
    "concat",
    "concat_ws",
    "contains",
    "ends_with",
    "find_in_set",
    "initcap",
    "left",
    "levenshtein",
    "lower",
    "lpad",
    "ltrim",
    "octet_length",
    "repeat",
    "replace",
    "reverse",
    "right",
    "rpad",
    "rtrim",
    "split_part",
    "starts_with",
    "strpos",
    "substr",
    "substr_index",
    "to_hex",
    "translate",
    "upper",
    "uuid",
    // Lists.
    "array_add",
    "array_any_value",
    "array_append",
    "array_avg",
    "array_compact",
    "array_concat",
    "array_dims",
    "array_distance",
    "array_distinct",
    "array_element",
    "array_except",
    "array_has",
    "array_has_all",
    "array_has_any",
    "array_intersect",
    "array_length",
    "array_max",
    "array_min",
    "array_ndims",
    "array_normalize",
    "array_pop_back",
    "array_pop_front",
    "array_position",
    "array_positions",
    "array_prepend",
    "array_product",
    "array_remove",
    "array_remove_all",
    "array_remove_n",
    "array_repeat",
    "array_replace",
    "array_replace_all",
    "array_replace_n",
    "array_resize",
    "array_reverse",
    "array_scale",
    "array_slice",
    "array_sort",
    "array_subtract",
    "array_sum",
    "array_to_string",
    "array_union",
    "arrays_zip",
    "cardinality",
    "cosine_distance",
    "empty",
    "flatten",
    "generate_series",
    "inner_product",
    "make_array",
    "map",
    "map_entries",
    "map_extract",
    "map_keys",
    "map_values",
    "range",
    "string_to_array",
];
/// Functions that take a function.
const HIGHER_ORDER: &[&str] = &["array_any_match", "array_filter", "array_first", "array_transform"];
/// Aggregates.
const AGGREGATE: &[&str] = &[
    "any_value",
    "approx_distinct",
    "approx_median",
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first_value",
    "grouping",
    "last_value",
    "max",
    "median",
    "min",
    "nth_value",
    "percentile_cont",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "string_agg",
    "sum",
    "var",
    "var_pop",
];
/// Window functions.
const WINDOW: &[&str] = &[
    "cume_dist",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "nth_value",
    "ntile",
    "percent_rank",
    "rank",
    "row_number",
];
/// Functions that make a table: `FROM range(…)`, `FROM generate_series(…)`.
const TABLE: &[&str] = &["generate_series", "range"];

/// Gives the session the functions of this module and nothing else.
pub(crate) fn with_functions(builder: SessionStateBuilder, guard: &Guard) -> SessionStateBuilder {
    let bounds = Bounds::of(guard);
    let scalar = SessionStateDefaults::default_scalar_functions().into_iter();
    let scalar = scalar.filter(|function| SCALAR.contains(&function.name()));
    // `make_array` gets its limits where its arguments are known, in `UnderLimits`.
    let limited = |function: Arc<ScalarUDF>| match function.name() {
        "make_array" => function,
        _ => bounded(&function, bounds).unwrap_or(function),
    };
    let scalar: Vec<Arc<ScalarUDF>> = scalar.map(limited).chain(crate::query::functions::all()).collect();
    let mut higher = SessionStateDefaults::default_higher_order_functions();
    higher.retain(|function| HIGHER_ORDER.contains(&function.name()));
    let mut aggregate = SessionStateDefaults::default_aggregate_functions();
    aggregate.retain(|function| AGGREGATE.contains(&function.name()));
    for function in aggregate.iter_mut().filter(|function| function.name() == "sum") {
        *function = super::sum::checked(Arc::clone(function));
    }
    let mut window = SessionStateDefaults::default_window_functions();
    window.retain(|function| WINDOW.contains(&function.name()));
    let tables = SessionStateDefaults::default_table_functions().into_iter();
    let tables = tables.filter(|function| TABLE.contains(&function.name()));
    builder
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(scalar)
        .with_higher_order_functions(higher)
        .with_aggregate_functions(aggregate)
        .with_window_functions(window)
        .with_table_function_list(tables.collect())
}

/// Adds the JSON functions, and the rewrite that puts limits on what planners insert by themselves.
///
/// # Errors
/// A function cannot be registered.
pub(crate) fn register(state: &mut SessionState, guard: &Guard) -> Result<(), DataFusionError> {
    datafusion_functions_json::register_all(state)?;
    state.register_function_rewrite(Arc::new(UnderLimits::new(Bounds::of(guard))))
}

#[cfg(test)]
mod tests;
