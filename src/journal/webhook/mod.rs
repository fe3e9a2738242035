//! Signed calls of other systems: made now ([`Sender`]), or kept on disk and tried until they arrive ([`Outbox`]).
//!
//! ```text
//! Outbox::put ─▶ file ─▶ step: Sender::send ─▶ 2xx: delivered
//!                           ▲        └─ else: later, twice the pause ─▶ … ─▶ dead letter ─ retry ─┐
//!                           └──────────────────────────────────────────────────────────────────┘
//! ```
//!
//! # Invariants
//! * What `put` has accepted is on disk; a crash at any point leads to a further call, never to none.
//! * Only addresses that the rules permit are connected to: what a name resolves to is checked when the
//!   connection is made, redirects are not followed, proxies of the environment are not used.
//! * A receiver can tell calls of ours by their signature, and repetitions by the id of the delivery.

mod address;
mod delivery;
mod outbox;
mod sender;
mod signature;

use std::fmt;

use thiserror::Error;

pub use address::Rules;
pub use delivery::{Delivery, DeliveryState};
pub use outbox::{Message, Outbox, OutboxError};
pub use sender::{Delivered, Sender};
pub use signature::{SIGNATURE_HEADER, sign, verify};

/// Shortest secret, in bytes.
pub const SECRET_MIN: usize = 16;
/// Longest secret, in bytes.
pub const SECRET_MAX: usize = 256;
/// Longest URL, in bytes.
pub const URL_MAX: usize = 2_048;

/// Who is called, and the secret that both sides know.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Where: `https://…` or `http://…`.
    pub url: String,
    /// Key of the signature.
    pub secret: String,
}

/// Without the secret, and without what may be one in the URL.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("url", &shown(&self.url)).finish_non_exhaustive()
    }
}

/// A URL as lists, logs and errors show it: without user, password and query.
#[must_use]
pub fn shown(url: &str) -> String {
    let Ok(mut url) = url::Url::parse(url) else { return "(no URL)".into() };
    // Both fail only for URLs that cannot have one.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    url.set_fragment(None);
    url.into()
}

/// Why a call was not made, or not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// The URL is none that is called.
    #[error("the URL cannot be called: {0}")]
    Url(String),
    /// The secret cannot sign.
    #[error("the secret has {SECRET_MIN} to {SECRET_MAX} bytes")]
    Secret,
    /// The address is not public, and no setting permits it.
    #[error("`{host}` is the address {address}, which is not public")]
    Address {
        /// As the URL has it.
        host: String,
        /// What it is.
        address: std::net::IpAddr,
    },
    /// No answer.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer within {0}")]
    TimedOut(crate::config::Span),
    /// An answer that is no success.
    #[error("answered {status}{}", if answer.is_empty() { String::new() } else { format!(": {answer}") })]
    Status {
        /// Its status.
        status: u16,
        /// How its body begins.
        answer: String,
    },
}

#[cfg(test)]
mod tests;
