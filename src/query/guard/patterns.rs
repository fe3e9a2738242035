//! Regular expressions and types that cost more than they look like.
//!
//! A pattern is compiled once for a query if it is a constant, and once for each row if it is not;
//! the time to match grows with the size of the compiled pattern.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use regex::RegexBuilder;

use crate::config::Guard;
use crate::query::error::QueryError;

/// Refuses a pattern that is no constant, or is over `query.guard.pattern_max` when compiled.
///
pub(super) fn check(pattern: &Expr, guard: &Guard) -> Result<(), QueryError> {
    let text = match constant(pattern) {
        Some(ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text)) => text,
        // NULL, or a type that no pattern has.
        Some(_) => return Ok(()),
        None => {
            return Err(QueryError::Unsupported(
                "a regular expression that is no constant; write it into the query or pass it as a parameter".into(),
            ));
        }
    };
    let Some(text) = text else { return Ok(()) };
    match RegexBuilder::new(text).size_limit(guard.pattern_max.as_usize()).build() {
        Err(regex::Error::CompiledTooBig(limit)) => Err(QueryError::TooComplex {
            what: "bytes in one regular expression, compiled",
            limit: limit as u64,
            setting: "pattern_max",
            position: None,
        }),
        Err(error) => {
            // The last line says what is wrong, those before draw where.
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Err(QueryError::Evaluation(format!("the regular expression `{text:.64}`: {last}")))
        }
        Ok(_) => Ok(()),
    }
}

fn constant(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Cast(cast) => constant(&cast.expr),
        _ => None,
    }
}

/// Longest value of a fixed size.
const FIXED_MAX: u32 = 1_024;

/// Whether the type has a large fixed size: one NULL of `bigint[1000000000]` takes 8 GB.
pub(super) fn is_sized(kind: &DataType) -> bool {
    match kind {
        DataType::FixedSizeBinary(size) => size.unsigned_abs() > FIXED_MAX,
        DataType::FixedSizeList(item, size) => {
            size.unsigned_abs() > FIXED_MAX || item.data_type().is_nested() || is_sized(item.data_type())
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            is_sized(item.data_type())
        }
        DataType::Map(entries, _) => is_sized(entries.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| is_sized(field.data_type())),
        DataType::Dictionary(_, values) => is_sized(values),
        _ => false,
    }
}

/// As [`is_sized`], for a type in the words of `arrow_cast`; nested ones are as large as their product.
pub(super) fn names_sized(text: &str) -> bool {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let sizes = numbers.map(|digits| digits.parse::<u64>().unwrap_or(u64::MAX));
    text.contains("FixedSize") && sizes.filter(|size| *size > 0).fold(1, u64::saturating_mul) > FIXED_MAX.into()
}
