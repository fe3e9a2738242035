//! Exports in their project's own journal: an event when one is asked for, begins and ends.

use std::sync::Arc;

use super::Live;
use crate::engine::{AppendError, AppendOptions, Inner};
use crate::journal::exports::{told, word_count};

impl Inner {
    /// Tells what is not told yet; what cannot be told now is told later.
    pub(super) async fn tell(self: &Arc<Self>, live: &Live) {
        if let Err(error) = self.try_tell(live).await {
            let (id, error) = (live.export().id, &error as &dyn std::error::Error);
            tracing::warn!(export = id.as_str(), error, "an event of an export cannot be stored now");
        }
    }

    /// As [`Inner::tell`], for those who must know.
    pub(super) async fn try_tell(self: &Arc<Self>, live: &Live) -> Result<(), AppendError> {
        let _one = live.telling.lock().await;
        loop {
            let export = live.export();
            if export.told >= word_count(&export) {
                return Ok(());
            }
            let expires_us = export.expires_us(self.shared.config.exports.keep.0);
            let line = told(&export, export.told + 1, expires_us);
            self.append(&export.project, line, AppendOptions::default()).await?;
            let kept = self.exports.change(live, |export| export.told += 1);
            kept.map_err(|error| AppendError::Prepare(std::io::Error::other(error)))?;
        }
    }
}
