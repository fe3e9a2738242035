//! Restoring a backup into a place that is empty, or holds the same restore half done.

use std::collections::HashSet;
use std::path::Path;

use object_store::ObjectStoreExt;

use super::manifest::{Entry, Manifest, TableEntry, Vault, below};
use super::{BackupError, BackupReport};
use crate::access::write_private;
use crate::config::Config;
use crate::engine::directory::Directory;
use crate::engine::storage_url;
use crate::table::{Source, Storage, copy, create_synced};

/// Makes a data directory one; written last.
const IDENTITY: &str = "kronika.json";

/// Restores the backup `id`, or the newest, from `place` to where the settings say.
///
/// # Errors
/// There is no such backup or it is damaged; the data directory is used; the store knows a later state. A restore
/// that broke off goes on when it is called again.
pub async fn restore(config: &Config, place: &Storage, id: Option<&str>) -> Result<BackupReport, BackupError> {
    let root = &config.server.data_dir;
    if root.join(IDENTITY).exists() || Directory::identity(root)?.is_some() {
        return Err(BackupError::Used(root.clone()));
    }
    let vault = Vault::new(place);
    let missing = || BackupError::Missing { id: id.map(str::to_owned) };
    let manifest = vault.read(id).await?.ok_or_else(missing)?;
    let storage = Storage::open(&storage_url(config), &config.storage.options)?;
    refuse_later(&storage, &manifest).await?;
    let mut report = manifest.report();
    for table in &manifest.tables {
        // The log last: until then there is no table, and never one without its files.
        for entry in &table.files {
            restore_object(&vault, vault.shared(&entry.path)?, &storage, entry, &mut report).await?;
        }
        for entry in &table.log {
            restore_object(&vault, vault.log(&manifest.id, &entry.path)?, &storage, entry, &mut report).await?;
        }
    }
    let is_last = |entry: &&Entry| entry.path == IDENTITY;
    let state = manifest.data.iter().filter(|entry| !is_last(entry)).chain(manifest.data.iter().filter(is_last));
    for entry in state {
        restore_state(&vault, &manifest.id, root, entry, &mut report).await?;
    }
    Ok(report)
}

/// Refuses where the store has anything that the backup has not.
async fn refuse_later(storage: &Storage, manifest: &Manifest) -> Result<(), BackupError> {
    for project in storage.projects().await? {
        let Some(ours) = manifest.tables.iter().find(|table| table.project == project) else {
            return Err(BackupError::Foreign(project));
        };
        let Some(theirs) = storage.table_parts(&project).await? else { continue };
        if theirs.version > ours.version {
            return Err(BackupError::Older { project, ours: ours.version, theirs: theirs.version });
        }
        if !is_part_of(ours, &theirs.log, storage) {
            return Err(BackupError::Foreign(project));
        }
    }
    Ok(())
}

/// Whether the log in the store is one that this backup began to write.
fn is_part_of(ours: &TableEntry, theirs: &[(object_store::path::Path, u64)], storage: &Storage) -> bool {
    let known: HashSet<_> =
        ours.log.iter().filter_map(|entry| Some((below(storage, &entry.path).ok()?, entry.print.size))).collect();
    theirs.iter().all(|found| known.contains(found))
}

async fn restore_object(
    vault: &Vault,
    from: object_store::path::Path,
    storage: &Storage,
    entry: &Entry,
    report: &mut BackupReport,
) -> Result<(), BackupError> {
    let to = below(storage, &entry.path)?;
    // A put is whole or not there.
    if storage.store().head(&to).await.is_ok_and(|found| found.size == entry.print.size) {
        return Ok(());
    }
    copy(&Source::Object(vault.store(), from), &storage.store(), &to, Some(entry.print)).await?;
    report.copied_files += 1;
    report.copied_bytes += entry.print.size;
    Ok(())
}

async fn restore_state(
    vault: &Vault,
    id: &str,
    root: &Path,
    entry: &Entry,
    report: &mut BackupReport,
) -> Result<(), BackupError> {
    let from = vault.own(id, &entry.path)?;
    let damaged =
        |what: String| BackupError::Manifest { id: id.to_owned(), what: format!("its file `{}` {what}", entry.path) };
    let relative = Path::new(&entry.path);
    if relative.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return Err(damaged("has an impossible name".into()));
    }
    let read = async { vault.store().get(&from).await?.bytes().await };
    let bytes = read.await.map_err(|error| damaged(format!("cannot be read: {error}")))?;
    if crate::table::Print::of(&bytes) != entry.print {
        return Err(damaged("does not have the checksum that was written".into()));
    }
    let to = root.join(relative);
    let failed = |source| BackupError::File { path: to.clone(), source };
    create_synced(to.parent().unwrap_or(root)).map_err(failed)?;
    write_private(&to, &bytes).map_err(failed)?;
    report.copied_files += 1;
    report.copied_bytes += entry.print.size;
    Ok(())
}
