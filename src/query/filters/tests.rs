//! Ranges of time, in whatever form they are asked for.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast, col, lit};

use super::*;

fn us(value: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(value), Some("UTC".into())))
}

fn ns(value: i64) -> Expr {
    lit(ScalarValue::TimestampNanosecond(Some(value), None))
}

#[test]
fn comparisons_become_ranges_of_whole_microseconds() {
    use arrow::datatypes::{DataType, TimeUnit};
    let time = || col("event_time");
    let fine = || cast(time(), DataType::Timestamp(TimeUnit::Nanosecond, None));
    let coarse = || cast(time(), DataType::Timestamp(TimeUnit::Second, None));
    let (min, max) = (i64::MIN, i64::MAX);
    let cases = [
        (time().gt_eq(us(10)), Some((10, max))),
        (time().gt(us(10)), Some((11, max))),
        (time().lt(us(10)), Some((min, 9))),
        (time().lt_eq(us(10)), Some((min, 10))),
        (time().eq(us(10)), Some((10, 10))),
        (us(10).lt(time()), Some((11, max))),
        (time().between(us(3), us(9)), Some((3, 9))),
        (fine().gt_eq(ns(10_001)), Some((11, max))),
        (fine().gt(ns(10_001)), Some((11, max))),
        (fine().lt(ns(10_001)), Some((min, 10))),
        (fine().lt_eq(ns(-1)), Some((min, -1))),
        (fine().eq(ns(10_001)), None),
        (coarse().gt_eq(lit(ScalarValue::TimestampSecond(Some(1), None))), None),
        (time().not_between(us(3), us(9)), None),
        (time().not_eq(us(3)), None),
        (col("observed_time").gt(us(3)), None),
        (binary_expr(time(), Operator::Gt, lit(ScalarValue::TimestampMicrosecond(None, None))), None),
        (time().gt(lit(ScalarValue::TimestampSecond(Some(i64::MAX), None))), Some((max, max))),
    ];
    for (expr, range) in cases {
        let range = range.map(|(from, to)| TimeRange { from, to });
        assert_eq!(time_range(&expr), range, "{expr}");
    }
}
