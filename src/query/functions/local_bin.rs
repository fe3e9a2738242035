//! `local_bin(step, time, zone)`.

use std::sync::Arc;

use arrow::array::{Array, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::local_part::times;
use super::{constant, refused};
use crate::event::calendar::{self, Step};

/// The beginning of the step that holds a time.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LocalBin(Signature);

impl LocalBin {
    pub(super) fn new() -> Self {
        Self(Signature::any(3, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for LocalBin {
    fn name(&self) -> &'static str {
        "local_bin"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let step = constant("local_bin", "step", &args.args[0])?.unwrap_or_default();
        let step = Step::parse(&step).ok_or_else(|| refused(format!("`{step}` is no step: write {}", Step::FORMS)))?;
        let name = constant("local_bin", "zone", &args.args[2])?.unwrap_or_else(|| "UTC".into());
        let zone = calendar::zone(&name)
            .ok_or_else(|| refused(format!("`{name}` is no time zone: write an IANA name such as Europe/Warsaw")))?;
        let times = times(&args.args[1], args.number_rows)?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        // Rows come in the order of time: nearly all are in the bucket of the one before.
        let mut bucket = 0..0_i64;
        let of_row = |row: usize| {
            let time = times.is_valid(row).then(|| times.value(row))?;
            if !bucket.contains(&time) {
                let (from, to) = step.bucket(DateTime::<Utc>::from_timestamp_micros(time)?, zone);
                bucket = from.timestamp_micros()..to.timestamp_micros();
            }
            Some(bucket.start)
        };
        let starts: TimestampMicrosecondArray = (0..times.len()).map(of_row).collect();
        Ok(ColumnarValue::Array(Arc::new(starts.with_timezone("UTC"))))
    }
}
