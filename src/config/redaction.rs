//! What is blanked in events before anything is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Headers whose values are secrets.
pub const DEFAULT_HEADERS: [&str; 10] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-access-token",
    "x-app-token",
];

/// Parameters of URLs and forms whose values are secrets.
pub const DEFAULT_PARAMETERS: [&str; 8] =
    ["api_key", "apikey", "access_token", "refresh_token", "client_secret", "password", "secret", "token"];

/// Rules for all projects, and more for some.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redaction {
    /// Names of headers, in any case, `_` and `-` alike; a list here replaces the default one.
    pub headers: Vec<String>,
    /// Names of parameters of URLs and forms, likewise.
    pub parameters: Vec<String>,
    /// Paths of JSON values: keys joined by `.` from the record on; `*` is any key.
    pub paths: Vec<String>,
    /// What is blanked besides in the projects of these names.
    pub projects: BTreeMap<String, RedactLists>,
}

impl Default for Redaction {
    fn default() -> Self {
        Self {
            headers: DEFAULT_HEADERS.map(String::from).to_vec(),
            parameters: DEFAULT_PARAMETERS.map(String::from).to_vec(),
            paths: Vec::new(),
            projects: BTreeMap::new(),
        }
    }
}

impl Redaction {
    /// The rules for all projects.
    #[must_use]
    pub fn lists(&self) -> RedactLists {
        RedactLists { headers: self.headers.clone(), parameters: self.parameters.clone(), paths: self.paths.clone() }
    }
}

/// Rules as lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedactLists {
    /// Names of headers, in any case, `_` and `-` alike.
    pub headers: Vec<String>,
    /// Names of parameters of URLs and forms, likewise.
    pub parameters: Vec<String>,
    /// Paths of JSON values: keys joined by `.` from the record on; `*` is any key.
    pub paths: Vec<String>,
}
