//! Policies: for how many days events are kept, by project and module.
//!
//! ```text
//! module of the project's policy ─▶ the project's policy ─▶ retention.default_days ─▶ at least retention.floor_days
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::RetentionError;
use crate::event::columns::DAY_US;

/// Most days that a policy may name: a hundred years.
pub const DAYS_MAX: u32 = 36_500;
/// Modules that a policy may name.
const MODULES_MAX: usize = 1_000;

/// How long events are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Keep {
    /// Nothing goes by itself.
    Forever,
    /// At least so many days after their `event_time`.
    Days(u32),
}

impl Keep {
    /// Days as settings have them: 0 is forever.
    #[must_use]
    pub fn of_days(days: u32) -> Self {
        if days == 0 { Self::Forever } else { Self::Days(days) }
    }

    /// The longer of the two.
    #[must_use]
    pub fn at_least(self, days: u32) -> Self {
        match self {
            Self::Forever => Self::Forever,
            Self::Days(own) => Self::Days(own.max(days)),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.write_str("forever"),
            Self::Days(days) => write!(f, "{days}d"),
        }
    }
}

impl From<Keep> for String {
    fn from(keep: Keep) -> Self {
        keep.to_string()
    }
}

impl TryFrom<String> for Keep {
    type Error = RetentionError;

    fn try_from(text: String) -> Result<Self, RetentionError> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
        let days = days.filter(|days| (1..=DAYS_MAX).contains(days));
        let wrong = || RetentionError::Policy(format!("`{text}` is neither `forever` nor `1d` to `{DAYS_MAX}d`"));
        days.map(Self::Days).ok_or_else(wrong)
    }
}

/// What a project says about its events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// `forever` or days such as `90d`; absent: what the server's settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "400d")]
    pub keep: Option<Keep>,
    /// The same for single modules; the empty name is that of events without a module.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = std::collections::HashMap<String, String>, example = json!({"logs": "30d"}))]
    pub modules: BTreeMap<String, Keep>,
}

impl Policy {
    /// Refuses what no policy may say.
    ///
    /// # Errors
    /// A part is below `floor_days`, or too many modules are named.
    pub fn check(&self, floor_days: u32) -> Result<(), RetentionError> {
        if self.modules.len() > MODULES_MAX {
            return Err(RetentionError::Policy(format!("a policy names at most {MODULES_MAX} modules")));
        }
        let low = |keep: &&Keep| keep.at_least(floor_days) != **keep;
        match self.keep.iter().chain(self.modules.values()).find(low) {
            Some(keep) => Err(RetentionError::BelowFloor { keep: keep.to_string(), floor: floor_days }),
            None => Ok(()),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A policy with what stands around it.
#[derive(Debug, Clone)]
pub struct Rules {
    policy: Policy,
    default: Keep,
    floor_days: u32,
}

impl Rules {
    /// `policy` over the settings of the server.
    #[must_use]
    pub fn new(policy: Policy, default_days: u32, floor_days: u32) -> Self {
        Self { policy, default: Keep::of_days(default_days), floor_days }
    }

    /// How long events of `module` are kept.
    #[must_use]
    pub fn keep(&self, module: Option<&str>) -> Keep {
        let own = self.policy.modules.get(module.unwrap_or("")).copied();
        own.map_or_else(|| self.project(), |keep| keep.at_least(self.floor_days))
    }

    /// How long events of modules that the policy does not name are kept.
    #[must_use]
    pub fn project(&self) -> Keep {
        self.policy.keep.unwrap_or(self.default).at_least(self.floor_days)
    }

    /// The first day (since 1970) of `module` that is kept now; `None` where all are.
    ///
    /// A day is over when its last event is as old as the policy says.
    #[must_use]
    pub fn first_kept(&self, module: Option<&str>, now_us: i64) -> Option<i32> {
        match self.keep(module) {
            Keep::Forever => None,
            Keep::Days(days) => {
                let today = now_us.div_euclid(DAY_US);
                Some(i32::try_from(today.saturating_sub(i64::from(days))).unwrap_or(i32::MIN))
            }
        }
    }

    /// Whether anything goes by it, ever.
    #[must_use]
    pub fn is_forever(&self) -> bool {
        let whole = self.policy.keep.unwrap_or(self.default);
        whole == Keep::Forever && self.policy.modules.values().all(|keep| *keep == Keep::Forever)
    }
}
