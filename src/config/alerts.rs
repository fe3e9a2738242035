//! Alerts: how many, how often, and how mails are sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Span;

/// `[alerts]`: questions that are asked again and again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// Alerts of a project.
    pub rules_max: usize,
    /// Groups of one alert.
    pub groups_max: usize,
    /// Least time between two questions of an alert.
    pub every_min: Span,
    /// How long after the end of a window it is looked at, so that what arrived in it is visible.
    pub delay: Span,
    /// Longest run of a question.
    pub timeout: Span,
    /// Questions at once.
    pub at_once_max: usize,
    /// How often a mail is tried.
    pub attempts_max: u32,
    /// Pause after the first failure; each further one doubles it.
    pub retry_first: Span,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            rules_max: 200,
            groups_max: 1_000,
            every_min: Span::secs(10),
            delay: Span::secs(2),
            timeout: Span::secs(10),
            at_once_max: 2,
            attempts_max: 10,
            retry_first: Span::secs(30),
        }
    }
}

/// How a connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// TLS after `STARTTLS`, or nothing is sent.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None: only for a server on this machine or in a network that you trust.
    None,
}

/// `[smtp]`: the server that takes mails of alerts.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    /// Its name or address; without it no mail is sent.
    pub host: Option<String>,
    /// Its port.
    pub port: u32,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// User, where the server wants one.
    pub user: Option<String>,
    /// Password of the user.
    pub password: Option<String>,
    /// Sender of the mails, such as `Kronika <kronika@example.com>`.
    pub from: Option<String>,
    /// Longest wait for the server.
    pub timeout: Span,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            tls: SmtpTls::Starttls,
            user: None,
            password: None,
            from: None,
            timeout: Span::secs(30),
        }
    }
}

/// Without the password.
impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}
