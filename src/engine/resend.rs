//! Rejected lines, shown and sent again.
//!
//! Lines are sent again in batches of their own, under an idempotency key made of them and of how they are read: a
//! crash between a batch and the note that its lines are done with doubles nothing.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::ControlFlow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::mpsc;
use xxhash_rust::xxh3::Xxh3;

use super::dead_letters::Letter;
use super::ingest::RefusedEvent;
use super::{AppendError, AppendOptions, Engine, EngineError};
use crate::event::names::ProjectName;
use crate::event::parse::BodyFormat;

/// Lines of one batch that are sent again: the receipt tells of as many errors.
const BATCH_MAX: usize = 100;
/// Most lines that one call sends again.
const CALL_MAX: usize = 10_000;
/// Bytes of a downloaded part.
const PART: usize = 64 << 10;
/// Parts that wait for who downloads them.
const PARTS_WAITING: usize = 4;

/// Which rejected lines are meant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Which {
    /// Only with this code.
    pub(crate) code: Option<String>,
    /// Only of this batch.
    pub(crate) batch: Option<String>,
    /// Only sent with this key (its public id).
    pub(crate) key: Option<String>,
    /// Only read with this mapping.
    pub(crate) mapping: Option<String>,
}

/// Rejected lines.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Letters {
    /// How many there are.
    pub(crate) count: u64,
    /// Of these by code.
    pub(crate) codes: BTreeMap<String, u64>,
    /// When the oldest was received, µs since 1970.
    pub(crate) oldest: Option<i64>,
    /// The newest ones, newest first.
    pub(crate) letters: Vec<Letter>,
}

/// What is to be sent again, and how.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Resend {
    /// These lines, by id; without it all that `which` names.
    pub(crate) ids: Option<Vec<String>>,
    /// Lines by what they have in common.
    pub(crate) which: Which,
    /// Mapping to read them with; without it each is read with its own.
    pub(crate) mapping: Option<String>,
}

/// What became of lines that were sent again.
#[derive(Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct Resent {
    /// Lines that were sent again.
    pub(crate) sent: u64,
    /// Of these stored now.
    pub(crate) accepted: u64,
    /// Of these here already.
    pub(crate) duplicates: u64,
    /// Of these refused again; they are kept.
    pub(crate) rejected: u64,
    /// Lines of which only the beginning was kept: they cannot be sent again.
    pub(crate) cut: u64,
    /// Whether there are more lines than one call sends: call again.
    pub(crate) more: bool,
    /// The first lines that were refused again.
    pub(crate) errors: Vec<RefusedAgain>,
}

/// A line that was refused again.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(crate) struct RefusedAgain {
    /// Its id.
    pub(crate) id: String,
    /// Stable code.
    pub(crate) code: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// Why lines were not sent again.
#[derive(Debug, Error)]
pub enum ResendError {
    /// They were not taken.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Their files cannot be read or written.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Which {
    fn is(&self, letter: &Letter) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
        same(&self.code, Some(&letter.code))
            && same(&self.batch, Some(&letter.batch))
            && same(&self.key, letter.key.as_deref())
            && same(&self.mapping, letter.mapping.as_deref())
    }
}

impl Engine {
    /// Rejected lines of a project; of the newest `limit` the texts, cut to `text_max` bytes.
    ///
    /// # Errors
    /// No such project, or a file that cannot be read.
    pub(crate) async fn dead_letters(
        &self,
        project: &ProjectName,
        which: Which,
        limit: usize,
        text_max: usize,
    ) -> Result<Letters, EngineError> {
        self.with_letters(project, move |engine, project| {
            let (mut all, mut newest) = (Letters::default(), VecDeque::with_capacity(limit.min(1_024)));
            engine.0.shared.dead_letters.each(project, |mut letter, _| {
                if which.is(&letter) {
                    all.count += 1;
                    *all.codes.entry(letter.code.clone()).or_default() += 1;
                    all.oldest = Some(all.oldest.map_or(letter.received_at, |known| known.min(letter.received_at)));
                    letter.text.truncate(floor(&letter.text, text_max));
                    newest.push_back(letter);
                    if newest.len() > limit {
                        newest.pop_front();
                    }
                }
                ControlFlow::Continue(())
            })?;
            all.letters = newest.into_iter().rev().collect();
            Ok(all)
        })
        .await
    }

