//! What can be wrong with a policy, a hold or an erasure.

use thiserror::Error;

use crate::error::{Kind, Report};

/// Why a policy, a hold or an erasure is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RetentionError {
    /// No policy can say this.
    #[error("{0}")]
    Policy(String),
    /// A policy keeps less than the server's floor.
    #[error("{keep} is less than the server's floor of {floor} days")]
    BelowFloor {
        /// What was asked for.
        keep: String,
        /// `retention.floor_days`.
        floor: u32,
    },
    /// `_audit` is kept as the settings say.
    #[error("`_audit` is kept as the settings say")]
    AuditPolicy,
    /// The clock cannot be trusted with what cannot be brought back.
    #[error("the clock looks wrong: {0}")]
    Clock(String),
    /// More would go at once than is usual.
    #[error("{percent} % of the project's events would go, more than retention.share_max ({share_max} %)")]
    Share {
        /// How much of the project's events.
        percent: u64,
        /// The setting.
        share_max: u64,
        /// What has to be repeated to confirm it.
        plan: String,
    },
    /// What was confirmed is not what would go now.
    #[error("what would go has changed since the dry run")]
    PlanChanged {
        /// The plan of now.
        plan: String,
    },
    /// No hold can be like this.
    #[error("{0}")]
    Hold(String),
    /// No such hold.
    #[error("there is no hold `{0}`")]
    UnknownHold(String),
    /// It was lifted before.
    #[error("the hold `{0}` is lifted already")]
    Lifted(String),
    /// A hold is in the way.
    #[error("{what} under the legal hold {holds}")]
    Held {
        /// Completes "… under the legal hold …".
        what: String,
        /// Ids of the holds.
        holds: String,
    },
    /// No erasure can be like this.
    #[error("{0}")]
    Erasure(String),
    /// No such erasure.
    #[error("there is no erasure `{0}`")]
    UnknownErasure(String),
    /// It ended before.
    #[error("the erasure `{0}` has ended already")]
    Ended(String),
    /// Too many wait.
    #[error("{0} erasures wait already")]
    TooMany(usize),
}

impl Report for RetentionError {
    fn kind(&self) -> Kind {
        match self {
            Self::Policy(_) => Kind::Invalid,
            Self::BelowFloor { .. } => Kind::Invalid,
            Self::AuditPolicy => Kind::Invalid,
            Self::Clock(_) => Kind::Conflict,
            Self::Share { .. } => Kind::Conflict,
            Self::PlanChanged { .. } => Kind::Conflict,
            Self::Hold(_) => Kind::Invalid,
            Self::UnknownHold(_) => Kind::NotFound,
            Self::Lifted(_) => Kind::Conflict,
            Self::Held { .. } => Kind::Conflict,
            Self::Erasure(_) => Kind::Invalid,
            Self::UnknownErasure(_) => Kind::NotFound,
            Self::Ended(_) => Kind::Conflict,
            Self::TooMany(_) => Kind::Overloaded,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Policy(_) => "invalid_policy",
            Self::BelowFloor { .. } => "retention_below_floor",
            Self::AuditPolicy => "audit_policy",
            Self::Clock(_) => "clock_suspect",
            Self::Share { .. } => "confirmation_needed",
            Self::PlanChanged { .. } => "plan_changed",
            Self::Hold(_) => "invalid_hold",
            Self::UnknownHold(_) => "hold_not_found",
            Self::Lifted(_) => "hold_lifted",
            Self::Held { .. } => "legal_hold",
            Self::Erasure(_) => "invalid_erasure",
            Self::UnknownErasure(_) => "erasure_not_found",
            Self::Ended(_) => "erasure_ended",
            Self::TooMany(_) => "erasures_waiting",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Policy(_) => "say `forever` or a number of days such as `90d`".into(),
            Self::BelowFloor { floor, .. } => {
                format!("keep {floor}d or more; the floor is the setting `retention.floor_days`")
            }
            Self::AuditPolicy => "how long it is kept is the setting `audit.retention`".into(),
            Self::Clock(_) => {
                "set the clock right; if it is right, run it once with `confirm` and the `plan` of a dry run".into()
            }
            Self::Share { plan, .. } => format!("look at the dry run, then repeat it with `confirm` = `{plan}`"),
            Self::PlanChanged { plan } => format!("look at the dry run again; its `plan` is now `{plan}`"),
            Self::Hold(_) => "a hold names a project, a reason, and any of modules, from, to, object, actor".into(),
            Self::UnknownHold(_) => "list them with GET /api/v1/holds".into(),
            Self::Lifted(_) => "place a new one if it is needed again".into(),
            Self::Held { .. } => {
                "lift the hold first (POST /api/v1/holds/{id}/lift), or leave out what it covers".into()
            }
            Self::Erasure(_) => "name a project, a reason, and either `object` or `column` and `value`".into(),
            Self::UnknownErasure(_) => "list them with GET /api/v1/erasures".into(),
            Self::Ended(_) => "ask for a new one".into(),
            Self::TooMany(_) => "wait until one of them is done".into(),
        })
    }
}
