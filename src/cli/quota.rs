//! Quotas on the command line: `requests_per_second=10`, `bytes_scanned_per_day=100GiB`.

use std::str::FromStr;

use serde_json::{Map, Value, json};

/// One part of a quota.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    name: String,
    value: Value,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as requests_per_second=10")?;
        // Sizes have units and stay text; the server knows which part is which.
        let value = value.parse::<u64>().map_or_else(|_| json!(value), |number| json!(number));
        Ok(Self { name: name.to_owned(), value })
    }
}

/// The quota as the API takes it.
pub(crate) fn quota(parts: &[Part]) -> Value {
    Value::Object(parts.iter().map(|part| (part.name.clone(), part.value.clone())).collect::<Map<_, _>>())
}
