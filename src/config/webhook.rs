//! Calls of other systems: restores asked of a product, alerts.

use serde::{Deserialize, Serialize};

use super::{ByteCount, ConfigError, Network, Span};

/// `[webhook]`: how signed calls of other systems are made, and for how long they are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Longest time of one call, from the look-up of the name to the last byte of the answer that is read.
    pub timeout: Span,
    /// Bytes of an answer that are read; the rest is left.
    pub answer_max: ByteCount,
    /// Calls that are made at once.
    pub at_once_max: usize,
    /// How often a call is tried before it is a dead letter.
    pub attempts_max: u32,
    /// Pause after the first failure; each further one doubles it.
    pub retry_first: Span,
    /// Longest pause between two tries.
    pub retry_longest: Span,
    /// Calls that wait or are dead letters; further ones are refused.
    pub queue_max: usize,
    /// How long dead letters, and the record of what was delivered, are kept.
    pub keep: Span,
    /// Networks such as `10.0.0.0/8` that may be called although they are not public.
    pub allowed_networks: Vec<Network>,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            timeout: Span::secs(10),
            answer_max: ByteCount(64 << 10),
            at_once_max: 8,
            attempts_max: 12,
            retry_first: Span::secs(5),
            retry_longest: Span::secs(3_600),
            queue_max: 10_000,
            keep: Span::secs(30 * 86_400),
            allowed_networks: Vec::new(),
        }
    }
}

impl Webhook {
    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// The contradiction, with both numbers.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.retry_first > self.retry_longest {
            return Err(ConfigError::Contradiction(format!(
                "webhook.retry_first {} must be at most webhook.retry_longest {}",
                self.retry_first, self.retry_longest
            )));
        }
        Ok(())
    }
}
