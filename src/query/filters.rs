//! The conditions of one scan, sorted by what can answer them.
//!
//! A range of `event_time` is taken out of whatever form it was written in and kept as two
//! numbers: whole batches and files inside it then need no test per row, and those outside are not
//! opened. Conditions on `date` and `module` alone are answered by the list of files.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::expressions::{binary, col, lit};
use datafusion::physical_plan::PhysicalExpr;

use super::prune::{all_of, is_wide};
use crate::event::schema::{DATE, EVENT_TIME_AT, MODULE, query_schema};

/// Columns of ids that many rows share: a tenant, a location.
const COARSE_IDS: [&str; 2] = ["tenant_id", "unit_id"];

/// Instants from one to another, both included, in µs since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeRange {
    pub from: i64,
    pub to: i64,
}

impl TimeRange {
    /// All instants.
    pub(crate) const ALL: Self = Self { from: i64::MIN, to: i64::MAX };

    pub(crate) fn covers(self, other: Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }

    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}

/// The conditions of one scan, over the query schema.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters {
    /// What is asked of `event_time`, as far as it is a range.
    pub time: Option<TimeRange>,
    /// The range as conditions for rows.
    pub time_exprs: Vec<Arc<dyn PhysicalExpr>>,
    /// Conditions on `date` and `module` only.
    pub partition: Vec<Arc<dyn PhysicalExpr>>,
    /// All others.
    pub rows: Vec<Arc<dyn PhysicalExpr>>,
    /// Whether one of the others names a single thing (an id), so that few rows can match.
    needle: bool,
}

impl Filters {
    /// Sorts `exprs`, which all must hold.
    pub(crate) fn new(
        exprs: &[Expr],
        physical: impl Fn(&Expr, &DFSchema) -> Result<Arc<dyn PhysicalExpr>, DataFusionError>,
    ) -> Result<Self, DataFusionError> {
        let schema = DFSchema::try_from(query_schema())?;
        let mut filters = Self::default();
        for expr in exprs {
            let expr = unqualified(expr)?;
            if let Some(range) = time_range(&expr) {
                filters.time = Some(filters.time.unwrap_or(TimeRange::ALL).and(range));
                continue;
            }
            let condition = physical(&expr, &schema)?;
            if expr.column_refs().iter().all(|column| column.name == DATE || column.name == MODULE) {
                filters.partition.push(condition);
            } else {
                filters.needle |= is_needle(&expr);
                filters.rows.push(condition);
            }
        }
        if let Some(range) = filters.time {
            filters.time_exprs = time_exprs(range)?;
        }
        Ok(filters)
    }

    /// Everything that files can be pruned by.
    pub(crate) fn pruning(&self) -> Option<Arc<dyn PhysicalExpr>> {
        let all: Vec<_> = self.time_exprs.iter().chain(&self.partition).chain(&self.rows).cloned().collect();
        all_of(&all)
    }

    /// Conditions for rows of a file or batch that is (not) known to lie in the time range.
    pub(crate) fn for_rows(&self, inside: bool) -> Vec<Arc<dyn PhysicalExpr>> {
        let time = if inside { &[][..] } else { &self.time_exprs };
        time.iter().chain(&self.rows).cloned().collect()
    }

    /// Whether to test rows while decoding, so that other columns are decoded for matches only.
    ///
    /// It pays when few rows are expected or what is selected costs more than what is tested; for
    /// aggregates over narrow columns it costs more than it saves.
    pub(crate) fn decode_late(&self, selected: &[&str]) -> bool {
        let tested = |name: &str| {
            let position = query_schema().index_of(name).ok();
            self.rows.iter().any(|condition| {
                datafusion::physical_expr::utils::collect_columns(condition)
                    .iter()
                    .any(|column| Some(column.index()) == position)
            })
        };
        let wide_tested = self.rows.len() > 1 && super::prune::wide_columns().any(tested);
        self.needle || wide_tested || selected.len() > 20 || selected.iter().any(|name| is_wide(name) && !tested(name))
    }
}

/// A scan sees columns without the table's name or alias in front.
pub(super) fn unqualified(expr: &Expr) -> Result<Expr, DataFusionError> {
    use datafusion::common::tree_node::Transformed;
    expr.clone()
        .transform(|expr| {
            Ok(match expr {
                Expr::Column(column) if column.relation.is_some() => {
                    Transformed::yes(Expr::Column(datafusion::common::Column::from_name(column.name)))
                }
                other => Transformed::no(other),
            })
        })
        .map(|transformed| transformed.data)
}