    /// The rejected lines of a project as they are kept, NDJSON, the oldest first, in parts.
    ///
    /// # Errors
    /// No such project.
    pub(crate) fn download_dead_letters(
        &self,
        project: &ProjectName,
        which: Which,
    ) -> Result<mpsc::Receiver<io::Result<Bytes>>, EngineError> {
        let (project, engine) = (self.existing(project)?, self.clone());
        let (parts, taken) = mpsc::channel(PARTS_WAITING);
        // Ends by itself when nobody takes its parts.
        drop(tokio::task::spawn_blocking(move || {
            let mut part = Vec::with_capacity(PART);
            let read = engine.0.shared.dead_letters.each(&project, |letter, line| {
                if which.is(&letter) {
                    part.extend_from_slice(line.as_bytes());
                    part.push(b'\n');
                }
                if part.len() < PART {
                    return ControlFlow::Continue(());
                }
                match parts.blocking_send(Ok(std::mem::take(&mut part).into())) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            });
            let last = read.map(|()| Bytes::from(part));
            let _ = parts.blocking_send(last);
        }));
        Ok(taken)
    }

    /// Sends rejected lines of a project again. Those that are stored now, or were already, are done with.
    ///
    /// # Errors
    /// As those of events that are sent, but that lines are refused again; what was sent before is told by the list.
    pub(crate) async fn resend_dead_letters(
        &self,
        project: &ProjectName,
        key: &str,
        resend: Resend,
    ) -> Result<Resent, ResendError> {
        let mut resent = Resent::default();
        for batch in self.batches(project, &resend, &mut resent).await? {
            let again = self.send(project, key, &batch).await?;
            resent.sent += batch.letters.len() as u64;
            resent.accepted += again.accepted;
            resent.duplicates += again.duplicates;
            resent.rejected += again.errors.len() as u64;
            let mut done: Vec<String> = batch.letters.into_iter().map(|letter| letter.id).collect();
            for error in again.errors.into_iter().rev() {
                // Lines count from 1, and each is one record.
                let at = (error.line as usize).saturating_sub(1);
                if at < done.len() {
                    let id = done.remove(at);
                    resent.errors.push(RefusedAgain { id, code: error.code, message: error.message });
                }
            }
            resent.errors.truncate(BATCH_MAX);
            self.with_letters(project, move |engine, project| {
                if done.is_empty() { Ok(()) } else { engine.0.shared.dead_letters.finish(project, &done) }
            })
            .await?;
        }
        Ok(resent)
    }

    /// The lines that are meant, those together that are read alike.
    async fn batches(
        &self,
        project: &ProjectName,
        resend: &Resend,
        resent: &mut Resent,
    ) -> Result<Vec<Batch>, EngineError> {
        let Resend { ids, which, mapping } = resend.clone();
        let body_max = self.config().ingest.body_max.as_usize();
        let found = self.with_letters(project, move |engine, project| {
            let (mut groups, mut found) = (BTreeMap::<_, Vec<Batch>>::new(), (0, 0, false));
            engine.0.shared.dead_letters.each(project, |letter, _| {
                if !which.is(&letter) || ids.as_ref().is_some_and(|ids| !ids.contains(&letter.id)) {
                    return ControlFlow::Continue(());
                }
                if letter.cut {
                    found.0 += 1;
                    return ControlFlow::Continue(());
                }
                if found.1 == CALL_MAX {
                    found.2 = true;
                    return ControlFlow::Break(());
                }
                found.1 += 1;
                let read_by = mapping.clone().or_else(|| letter.mapping.clone());
                let group = groups.entry((read_by.clone(), letter.source.clone())).or_default();
                if group.last().is_none_or(|batch| !batch.has_room(&letter, body_max)) {
                    group.push(Batch { mapping: read_by, source: letter.source.clone(), ..Batch::default() });
                }
                if let Some(batch) = group.last_mut() {
                    batch.size += letter.text.len() + 1;
                    batch.letters.push(letter);
                }
                ControlFlow::Continue(())
            })?;
            Ok((groups.into_values().flatten().collect::<Vec<_>>(), found))
        });
        let (batches, (cut, _, more)) = found.await?;
        (resent.cut, resent.more) = (cut, more);
        Ok(batches)
    }

