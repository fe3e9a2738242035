//! Errors as servers answer them: `application/problem+json`, or whatever a proxy in between wrote.

use std::fmt;

use reqwest::{Response, StatusCode};
use serde::Deserialize;

use crate::error::Kind;

/// Longest part of a body that is no problem document that is shown.
const SHOWN_MAX: usize = 300;

/// A server's refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// HTTP status.
    #[serde(skip)]
    pub status: u16,
    /// Stable code, for programs.
    pub code: Option<String>,
    /// What kind of error.
    pub title: Option<String>,
    /// What is wrong in this case.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The request's id in the server's log.
    pub request_id: Option<String>,
}

impl Problem {
    /// Reads the refusal from an answer whose status is an error.
    pub(super) async fn read(response: Response) -> Self {
        let status = response.status();
        // A body that cannot be read leaves the status, which says enough.
        let body = response.bytes().await.unwrap_or_default();
        Self::parse(status, &body)
    }

    pub(super) fn parse(status: StatusCode, body: &[u8]) -> Self {
        let known = serde_json::from_slice(body).ok();
        let mut problem: Self = known.unwrap_or_else(|| Self { detail: shown(body), ..Self::default() });
        problem.status = status.as_u16();
        if problem.title.is_none() {
            problem.title = status.canonical_reason().map(str::to_owned);
        }
        problem
    }

    /// Who must act, by the status.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match (self.status, self.code.as_deref()) {
            (_, Some("outcome_unknown")) => Kind::OutcomeUnknown,
            (401, _) => Kind::Unauthenticated,
            (403, _) => Kind::Forbidden,
            (404, _) => Kind::NotFound,
            (409 | 412, _) => Kind::Conflict,
            (413, _) => Kind::TooLarge,
            (415, _) => Kind::UnsupportedMedia,
            (406, _) => Kind::NotAcceptable,
            (429, _) => Kind::Overloaded,
            (408 | 504, _) => Kind::DeadlineExceeded,
            (502 | 503, _) => Kind::Unavailable,
            (400..=499, _) => Kind::Invalid,
            _ => Kind::Internal,
        }
    }

    /// What to do, in the words of the command line; elsewhere the server's.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        if self.kind() == Kind::Unauthenticated {
            // The server's hint speaks of headers.
            return Some("give a valid key with --key-file, KRONIKA_KEY or --key".into());
        }
        self.hint.clone().or_else(|| match self.kind() {
            Kind::TooLarge => Some("send less at once, e.g. with a smaller --batch-size".into()),
            Kind::OutcomeUnknown => Some("run the same command again: nothing is stored twice".into()),
            Kind::Overloaded | Kind::Unavailable => Some("try again later".into()),
            _ => None,
        })
    }
}

/// The start of a body that is text.
fn shown(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN_MAX)]);
    let text: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    (!text.is_empty()).then_some(text)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = self.title.as_deref().unwrap_or("the server refused");
        f.write_str(self.detail.as_deref().unwrap_or(title))?;
        match &self.code {
            Some(code) => write!(f, " ({} {code}", self.status)?,
            None => write!(f, " ({}", self.status)?,
        }
        match &self.request_id {
            Some(id) => write!(f, ", request {id})"),
            None => f.write_str(")"),
        }
    }
}
