//! How much one key, or all keys of one project, may ask for.

use serde::{Deserialize, Serialize};

use super::ByteCount;

/// What may be asked for; an absent part is what the settings say, 0 is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Requests a second.
    pub requests_per_second: Option<u64>,
    /// Events sent a second, refused ones included.
    pub events_per_second: Option<u64>,
    /// Bytes of events sent a second, decompressed.
    #[schema(value_type = Option<String>, example = "10MiB")]
    pub bytes_per_second: Option<ByteCount>,
    /// Queries that run at once; further ones wait for their turn.
    pub queries_at_once: Option<u64>,
    /// Bytes of stored files that queries read, over a day.
    #[schema(value_type = Option<String>, example = "100GiB")]
    pub bytes_scanned_per_day: Option<ByteCount>,
}

impl Quota {
    /// This one, with the parts of `defaults` where it says nothing.
    #[must_use]
    pub fn or(&self, defaults: &Self) -> Self {
        Self {
            requests_per_second: self.requests_per_second.or(defaults.requests_per_second),
            events_per_second: self.events_per_second.or(defaults.events_per_second),
            bytes_per_second: self.bytes_per_second.or(defaults.bytes_per_second),
            queries_at_once: self.queries_at_once.or(defaults.queries_at_once),
            bytes_scanned_per_day: self.bytes_scanned_per_day.or(defaults.bytes_scanned_per_day),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
