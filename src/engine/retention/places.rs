//! Where a value can lie beside events: gone through before the rows, where what is there would write new ones, or
//! after, where a restart would bring it back. The table of all places is in `docs/erasure.md`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::erase::Halt;
use super::erasures::BLANK;
use crate::engine::{EngineError, Inner, now_us};
use crate::event::names::ProjectName;
use crate::retention::{Erasure, Needle, StillNamed, Subject};
use crate::table::{BlobId, RowEdit};

/// Pause between two looks at files that queries read.
const READ_LOOK: Duration = Duration::from_millis(100);

impl Inner {
    /// Exports, rejected lines, calls of other systems, alerts, saved filters and screens.
    pub(super) async fn erase_places(self: &Arc<Self>, erasure: &Erasure, subject: &Subject) -> Result<(), Halt> {
        let exports = self.exports.erase(&erasure.project).await?;
        if let Some(needle) = Needle::new(&subject.value, &format!("erased:{}", erasure.value_hash)) {
            self.retention.blank_holds(&erasure.project, &needle)?;
        }
        let needle = Needle::of_any(&subject.value, BLANK);
        let (engine, project) = (Arc::clone(self), erasure.project.clone());
        // What holds a short value may be about something else: it is not changed.
        let blank = Needle::new(&subject.value, BLANK);
        let work = move || {
            let failed = |source| EngineError::Directory { path: engine.directory.part("dead_letters"), source };
            let letters = engine.shared.dead_letters.erase(&project, |line| needle.is_in(line)).map_err(failed)?;
            let calls = engine.webhooks.outbox.erase(project.as_str(), |text| needle.is_in(text))?;
            let change = |value: &mut serde_json::Value| blank.as_ref().is_some_and(|blank| blank.blank_value(value));
            let alerts = engine.alerts.erase(&project, change)?;
            let kept = engine.saved.erase(&project, change)? + engine.views.erase(&project, change)?;
            Ok::<_, EngineError>((letters, calls, alerts, kept))
        };
        let done = tokio::task::spawn_blocking(work).await.map_err(crate::table::TableError::from)?;
        let (letters, calls, alerts, filters) = done?;
        self.retention.erasures.update(&erasure.id, |erasure| {
            erasure.counts.exports += exports;
            erasure.counts.dead_letters += letters;
            erasure.counts.deliveries += calls;
            erasure.counts.alerts += alerts;
            erasure.counts.filters += filters;
        })?;
        Ok(())
    }

    /// Answers of idempotency keys, attachments, `_audit`.
    pub(super) async fn erase_remains(self: &Arc<Self>, erasure: &Erasure, subject: &Subject) -> Result<(), Halt> {
        let needle = Needle::of_any(&subject.value, BLANK);
        let (shared, project) = (Arc::clone(&self.shared), erasure.project.clone());
        let work = move || {
            let of = |answer: &[u8]| needle.is_in(&String::from_utf8_lossy(answer));
            shared.receipts.lock().remove(now_us(), |kept| kept.project == project.as_str() && of(&kept.answer))
        };
        let removed = tokio::task::spawn_blocking(work).await.map_err(crate::table::TableError::from)?;
        let receipts = removed.map_err(EngineError::from)?;
        let attachments = self.erase_attachments(erasure).await?;
        self.retention.erasures.update(&erasure.id, |erasure| {
            erasure.counts.receipts += receipts;
            erasure.counts.attachments += attachments;
            erasure.blobs.clear();
        })?;
        self.write_audit(false).await?;
        self.blank_audit(erasure, subject).await
    }

    /// Deletes attachments that only erased events named.
    async fn erase_attachments(self: &Arc<Self>, erasure: &Erasure) -> Result<u64, Halt> {
        let wanted: BTreeSet<String> = self.retention.erasures.get(&erasure.id)?.blobs.into_iter().collect();
        if wanted.is_empty() {
            return Ok(0);
        }
        let project = self.project(&erasure.project)?;
        self.flush(Some(&erasure.project)).await?;
        let named = Arc::new(StillNamed::new(wanted));
        let edit: Arc<dyn RowEdit> = Arc::clone(&named) as Arc<dyn RowEdit>;
        let version = project.table.current();
        project.table.judge(&version, &edit, |_| true).await?;
        let mut deleted = 0;
        for id in named.unnamed().iter().filter_map(|id| BlobId::try_from(id.as_str()).ok()) {
            deleted += u64::from(self.projects.storage().delete_blob(&erasure.project, &id).await?);
        }
        Ok(deleted)
    }

    /// Deletes what the tables do not need any more: replaced files, leftovers, old entries of their logs. Waits for
    /// queries that still read them.
    pub(super) async fn purge_tables(self: &Arc<Self>, erasure: &Erasure) -> Result<(), Halt> {
        let patience = self.shared.config.query.timeout.0 + Duration::from_secs(5);
        for name in [erasure.project.clone(), ProjectName::audit()] {
            let (project, started) = (self.project(&name)?, Instant::now());
            loop {
                let report = project.table.purge(self.retention.opened).await?;
                if report.in_use == 0 {
                    break;
                }
                if self.shared.ending.is_cancelled() {
                    return Err(Halt::Stopped);
                }
                if started.elapsed() > patience {
                    return Err(Halt::Waits(format!("{} replaced files are still read", report.in_use)));
                }
                tokio::time::sleep(READ_LOOK).await;
            }
        }
        // Nobody can add to them any more what is gone; their conditions may name it.
        self.runtime.partials().forget_all();
        Ok(())
    }
}
