//! Copying a project to another root, while its table is written where it is.
//!
//! ```text
//! data files of one version ─▶ the log up to that version ─▶ attached files ─▶ compared
//! ```
//!
//! A pass copies what the new place lacks, so that one that was broken off goes on where it was, and a second
//! takes little time. The table there is the table here at one version: same commits, same files, same
//! transactions, so that a server that starts on it knows what of its log is stored already.
//!
//! # Invariants
//! * A file is in the new place whole or not at all; what was copied was read back and compared.
//! * A commit is there only after all files that it names and all commits before it.
//! * A place with other commits is refused.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};

use super::Storage;
use super::error::TableError;
use super::load::read_only;
use super::log::{LOG_DIR, commit_version};
use super::version::TableVersion;
use crate::event::names::ProjectName;

/// Bytes of a file that are held at a time.
const PART: u64 = 8 << 20;
/// Files that are copied at a time.
const AT_ONCE: usize = 4;
/// Passes over one project: files may be deleted here while they are copied.
const PASSES_MAX: usize = 5;
/// Name of the file that points to the newest checkpoint.
const LAST_CHECKPOINT: &str = "_last_checkpoint";
/// Digits of the version at the beginning of a log file's name.
const VERSION_DIGITS: usize = 20;

/// What a pass over one project did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// Version of the table in the new place.
    pub version: u64,
    /// Events of the table there.
    pub rows: u64,
    /// Files that were copied.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were there already.
    pub kept: u64,
}

/// Told of each copied file's bytes, and at the beginning how many there are to be.
pub trait Progress: Sync {
    /// So many bytes are still to be copied of a project.
    fn expects(&self, bytes: u64);

    /// So many more are copied.
    fn copied(&self, bytes: u64);
}

/// One file to be copied.
#[derive(Debug, Clone)]
struct Item {
    from: Path,
    to: Path,
    size: u64,
}

/// Brings `project` in `to` up to what it is in `from`.
///
/// # Errors
/// [`TableError::Foreign`]: the new place has another table, or a newer one; a store fails; what came back was
/// not what was sent. What was copied stays, and is not copied again.
pub async fn copy_project(
    from: &Storage,
    to: &Storage,
    project: &ProjectName,
    progress: &dyn Progress,
) -> Result<Copied, TableError> {
    let copy = Copy { from, to, project, progress };
    let mut done = Copied::default();
    for pass in 1.. {
        match copy.pass(&mut done).await {
            // Replaced and deleted meanwhile: the newest version does not need it.
            Err(TableError::Store { source: object_store::Error::NotFound { .. }, .. }) if pass < PASSES_MAX => {}
            other => return other.map(|()| done),
        }
    }
    Ok(done)
}

/// Refuses a place that has another table of `project`, or a newer one.
pub(super) async fn check_place(from: &Storage, to: &Storage, project: &ProjectName) -> Result<(), TableError> {
    let (here, there) = (from.table_root(project), to.table_root(project));
    let version = read_only(from, &here, project).await?;
    let known = listed(&to.store(), &there).await?;
    let copy = Copy { from, to, project, progress: &Unwatched };
    copy.check_same(&here, &there, &known, version.version).await
}

/// Nobody follows.
struct Unwatched;

impl Progress for Unwatched {
    fn expects(&self, _bytes: u64) {}

    fn copied(&self, _bytes: u64) {}
}

struct Copy<'a> {
    from: &'a Storage,
    to: &'a Storage,
    project: &'a ProjectName,
    progress: &'a dyn Progress,
}

