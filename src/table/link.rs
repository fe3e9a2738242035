//! The line to an object store: every HTTP request passes here, is counted, and is judged by its answer.
//!
//! After a few failures in a row the store counts as away. Requests then fail at once instead of each
//! waiting out its own retries, and one of them a second is let through to see whether it is back.
//! Any answer that is no failure of the server ends that.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use parking_lot::Mutex;
use thiserror::Error;

use super::requests::{Observer, RequestKind, Requests, Tally, observer};
use crate::error::chain;

/// Failures in a row after which a store may count as away.
const FAILURES_MIN: u32 = 3;
/// How long nothing but failures must have come.
const FAILING_MIN: Duration = Duration::from_secs(2);
/// How often a store that is away is asked.
const KNOCK_EVERY: Duration = Duration::from_secs(1);

/// A store that does not answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct Away {
    /// The store, as its URL.
    pub store: String,
    /// For how long there was no answer.
    pub lasting: Duration,
    /// What happened last.
    pub reason: String,
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the object store `{}` has not answered for {} s", self.store, self.lasting.as_secs())?;
        write!(f, " ({})", self.reason)
    }
}

/// What is known about a store from the answers of late.
#[derive(Debug)]
pub struct Link {
    store: String,
    tally: Tally,
    failing: Mutex<Option<Failing>>,
}

/// Failures without any answer in between.
#[derive(Debug)]
struct Failing {
    since: Instant,
    failures: u32,
    reason: String,
    /// Whether they were enough.
    away: bool,
    /// When the next request is let through.
    knock_at: Instant,
}

impl Link {
    /// A link to the store of this URL, about which nothing is known.
    #[must_use]
    pub fn new(store: String) -> Arc<Self> {
        Arc::new(Self { store, tally: Tally::default(), failing: Mutex::default() })
    }

    /// All that was asked so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.tally.requests()
    }

    /// The failures of late, if the last answer was one.
    #[must_use]
    pub fn trouble(&self) -> Option<Away> {
        self.failing.lock().as_ref().map(|failing| self.tell(failing, Instant::now()))
    }

    /// Why requests are refused at present; `None` while they are let through.
    #[must_use]
    pub fn away(&self) -> Option<Away> {
        let now = Instant::now();
        self.failing.lock().as_ref().filter(|failing| failing.away).map(|failing| self.tell(failing, now))
    }

    fn tell(&self, failing: &Failing, now: Instant) -> Away {
        let lasting = now.duration_since(failing.since);
        Away { store: self.store.clone(), lasting, reason: failing.reason.clone() }
    }

    /// Lets a request through, or says why not.
    fn admit(&self, now: Instant) -> Result<(), Away> {
        let mut failing = self.failing.lock();
        match failing.as_mut().filter(|failing| failing.away) {
            Some(failing) if now < failing.knock_at => Err(self.tell(failing, now)),
            Some(failing) => {
                failing.knock_at = now + KNOCK_EVERY;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Notes how a request went: `None` for an answer that is no failure of the server.
    fn note(&self, now: Instant, failure: Option<String>) {
        let mut failing = self.failing.lock();
        let Some(reason) = failure else {
            if let Some(failing) = failing.take().filter(|failing| failing.away) {
                let seconds = now.duration_since(failing.since).as_secs();
                tracing::info!(store = self.store, seconds, "the object store is back");
            }
            return;
        };
        let state = failing.get_or_insert_with(|| Failing {
            since: now,
            failures: 0,
            reason: String::new(),
            away: false,
            knock_at: now,
        });
        state.failures = state.failures.saturating_add(1);
        state.reason = reason;
        if !state.away && state.failures >= FAILURES_MIN && now.duration_since(state.since) >= FAILING_MIN {
            (state.away, state.knock_at) = (true, now + KNOCK_EVERY);
            tracing::warn!(store = self.store, reason = state.reason, "the object store does not answer");
        }
    }
}

/// Makes clients whose requests pass a [`Link`].
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) link: Arc<Link>,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Line { client, link: Arc::clone(&self.link) }))
    }
}

#[derive(Debug)]
struct Line {
    client: HttpClient,
    link: Arc<Link>,
}

#[async_trait]
impl HttpService for Line {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // Of a kind that is not tried again.
        self.link.admit(Instant::now()).map_err(|away| HttpError::new(HttpErrorKind::Unknown, away))?;
        let kind = RequestKind::of(request.method().as_str(), request.uri().query());
        let (observer, sent) = (observer(), request.body().content_length() as u64);
        self.link.tally.asks(kind, sent);
        if let Some(observer) = &observer {
            observer.asks(kind, sent);
        }
        let answer = self.client.execute(request).await;
        self.link.note(Instant::now(), failure_of(&answer));
        if let Ok(answer) = &answer
            && kind != RequestKind::Head
        {
            let received = length_of(answer);
            self.link.tally.receives(received);
            if let Some(observer) = &observer {
                observer.receives(received);
            }
        }
        answer
    }
}

/// Bytes of an answer's body, as it announces them.
fn length_of(answer: &HttpResponse) -> u64 {
    let length = answer.headers().get("content-length").and_then(|value| value.to_str().ok());
    length.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What of an outcome is a failure of the server or the way to it.
fn failure_of(answer: &Result<HttpResponse, HttpError>) -> Option<String> {
    match answer {
        Ok(answer) if answer.status().is_server_error() && answer.status().as_u16() != 501 => {
            Some(format!("it answered {}", answer.status()))
        }
        Ok(_) => None,
        Err(error) => Some(innermost(error)),
    }
}

/// The last cause of an error, which says what really happened.
fn innermost(error: &HttpError) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests;
