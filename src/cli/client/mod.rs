//! The command line's way to a server: address, key, one call with its retries, errors as problems.
//!
//! # Invariants
//! * A key is never printed: it redacts itself, and travels in a header marked sensitive.
//! * A call is repeated only when that cannot do anything twice (see `retry`), and a bounded number of times.

mod problem;
mod retry;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Response, Url};
use serde::de::DeserializeOwned;

pub use problem::Problem;
pub(crate) use retry::{Policy, Repeat};

use super::CliError;
use retry::Failure;

/// Which server, as whom, in which project.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// Address of the server.
    #[arg(
        long,
        value_name = "URL",
        env = "KRONIKA_SERVER",
        hide_env_values = true,
        default_value = "http://127.0.0.1:7700"
    )]
    pub(crate) server: Url,
    /// API key; better in the environment or a file, as other users can see command lines.
    #[arg(long, value_name = "KEY", env = "KRONIKA_KEY", hide_env_values = true)]
    pub(crate) key: Option<Key>,
    /// File that holds the API key; it goes before --key and KRONIKA_KEY.
    #[arg(long, value_name = "FILE", env = "KRONIKA_KEY_FILE", hide_env_values = true)]
    pub(crate) key_file: Option<PathBuf>,
    /// Project; admin keys choose one, other keys belong to one.
    #[arg(long, value_name = "NAME", env = "KRONIKA_PROJECT", hide_env_values = true)]
    pub(crate) project: Option<String>,
}

/// An API key; shows only that there is one.
#[derive(Clone)]
pub(crate) struct Key(String);

impl Key {
    /// A digest that tells keys apart and gives nothing of them away.
    pub(crate) fn fingerprint(&self) -> String {
        use sha2::{Digest, Sha256};
        crate::access::hex(&Sha256::digest(self.0.as_bytes())[..8])
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a key is one word of printable ASCII".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// One call, kept so that it can be repeated.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
    repeat: Repeat,
}

impl Call {
    /// A read.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path, Repeat::Always)
    }

    /// A call that does something; `repeat` says whether doing it twice matters.
    pub(crate) fn post(path: impl Into<String>, repeat: Repeat) -> Self {
        Self::new(Method::POST, path, repeat)
    }

    /// A replacement.
    pub(crate) fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path, Repeat::Always)
    }

    /// A removal.
    pub(crate) fn delete(path: impl Into<String>, repeat: Repeat) -> Self {
        Self::new(Method::DELETE, path, repeat)
    }

    fn new(method: Method, path: impl Into<String>, repeat: Repeat) -> Self {
        Self { method, path: path.into(), query: vec![], headers: HeaderMap::new(), body: Bytes::new(), repeat }
    }

    /// Adds a query parameter.
    pub(crate) fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Adds a query parameter where it has a value.
    pub(crate) fn query_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a header of our own making.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("header values of the command line are printable ASCII");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Sets the body.
    pub(crate) fn body(self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.header("content-type", content_type) }
    }

    /// Sets a JSON body.
    pub(crate) fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

/// A server, the key for it, and how patient to be.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    policy: Policy,
}

impl Client {
    /// A client for the server that the arguments name; nothing is sent yet.
    ///
    /// # Errors
    /// An address that is not HTTP, an unreadable key file.
    pub(crate) fn new(args: &ServerArgs, policy: Policy) -> Result<Self, CliError> {
        let base = args.server.clone();
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(CliError::Usage(format!("--server {base} is no http:// or https:// address")));
        }
        let mut headers = HeaderMap::new();
        if let Some(key) = args.the_key()? {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.0)).expect("keys are printable ASCII");
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(project) = &args.project {
            let value = HeaderValue::from_str(project)
                .map_err(|_| CliError::Usage(format!("--project {project:?} is no project name")))?;
            headers.insert(HeaderName::from_static("kronika-project"), value);
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("kronika/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| CliError::Unreachable { server: base.to_string(), source: error })?;
        Ok(Self { http, base, policy })
    }

    /// The same server and key, with other patience.
    pub(crate) fn with_policy(&self, policy: Policy) -> Self {
        Self { policy, ..self.clone() }
    }

    /// The server's address, for messages.
    pub(crate) fn server(&self) -> &Url {
        &self.base
    }

    /// Sends the call, again where that is safe and may help, and returns a successful answer.
    ///
    /// # Errors
    /// The last failure, when no further try is left or none would help.
    pub(crate) async fn send(&self, call: &Call) -> Result<Response, CliError> {
        let mut tried = 0;
        loop {
            let failure = match self.once(call).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            tried += 1;
            let Some(pause) = self.policy.pause(tried, call.repeat, &failure) else {
                return Err(failure.into_error(&self.base));
            };
            tracing::info!(path = call.path, tried, ?pause, cause = %failure, "call failed, trying again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends the call and reads a JSON answer.
    ///
    /// # Errors
    /// As [`Client::send`]; an answer of another shape.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CliError> {
        let bytes = self.send(call).await?.bytes().await.map_err(|error| CliError::Incomplete(error.into()))?;
        serde_json::from_slice(&bytes).map_err(|error| CliError::Answer(error.into()))
    }

    async fn once(&self, call: &Call) -> Result<Response, Failure> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), call.path));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let request = self.http.request(call.method.clone(), url).headers(call.headers.clone()).body(call.body.clone());
        let response = request.send().await.map_err(|error| Failure::lost(error.without_url()))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let wait = retry::retry_after(response.headers());
        Err(Failure::Answered { problem: Box::new(Problem::read(response).await), wait })
    }
}

impl ServerArgs {
    /// The key, from the argument or the file.
    fn the_key(&self) -> Result<Option<Key>, CliError> {
        let Some(path) = &self.key_file else { return Ok(self.key.clone()) };
        let text = std::fs::read_to_string(path).map_err(CliError::file("read the key file", path))?;
        text.parse().map(Some).map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
    }

    /// Whose events these are: the project, or else what tells keys apart.
    pub(crate) fn whose(&self) -> Result<String, CliError> {
        match (&self.project, self.the_key()?) {
            (Some(project), _) => Ok(format!("project {project}")),
            (None, Some(key)) => Ok(format!("key {}", key.fingerprint())),
            (None, None) => Ok("no key".into()),
        }
    }
}

#[cfg(test)]
mod tests;
