//! `local_part(part, time, zone)`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{at, constant, refused, texts};
use crate::event::calendar;

/// A part of the local time.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct LocalPart(Signature);

impl LocalPart {
    pub(super) fn new() -> Self {
        Self(Signature::any(3, Volatility::Immutable))
    }
}

/// Times as µs since 1970 in UTC.
pub(super) fn times(value: &ColumnarValue, rows: usize) -> Result<arrow::array::ArrayRef, DataFusionError> {
    Ok(cast(&value.to_array(rows)?, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?)
}

fn part(name: &str, local: NaiveDateTime) -> Option<u32> {
    Some(match name {
        "hour" => local.hour(),
        "minute" => local.hour() * 60 + local.minute(),
        "weekday" => local.weekday().number_from_monday(),
        "day" => local.day(),
        _ => return None,
    })
}

impl ScalarUDFImpl for LocalPart {
    fn name(&self) -> &'static str {
        "local_part"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let name = constant("local_part", "part", &args.args[0])?.unwrap_or_default();
        if part(&name, NaiveDateTime::default()).is_none() {
            return Err(refused(format!("`local_part` knows hour, minute, weekday and day, not `{name}`")));
        }
        let times = times(&args.args[1], args.number_rows)?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let zones = texts(&args.args[2], args.number_rows)?;
        let mut known = Zones::default();
        let of_row = |row: usize| {
            let time = times.is_valid(row).then(|| DateTime::<Utc>::from_timestamp_micros(times.value(row)))??;
            let local = time.with_timezone(&known.of(&zones, row)).naive_local();
            part(&name, local).and_then(|part| i32::try_from(part).ok())
        };
        let parts: Int32Array = (0..args.number_rows).map(of_row).collect();
        Ok(ColumnarValue::Array(Arc::new(parts)))
    }
}

/// Zones by name, each looked up once.
#[derive(Default)]
pub(super) struct Zones(HashMap<String, Tz>);

impl Zones {
    /// The zone that stands in `row`; UTC where there is none.
    pub(super) fn of(&mut self, names: &StringArray, row: usize) -> Tz {
        let Some(name) = at(names, row) else { return Tz::UTC };
        if let Some(zone) = self.0.get(name) {
            return *zone;
        }
        let zone = calendar::zone(name).unwrap_or(Tz::UTC);
        self.0.insert(name.to_owned(), zone);
        zone
    }
}
