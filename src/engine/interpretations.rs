//! How bodies were read: kept on disk for as long as a frame of the log refers to it.
//!
//! An interpretation is stored durably before the first frame that uses it. Those that nothing in
//! the log needs are removed at start.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::redaction::InForce;
use super::{AppendError, EngineError};
use xxhash_rust::xxh3::xxh3_64;

use crate::event::interpretation::{Definition, Interpretation, PARSER_VERSION};
use crate::event::mapping::{MappingFile, MappingLibrary};
use crate::event::plan::Plan;

/// `source` of events where neither they, nor the key, nor the mapping names one.
const NO_SOURCE: &str = "unknown";

/// Interpretations in use and on disk.
#[derive(Debug)]
pub(super) struct Interpretations {
    dir: PathBuf,
    known: Mutex<HashMap<u64, Arc<Interpretation>>>,
    /// By what a request names; valid for one state of the mappings.
    resolved: Mutex<(u64, HashMap<Named, Arc<Interpretation>>)>,
}

/// Mapping and source that a request names, and the number of its project's redaction rules.
type Named = (Option<String>, Option<String>, u64);

/// How bodies are read that are sent under the mapping `file`, which is called `name`.
fn interpret(
    name: Option<&str>,
    file: Option<MappingFile>,
    source: Option<&str>,
    redaction: &InForce,
) -> Result<Interpretation, AppendError> {
    let plan = file.as_ref().map_or_else(|| Ok(Plan::native()), MappingFile::compile)?;
    let source = source.map(str::to_string).or_else(|| file.as_ref()?.source.clone());
    let definition = Definition {
        parser_version: PARSER_VERSION,
        mapping: name.map(str::to_string),
        mapping_toml: file.map(|file| file.canonical()),
        source: source.unwrap_or_else(|| NO_SOURCE.to_string()),
        redact: redaction.rules.clone(),
    };
    Ok(Interpretation::new(plan, definition))
}

impl Interpretations {
    /// Interpretations in `dir`, which exists.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, known: Mutex::default(), resolved: Mutex::default() }
    }

    /// The interpretation of events sent under `mapping` to a project with these redaction rules, durable when this returns.
    pub(super) fn resolve(
        &self,
        mappings: &MappingLibrary,
        mapping: Option<&str>,
        source: Option<&str>,
        redaction: &InForce,
    ) -> Result<Arc<Interpretation>, AppendError> {
        let state = mappings.generation();
        let named = (mapping.map(str::to_string), source.map(str::to_string), redaction.id);
        {
            let mut resolved = self.resolved.lock();
            if resolved.0 != state {
                *resolved = (state, HashMap::new());
            }
            if let Some(found) = resolved.1.get(&named) {
                return Ok(Arc::clone(found));
            }
        }
        let file = mapping.map(|name| mappings.get(name)).transpose()?;
        let interpretation = Arc::new(interpret(mapping, file, source, redaction)?);
        self.keep(&interpretation).map_err(AppendError::Prepare)?;
        self.resolved.lock().1.insert(named, Arc::clone(&interpretation));
        Ok(interpretation)
    }

    /// The interpretation by a mapping that is stored nowhere; no frame can name it.
    pub(super) fn of_text(text: &str, redaction: &InForce) -> Result<Interpretation, AppendError> {
        interpret(None, Some(MappingFile::parse(text)?), None, redaction)
    }

    fn keep(&self, interpretation: &Arc<Interpretation>) -> io::Result<()> {
        let mut known = self.known.lock();
        if known.contains_key(&interpretation.id()) {
            return Ok(());
        }
        let path = self.path(interpretation.id());
        if !path.exists() {
            super::directory::replace(&path, interpretation.definition().to_text().as_bytes())?;
        }
        known.insert(interpretation.id(), Arc::clone(interpretation));
        Ok(())
    }

    /// The interpretation that a frame names.
    pub(super) fn load(&self, id: u64) -> Result<Arc<Interpretation>, EngineError> {
        if let Some(found) = self.known.lock().get(&id) {
            return Ok(Arc::clone(found));
        }
        let path = self.path(id);
        let text = fs::read_to_string(&path).map_err(|source| EngineError::Directory { path: path.clone(), source })?;
        if xxh3_64(text.as_bytes()) != id {
            let source =
                io::Error::new(io::ErrorKind::InvalidData, "it is damaged: its name is the hash of another text");
            return Err(EngineError::Directory { path, source });
        }
        let definition = Definition::from_text(&text)
            .map_err(|source| EngineError::Interpretation { path: path.clone(), source })?;
        let plan = match &definition.mapping_toml {
            Some(text) => MappingFile::parse(text)?.compile()?,
            None => Plan::native(),
        };
        let interpretation = Arc::new(Interpretation::new(plan, definition));
        self.known.lock().insert(id, Arc::clone(&interpretation));
        Ok(interpretation)
    }

    /// Removes those that are not in `used`; called while nothing is taken in.
    pub(super) fn keep_only(&self, used: &HashSet<u64>) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| u64::from_str_radix(stem.to_str()?, 16).ok());
            if id.is_some_and(|id| !used.contains(&id)) {
                fs::remove_file(&path)?;
            }
        }
        self.known.lock().retain(|id, _| used.contains(id));
        Ok(())
    }

    fn path(&self, id: u64) -> PathBuf {
        self.dir.join(format!("{id:016x}.json"))
    }
}
