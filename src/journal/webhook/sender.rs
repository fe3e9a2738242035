//! One call: signed, bounded in time and size, to a permitted address.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::address::{NotPermitted, Resolver, Rules};
use super::{SECRET_MAX, SECRET_MIN, SIGNATURE_HEADER, Webhook, WebhookError, sign};
use crate::config::{self, Span};
use crate::error::with_causes;

/// Header of the id of a delivery: the same for each try of it.
pub(super) const DELIVERY_HEADER: &str = "kronika-delivery";
/// How much of an answer that is no success is told, in characters.
const TOLD: usize = 500;

/// A call that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Status of the answer.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

/// Makes calls; clones share connections.
#[derive(Debug, Clone)]
pub struct Sender {
    http: reqwest::Client,
    rules: Rules,
    timeout: Span,
    answer_max: u64,
}

impl Sender {
    /// A sender by the settings.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(settings: &config::Webhook) -> Result<Self, WebhookError> {
        let rules = Rules::new(&settings.allowed_networks);
        // The process may have one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .user_agent(concat!("kronika/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(Resolver { rules: rules.clone() }))
            .timeout(settings.timeout.0)
            // A name is looked up, and its addresses are checked, for each call.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| WebhookError::Unreachable(told(&error)))?;
        Ok(Self { http, rules, timeout: settings.timeout, answer_max: settings.answer_max.0 })
    }

    /// Refuses a webhook that cannot be called, as far as that can be told without a call.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, webhook: &Webhook) -> Result<(), WebhookError> {
        if !(SECRET_MIN..=SECRET_MAX).contains(&webhook.secret.len()) {
            return Err(WebhookError::Secret);
        }
        self.rules.check(&webhook.url).map(|_| ())
    }

    /// Posts `body`, which is JSON, once; `delivery` is the same for each try.
    ///
    /// # Errors
    /// It was not sent, not answered in time, or not answered with success.
    pub async fn send(&self, webhook: &Webhook, delivery: &str, body: Vec<u8>) -> Result<Delivered, WebhookError> {
        let url = self.rules.check(&webhook.url)?;
        let started = Instant::now();
        let signature = sign(&webhook.secret, Utc::now().timestamp(), &body);
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(SIGNATURE_HEADER, signature)
            .header(DELIVERY_HEADER, delivery)
            .body(body);
        let answered = tokio::time::timeout(self.timeout.0, self.answer(request)).await;
        let (status, answer) = answered.map_err(|_| WebhookError::TimedOut(self.timeout))??;
        if (200..300).contains(&status) {
            return Ok(Delivered { status, took: started.elapsed() });
        }
        Err(WebhookError::Status { status, answer })
    }

    /// Status and beginning of the answer, of which no more than `answer_max` bytes are read.
    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<(u16, String), WebhookError> {
        let mut response = request.send().await.map_err(|error| self.failed(error))?;
        let status = response.status().as_u16();
        let (mut read, mut kept) = (0, Vec::new());
        // What cannot be read of the body changes nothing about the status.
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len() as u64;
            if kept.len() < 4 * TOLD {
                kept.extend_from_slice(&chunk[..chunk.len().min(4 * TOLD)]);
            }
            if read >= self.answer_max {
                break;
            }
        }
        let text = String::from_utf8_lossy(&kept);
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Ok((status, plain.take(TOLD).collect::<String>().trim().to_owned()))
    }

    fn failed(&self, error: reqwest::Error) -> WebhookError {
        let error = error.without_url();
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(this) = cause {
            if let Some(found) = this.downcast_ref::<NotPermitted>() {
                return WebhookError::Address { host: found.host.clone(), address: found.address };
            }
            cause = this.source();
        }
        if error.is_timeout() { WebhookError::TimedOut(self.timeout) } else { WebhookError::Unreachable(told(&error)) }
    }
}

/// An error with its causes, in one line.
fn told(error: &dyn Error) -> String {
    with_causes(error).chars().take(TOLD).collect()
}
