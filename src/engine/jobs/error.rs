//! What can be wrong about a job.

use thiserror::Error;

use super::record::{Kind as JobKind, State};
use crate::error::{Kind, Report};

/// What is wrong about a job.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobError {
    /// None has the id.
    #[error("there is no job `{0}`")]
    NotFound(String),
    /// It has ended.
    #[error("the job has ended: it is {0}")]
    Ended(State),
    /// Too many imports are under way.
    #[error("{0} imports are under way already")]
    TooManyImports(usize),
    /// It cannot be left half done.
    #[error("a job of kind `{}` cannot be canceled", .0.as_str())]
    NotCancelable(JobKind),
}

impl Report for JobError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::TooManyImports(_) => Kind::Overloaded,
            Self::Ended(_) | Self::NotCancelable(_) => Kind::Conflict,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "job_not_found",
            Self::TooManyImports(_) => "too_many_imports",
            Self::Ended(_) => "job_ended",
            Self::NotCancelable(_) => "job_not_cancelable",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound(_) => Some("list them with GET /api/v1/jobs; `jobs.history_max` of a kind are kept".into()),
            Self::TooManyImports(_) => {
                Some("send the events all the same, or wait; the setting is `jobs.imports_max`".into())
            }
            Self::Ended(_) => None,
            Self::NotCancelable(_) => Some("it ends by itself, in seconds".into()),
        }
    }
}
