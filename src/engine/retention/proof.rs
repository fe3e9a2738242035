//! The end of an erasure: events and files are looked through once more.
//!
//! Events are read as such, for files of tables are compressed. Of all other files of the data directory the bytes are
//! compared with every spelling of the value.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem::Finder;

use super::erase::Halt;
use crate::engine::{EngineError, Inner};
use crate::event::names::ProjectName;
use crate::retention::{Eraser, Erasure, HeldRows, Needle, Proof, Subject};
use crate::table::RowEdit;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 20;
/// Files in which the value was found that are named.
const FOUND_MAX: usize = 100;

impl Inner {
    /// What is left of a value.
    pub(super) async fn proof(self: &Arc<Self>, erasure: &Erasure, subject: &Subject) -> Result<Proof, Halt> {
        let mut proof = Proof::default();
        let own: Arc<dyn RowEdit> = self.eraser(&erasure.project, subject, erasure.mentions)?;
        self.look_through(&erasure.project, &own, &mut proof).await?;
        if let Some(needle) = Needle::new(&subject.value, "") {
            let audit = ProjectName::audit();
            let held = HeldRows::new(&self.retention.in_force(&audit));
            let edit: Arc<dyn RowEdit> = Arc::new(Eraser::new(None, Some(needle.clone()), held)?);
            self.look_through(&audit, &edit, &mut proof).await?;
            let root = self.directory.root().to_path_buf();
            let work = move || scan(&root, &needle, &mut proof).map(|()| proof);
            let scanned = tokio::task::spawn_blocking(work).await.map_err(crate::table::TableError::from)?;
            let path = self.directory.root().to_path_buf();
            proof = scanned.map_err(|source| EngineError::Directory { path, source })?;
        }
        Ok(proof)
    }

    /// Events that came in since the erasure was asked for are not its business, and not counted as left.
    async fn look_through(&self, name: &ProjectName, edit: &Arc<dyn RowEdit>, proof: &mut Proof) -> Result<(), Halt> {
        let project = self.project(name)?;
        let version = project.table.current();
        let judged = project.table.judge(&version, edit, |_| !self.shared.ending.is_cancelled()).await?;
        if self.shared.ending.is_cancelled() {
            return Err(Halt::Stopped);
        }
        proof.files_read += judged.len() as u64;
        proof.rows_left += judged.iter().map(|of| of.judged.held).sum::<u64>();
        for of in judged.iter().filter(|of| of.judged.is_change()).take(FOUND_MAX) {
            proof.found_in.push(format!("{name}: {} (events that came in since)", of.file.path));
        }
        Ok(())
    }
}

/// Looks through the files below `root`, those of tables and the list of erasures apart.
fn scan(root: &Path, needle: &Needle, proof: &mut Proof) -> io::Result<()> {
    let finders: Vec<Finder<'_>> = needle.spellings().iter().map(Finder::new).collect();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in gone(fs::read_dir(&directory))?.into_iter().flatten() {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if is_looked_at(root, &path) {
                let Some(file) = gone(File::open(&path))? else { continue };
                proof.bytes_files += 1;
                if holds(file, &finders, &mut proof.bytes_read)? && proof.found_in.len() < FOUND_MAX {
                    proof.found_in.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
                }
            }
        }
    }
    Ok(())
}

fn is_looked_at(root: &Path, path: &Path) -> bool {
    let events = path.extension().is_some_and(|extension| extension == "parquet");
    let in_log = path.parent().and_then(Path::file_name).is_some_and(|name| name == "_delta_log");
    // The value stands there until the erasure has ended.
    let list: PathBuf = root.join("erasures.json");
    path.is_file() && (!events || in_log) && path != list
}

/// Whether any of the spellings stands in a file.
fn holds(mut file: File, finders: &[Finder<'_>], bytes_read: &mut u64) -> io::Result<bool> {
    let overlap = finders.iter().map(|finder| finder.needle().len()).max().unwrap_or(1) - 1;
    let mut buffer = vec![0; CHUNK + overlap];
    let mut kept = 0;
    loop {
        let read = file.read(&mut buffer[kept..])?;
        if read == 0 {
            return Ok(false);
        }
        *bytes_read += read as u64;
        let filled = kept + read;
        if finders.iter().any(|finder| finder.find(&buffer[..filled]).is_some()) {
            return Ok(true);
        }
        // A value may lie across two reads.
        kept = overlap.min(filled);
        buffer.copy_within(filled - kept..filled, 0);
    }
}

/// Files come and go while a server runs.
fn gone<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