    /// Sends one batch; that lines of it are refused is no error here.
    async fn send(&self, project: &ProjectName, key: &str, batch: &Batch) -> Result<Again, AppendError> {
        let options = AppendOptions {
            format: BodyFormat::Ndjson,
            mapping: batch.mapping.clone(),
            source: batch.source.clone(),
            idempotency_key: Some(self.name_of(project, batch)?),
            key: Some(key.to_owned()),
            keep_refused: false,
            ..AppendOptions::default()
        };
        match self.append(project, batch.body(), options).await {
            Ok(receipt) => {
                Ok(Again { accepted: receipt.accepted, duplicates: receipt.duplicates, errors: receipt.errors })
            }
            Err(AppendError::Rejected { errors, .. }) => {
                let refused = errors.len() as u64;
                let duplicates = (batch.letters.len() as u64).saturating_sub(refused);
                Ok(Again { accepted: 0, duplicates, errors })
            }
            Err(error) => Err(error),
        }
    }

    /// The idempotency key of a batch: another one when its mapping changed.
    fn name_of(&self, project: &ProjectName, batch: &Batch) -> Result<String, AppendError> {
        let inner = &self.0;
        let rules = inner.redactions.of(project)?;
        let (mapping, source) = (batch.mapping.as_deref(), batch.source.as_deref());
        let interpretation = inner.interpretations.resolve(&inner.mappings, mapping, source, &rules)?;
        let mut hasher = Xxh3::new();
        hasher.update(&interpretation.id().to_le_bytes());
        batch.letters.iter().for_each(|letter| hasher.update(letter.id.as_bytes()));
        Ok(format!("dead-letters-{:032x}", hasher.digest128()))
    }

    /// Runs `work` on the files of a project that exists, on a thread that may wait.
    async fn with_letters<T: Send + 'static>(
        &self,
        project: &ProjectName,
        work: impl FnOnce(&Self, &ProjectName) -> io::Result<T> + Send + 'static,
    ) -> Result<T, EngineError> {
        let (project, engine) = (self.existing(project)?, self.clone());
        let path = engine.0.directory.part("dead_letters");
        let done = tokio::task::spawn_blocking(move || work(&engine, &project)).await;
        done.map_err(io::Error::other).flatten().map_err(|source| EngineError::Directory { path, source })
    }
}

/// Lines that are sent again together.
#[derive(Debug, Default)]
struct Batch {
    mapping: Option<String>,
    source: Option<String>,
    letters: Vec<Letter>,
    size: usize,
}

struct Again {
    accepted: u64,
    duplicates: u64,
    errors: Vec<RefusedEvent>,
}

impl Batch {
    fn has_room(&self, letter: &Letter, body_max: usize) -> bool {
        self.letters.len() < BATCH_MAX && self.size + letter.text.len() < body_max
    }

    /// One record a line: line breaks within a record stand between its tokens.
    fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.size);
        for letter in &self.letters {
            body.extend(letter.text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
            body.push(b'\n');
        }
        body
    }
}

/// The longest beginning of `text` of at most `most` bytes.
fn floor(text: &str, most: usize) -> usize {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}