impl Copy<'_> {
    async fn pass(&self, done: &mut Copied) -> Result<(), TableError> {
        let (here, there) = (self.from.table_root(self.project), self.to.table_root(self.project));
        let version = read_only(self.from, &here, self.project).await?;
        let known = listed(&self.to.store(), &there).await?;
        self.check_same(&here, &there, &known, version.version).await?;

        let data = version.files.iter().map(|file| Item {
            from: file.location.clone(),
            to: moved(&here, &there, &file.location),
            size: file.size,
        });
        let attached = self.attached().await?;
        let (data, attached) = (self.lacking(data, &known, done), attached);
        done.kept += attached.1;
        let log = self.log(&here, &there, &known, version.version).await?;
        let all = data.iter().chain(&attached.0).chain(&log);
        self.progress.expects(all.map(|item| item.size).sum());
        self.copy_all(&data, AT_ONCE, done).await?;
        // In their order, each after all before it.
        self.copy_all(&log, 1, done).await?;
        self.copy_all(&attached.0, AT_ONCE, done).await?;
        self.compare(&there, &version, done).await
    }

    /// Refuses a place whose newest commit is not the one that we have here.
    async fn check_same(
        &self,
        here: &Path,
        there: &Path,
        known: &HashMap<Path, u64>,
        version: u64,
    ) -> Result<(), TableError> {
        let commit = |path: &Path| {
            path.prefix_matches(&there.clone().join(LOG_DIR)).then(|| path.filename())?.and_then(commit_version)
        };
        let Some(newest) = known.keys().filter_map(commit).max() else { return Ok(()) };
        let foreign = |what: &str| TableError::Foreign { table: self.to.display_url(there), what: what.to_owned() };
        if newest > version {
            return Err(foreign("has commits that the table to be moved lacks: a server writes there already"));
        }
        let (ours, theirs) = (super::log::commit_path(here, newest), super::log::commit_path(there, newest));
        let read = async |storage: &Storage, path: &Path| {
            let found = storage.store().get(path).await.map_err(|source| TableError::store("read", path, source))?;
            found.bytes().await.map_err(|source| TableError::store("read", path, source))
        };
        match read(self.from, &ours).await {
            Ok(ours) if ours == read(self.to, &theirs).await? => Ok(()),
            Ok(_) => Err(foreign("is another table: choose an empty place")),
            // Dropped here after a checkpoint; what comes after it is compared by the versions.
            Err(TableError::Store { source: object_store::Error::NotFound { .. }, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Those of `items` that are not there in their size.
    fn lacking(&self, items: impl Iterator<Item = Item>, known: &HashMap<Path, u64>, done: &mut Copied) -> Vec<Item> {
        let (kept, lacking): (Vec<Item>, Vec<Item>) =
            items.partition(|item| known.get(&item.to).is_some_and(|size| *size == item.size));
        done.kept += kept.len() as u64;
        lacking
    }

    /// Log files up to `version` that are to be copied, in their order; the pointer to the checkpoint last.
    async fn log(
        &self,
        here: &Path,
        there: &Path,
        known: &HashMap<Path, u64>,
        version: u64,
    ) -> Result<Vec<Item>, TableError> {
        let directory = here.clone().join(LOG_DIR);
        let found = listed(&self.from.store(), &directory).await?;
        let mut items: Vec<(u64, Item)> = Vec::new();
        for (path, size) in found {
            let name = path.filename().unwrap_or_default();
            let item = Item { from: path.clone(), to: moved(here, there, &path), size };
            if name == LAST_CHECKPOINT {
                items.push((u64::MAX, item));
            } else if let Some(of) = name.get(..VERSION_DIGITS).and_then(|digits| digits.parse::<u64>().ok())
                && of <= version
                && known.get(&item.to) != Some(&size)
            {
                items.push((of, item));
            }
        }
        items.sort_by(|(left, a), (right, b)| left.cmp(right).then_with(|| a.from.cmp(&b.from)));
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }

    /// Attached files that are to be copied, and how many are there.
    async fn attached(&self) -> Result<(Vec<Item>, u64), TableError> {
        let (here, there) = (self.from.attachments(self.project), self.to.attachments(self.project));
        let known = listed(&self.to.store(), &there).await?;
        let found = listed(&self.from.store(), &here).await?;
        let items = found.into_iter().map(|(path, size)| Item { to: moved(&here, &there, &path), from: path, size });
        let mut kept = Copied::default();
        let lacking = self.lacking(items, &known, &mut kept);
        Ok((lacking, kept.kept))
    }

    async fn copy_all(&self, items: &[Item], at_once: usize, done: &mut Copied) -> Result<(), TableError> {
        let copied = stream::iter(items).map(|item| async move {
            self.copy(item).await?;
            self.progress.copied(item.size);
            Ok::<_, TableError>(item.size)
        });
        let mut copied = copied.buffered(at_once);
        while let Some(bytes) = copied.try_next().await? {
            done.files += 1;
            done.bytes += bytes;
        }
        Ok(())
    }

    /// Copies a file and reads it back.
    async fn copy(&self, item: &Item) -> Result<(), TableError> {
        let (source, target) = (self.from.store(), self.to.store());
        let write = |error| TableError::store("write", &item.to, error);
        let sum = if item.size <= PART {
            let bytes = part(&source, &item.from, 0..item.size).await?;
            let sum = crc32c::crc32c(&bytes);
            target.put(&item.to, bytes.into()).await.map_err(write)?;
            sum
        } else {
            let mut upload = target.put_multipart(&item.to).await.map_err(write)?;
            let mut sum = 0;
            for range in parts(item.size) {
                let sent = match part(&source, &item.from, range).await {
                    Ok(bytes) => {
                        sum = crc32c::crc32c_append(sum, &bytes);
                        upload.put_part(bytes.into()).await.map_err(write)
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = sent {
                    if let Err(error) = upload.abort().await {
                        tracing::warn!(path = %item.to, %error, "cannot abort an upload");
                    }
                    return Err(error);
                }
            }
            upload.complete().await.map_err(write)?;
            sum
        };
        let mut found = 0;
        for range in parts(item.size) {
            found = crc32c::crc32c_append(found, &part(&target, &item.to, range).await?);
        }
        if found == sum {
            return Ok(());
        }
        target.delete(&item.to).await.map_err(|error| TableError::store("delete", &item.to, error))?;
        let what = format!("has the checksum {found:08x} in the new place, {sum:08x} here");
        Err(TableError::DamagedFile { path: item.from.to_string(), what })
    }

    /// The table in the new place must be the one here.
    async fn compare(&self, there: &Path, version: &TableVersion, done: &mut Copied) -> Result<(), TableError> {
        let copy = read_only(self.to, there, self.project).await?;
        let of = |version: &TableVersion| {
            let mut files: Vec<_> =
                version.files.iter().map(|file| (file.path.clone(), file.size, file.rows)).collect();
            files.sort_unstable();
            (version.version, version.rows(), files)
        };
        if of(&copy) != of(version) {
            let what = format!(
                "has version {} with {} events, here it is version {} with {}",
                copy.version,
                copy.rows(),
                version.version,
                version.rows()
            );
            return Err(TableError::Foreign { table: self.to.display_url(there), what });
        }
        (done.version, done.rows) = (copy.version, copy.rows());
        Ok(())
    }
}

/// The place of a file under another root.
fn moved(here: &Path, there: &Path, file: &Path) -> Path {
    let mut moved = there.clone();
    for part in file.prefix_match(here).into_iter().flatten() {
        moved = moved.join(part);
    }
    moved
}

/// Files below a directory with their sizes.
async fn listed(store: &Arc<dyn ObjectStore>, directory: &Path) -> Result<HashMap<Path, u64>, TableError> {
    let files = store.list(Some(directory)).map_ok(|file: ObjectMeta| (file.location, file.size));
    match files.try_collect().await {
        Ok(files) => Ok(files),
        Err(object_store::Error::NotFound { .. }) => Ok(HashMap::new()),
        Err(source) => Err(TableError::store("list", directory, source)),
    }
}

fn parts(size: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..size.div_ceil(PART)).map(move |at| at * PART..size.min((at + 1) * PART))
}

async fn part(store: &Arc<dyn ObjectStore>, path: &Path, range: std::ops::Range<u64>) -> Result<Bytes, TableError> {
    if range.is_empty() {
        return Ok(Bytes::new());
    }
    let failed = |source| TableError::store("read", path, source);
    let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
    store.get_opts(path, options).await.map_err(failed)?.bytes().await.map_err(failed)
}
