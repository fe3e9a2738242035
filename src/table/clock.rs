//! The time as a table sees it: the system's, or one that a test sets.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

/// Tells the time, in ms since 1970.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that says what `now_ms` says.
    pub fn new(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.0)()
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.now_ms()).unwrap_or_default()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(|| Utc::now().timestamp_millis())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now_ms())
    }
}