/// Whether `expr` asks for one value of a column that holds ids.
fn is_needle(expr: &Expr) -> bool {
    let mut found = false;
    let visited = expr.apply(|expr| {
        let column = match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, .. }) => left,
            Expr::InList(list) if !list.negated => &list.expr,
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        found |= column
            .try_as_col()
            .is_some_and(|column| column.name.ends_with("_id") && !COARSE_IDS.contains(&column.name.as_str()));
        Ok(TreeNodeRecursion::Continue)
    });
    visited.is_ok() && found
}

/// The range that `expr` leaves of `event_time`; `None` when it is another kind of condition.
pub(crate) fn time_range(expr: &Expr) -> Option<TimeRange> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            if is_event_time(left) {
                compared(*op, instant_ns(right)?)
            } else if is_event_time(right) {
                compared(op.swap()?, instant_ns(left)?)
            } else {
                None
            }
        }
        Expr::Between(between) if !between.negated && is_event_time(&between.expr) => {
            let from = compared(Operator::GtEq, instant_ns(&between.low)?)?;
            Some(from.and(compared(Operator::LtEq, instant_ns(&between.high)?)?))
        }
        _ => None,
    }
}

/// The column itself, or cast to an as fine or finer unit for a comparison; a coarser one would round.
fn is_event_time(expr: &Expr) -> bool {
    use arrow::datatypes::{DataType, TimeUnit};
    let expr = match expr {
        Expr::Cast(cast) => match cast.field.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, _) => &*cast.expr,
            _ => return false,
        },
        other => other,
    };
    expr.try_as_col().is_some_and(|column| column.name == query_schema().field(EVENT_TIME_AT).name().as_str())
}

/// An instant in ns; wide enough for every unit.
fn instant_ns(expr: &Expr) -> Option<i128> {
    let Expr::Literal(value, _) = expr else { return None };
    let (value, unit) = match value {
        ScalarValue::TimestampSecond(value, _) => (*value, 1_000_000_000),
        ScalarValue::TimestampMillisecond(value, _) => (*value, 1_000_000),
        ScalarValue::TimestampMicrosecond(value, _) => (*value, 1_000),
        ScalarValue::TimestampNanosecond(value, _) => (*value, 1),
        _ => return None,
    };
    Some(i128::from(value?) * unit)
}

/// Whole microseconds that compare so with an instant.
fn compared(op: Operator, instant: i128) -> Option<TimeRange> {
    let floor = saturated(instant.div_euclid(1_000));
    let exact = instant.rem_euclid(1_000) == 0;
    let all = TimeRange::ALL;
    Some(match op {
        Operator::GtEq if exact => TimeRange { from: floor, ..all },
        Operator::GtEq | Operator::Gt => TimeRange { from: floor.saturating_add(1), ..all },
        Operator::LtEq => TimeRange { to: floor, ..all },
        Operator::Lt if exact => TimeRange { to: floor.saturating_sub(1), ..all },
        Operator::Lt => TimeRange { to: floor, ..all },
        Operator::Eq if exact => TimeRange { from: floor, to: floor },
        _ => return None,
    })
}

fn saturated(us: i128) -> i64 {
    i64::try_from(us).unwrap_or(if us < 0 { i64::MIN } else { i64::MAX })
}

fn time_exprs(range: TimeRange) -> Result<Vec<Arc<dyn PhysicalExpr>>, DataFusionError> {
    let schema = query_schema();
    let column = col(schema.field(EVENT_TIME_AT).name(), &schema)?;
    let instant = |us| lit(ScalarValue::TimestampMicrosecond(Some(us), Some("UTC".into())));
    let mut exprs = Vec::with_capacity(2);
    if range.from > i64::MIN {
        exprs.push(binary(Arc::clone(&column), Operator::GtEq, instant(range.from), &schema)?);
    }
    if range.to < i64::MAX {
        exprs.push(binary(column, Operator::LtEq, instant(range.to), &schema)?);
    }
    Ok(exprs)
}

#[cfg(test)]
mod tests;
