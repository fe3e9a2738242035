//! Rows of tables: those of the subject go, in others the value is blanked.
//!
//! Counted once: before a commit its files are noted in the list of erasures. After a crash they are gone where the
//! commit was made; then its rows are added, and only then does anything else change the table.

use std::sync::Arc;

use super::erase::Halt;
use crate::engine::project::Project;
use crate::engine::{EngineError, Inner, Removed};
use crate::event::names::ProjectName;
use crate::retention::{Eraser, Erasure, HeldRows, Hold, Intent, Needle, Subject};
use crate::table::{Concerned, Judged, RowEdit};

/// Files that are swapped in one commit.
const FILES_AT_ONCE: usize = 16;

impl Inner {
    /// Adds what a commit did of which nobody knew whether it was made; before anything else changes tables.
    pub(in crate::engine) async fn settle_erasures(&self) -> Result<(), EngineError> {
        for erasure in self.retention.erasures.due() {
            self.settle_intent(&erasure).await?;
        }
        Ok(())
    }

    async fn settle_intent(&self, erasure: &Erasure) -> Result<(), EngineError> {
        let Some(intent) = &erasure.intent else { return Ok(()) };
        let name = if intent.audit { ProjectName::audit() } else { erasure.project.clone() };
        // Of another store than before, it waits until the project is there again.
        let Some(project) = self.projects.get(&name) else { return Ok(()) };
        let landed = project.table.are_gone(&intent.files).await?;
        self.retention.erasures.update(
            &erasure.id,
            |erasure| {
                if landed { erasure.landed() } else { erasure.intent = None }
            },
        )?;
        Ok(())
    }

    /// Removes the rows of the subject from the project's table, and blanks the value where that is asked for.
    pub(super) async fn erase_rows(self: &Arc<Self>, erasure: &Erasure, subject: &Subject) -> Result<(), Halt> {
        let project = self.project(&erasure.project)?;
        self.rewrite(&project, erasure, || Ok(self.eraser(&erasure.project, subject, erasure.mentions)?)).await
    }

    /// Replaces the value in the audit journal by its hash; its events stay.
    pub(super) async fn blank_audit(self: &Arc<Self>, erasure: &Erasure, subject: &Subject) -> Result<(), Halt> {
        let name = ProjectName::audit();
        let hash = format!("erased:{}", erasure.value_hash);
        // A short value is in too many texts, and would tell of none.
        let Some(needle) = Needle::new(&subject.value, &hash) else { return Ok(()) };
        let project = self.project(&name)?;
        self.rewrite(&project, erasure, || {
            let held = HeldRows::new(&self.retention.in_force(&name));
            Ok(Arc::new(Eraser::new(None, Some(needle.clone()), held)?))
        })
        .await
    }

    /// Rewrites files until none is concerned any more; `eraser` is made anew when holds may have changed.
    async fn rewrite(
        self: &Arc<Self>,
        project: &Arc<Project>,
        erasure: &Erasure,
        eraser: impl Fn() -> Result<Arc<Eraser>, Halt>,
    ) -> Result<(), Halt> {
        let audit = project.name.is_audit();
        self.settle_intent(&self.retention.erasures.get(&erasure.id)?).await?;
        self.flush(Some(&project.name)).await?;
        loop {
            let holds = self.retention.in_force(&project.name);
            let own = eraser()?;
            let edit: Arc<dyn RowEdit> = Arc::clone(&own) as Arc<dyn RowEdit>;
            let version = project.table.current();
            let judged = project.table.judge(&version, &edit, |_| !self.shared.ending.is_cancelled()).await?;
            drop(version);
            if self.shared.ending.is_cancelled() {
                return Err(Halt::Stopped);
            }
            let held: u64 = judged.iter().map(|of| of.judged.held).sum();
            if held > 0 && !erasure.except_held && !audit {
                return Err(Halt::Waits(format!("{held} of its events are under a legal hold")));
            }
            let due: Vec<Concerned> = judged.into_iter().filter(|of| of.judged.is_change()).collect();
            if due.is_empty() {
                return Ok(());
            }
            self.note_attachments(erasure, &own)?;
            for files in due.chunks(FILES_AT_ONCE) {
                match self.rewrite_some(project, erasure, &edit, (files, &holds)).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        // Whether the commit was made is found out before anything else takes its files.
                        self.settle_intent(&self.retention.erasures.get(&erasure.id)?).await?;
                        return Err(error);
                    }
                }
            }
        }
    }

    /// One commit; false where everything must be looked at again.
    async fn rewrite_some(
        self: &Arc<Self>,
        project: &Arc<Project>,
        erasure: &Erasure,
        edit: &Arc<dyn RowEdit>,
        (files, holds): (&[Concerned], &[Hold]),
    ) -> Result<bool, Halt> {
        // A hold that is placed does not wait for a compaction: this lock is the first.
        let _compacting = project.compacting.lock().await;
        // No hold comes while this is held; one that has come since the files were read is looked at.
        let _committing = self.retention.committing.lock().await;
        if self.shared.ending.is_cancelled() {
            return Err(Halt::Stopped);
        }
        if self.retention.in_force(&project.name) != holds {
            return Ok(false);
        }
        let sum = files.iter().fold(Judged::default(), |mut sum, of| {
            sum += of.judged;
            sum
        });
        let intent = Intent {
            audit: project.name.is_audit(),
            files: files.iter().map(|of| of.file.path.clone()).collect(),
            rows: sum.removed,
            blanked: sum.changed,
        };
        let note = || {
            self.retention.erasures.update(&erasure.id, |erasure| erasure.intent = Some(intent))?;
            Ok::<_, Halt>(project.ledger.removing(Removed::Erased)?)
        };
        let swap = |version| project.swap_smaller(version, Removed::Erased);
        let committed = project.table.rewrite(files, edit, note, swap).await?;
        self.runtime.forget_files(project.table.root(), &project.snapshot_version());
        if !committed {
            project.ledger.removed(Removed::Erased, || 0)?;
        }
        self.retention
            .erasures
            .update(&erasure.id, |erasure| if committed { erasure.landed() } else { erasure.intent = None })?;
        Ok(committed)
    }

    /// Attachments of rows that are about to go are noted before: the rows cannot be asked later.
    fn note_attachments(&self, erasure: &Erasure, eraser: &Eraser) -> Result<(), EngineError> {
        let named = eraser.attachments();
        if named.is_empty() {
            return Ok(());
        }
        self.retention.erasures.update(&erasure.id, |erasure| {
            erasure.blobs.extend(named);
            erasure.blobs.sort_unstable();
            erasure.blobs.dedup();
        })?;
        Ok(())
    }
}
