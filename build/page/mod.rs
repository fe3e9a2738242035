//! The page as it is sent: its modules in few files, everything without comments and needless white space.
//!
//! `ui/` is written for people: a module for each concept, with what they need to know about it. A browser needs none
//! of that, and few files load faster and compress better than many. So the program's build *prepares* the page:
//! `lex` reads modules as tokens, `module` finds imports and exports, `plan` says which modules go into one file,
//! `bundle` writes the files, `print` keeps the least white space. Paths of `ui/` that are loaded by name stay: the
//! start, the views, styles, texts. Nothing is renamed and nothing is left out but comments.
//!
//! It is compiled into the build script, and into the tests of the page.

mod bundle;
pub(crate) mod lex;
pub(crate) mod module;
pub(crate) mod plan;
pub(crate) mod print;
pub(crate) mod style;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The files of the page, by their path below its directory.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Prepares the page that lies in a directory.
pub(crate) fn prepare(source: &Path) -> Result<Files, String> {
    let mut files = read(source)?;
    let modules: Vec<String> = files.keys().filter(|path| path.ends_with(".js")).cloned().collect();
    let mut sources = BTreeMap::new();
    for path in modules {
        let source = files.remove(&path).unwrap_or_default();
        sources.insert(path.clone(), String::from_utf8(source).map_err(|_| format!("{path}: is no text"))?);
    }
    for (path, content) in &mut files {
        let made = |make: fn(&str) -> Result<String, String>| {
            let source = std::str::from_utf8(content).map_err(|_| format!("{path}: is no text"))?;
            make(source).map(String::into_bytes).map_err(|why| format!("{path}: {why}"))
        };
        match path.rsplit('.').next() {
            Some("css") => *content = made(style::style)?,
            Some("json") => *content = made(style::texts)?,
            _ => {}
        }
    }
    files.extend(scripts(&sources)?.into_iter().map(|(path, text)| (path, text.into_bytes())));
    Ok(files)
}

/// Modules by path, in few files.
pub(crate) fn scripts(sources: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, String> {
    let mut modules = BTreeMap::new();
    for (path, source) in sources {
        modules.insert(path.clone(), module::read(path, source)?);
    }
    for module in modules.values() {
        if let Some(missing) = module.needs().chain(module.loads()).find(|path| !modules.contains_key(*path)) {
            return Err(format!("{}: imports {missing}, which is not there", module.path));
        }
    }
    let size = |path: &str| {
        let code = modules[path].body.iter().map(|piece| match piece {
            module::Piece::Code(token) | module::Piece::Lazy(token, _) => token.text.len(),
        });
        code.sum()
    };
    bundle::bundles(&modules, &plan::plan(&modules, &size)?)
}

/// All files below a directory.
fn read(root: &Path) -> Result<Files, String> {
    let (mut files, mut left) = (Files::new(), vec![root.to_path_buf()]);
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).map_err(|error| failed(&directory, error))? {
            let path = entry.map_err(|error| failed(&directory, error))?.path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let below =
                path.strip_prefix(root).unwrap_or(&path).components().map(|part| part.as_os_str().to_string_lossy());
            let name = below.collect::<Vec<_>>().join("/");
            files.insert(name, fs::read(&path).map_err(|error| failed(&path, error))?);
        }
    }
    Ok(files)
}

/// Writes a prepared page into a directory, which holds nothing else afterwards.
pub(crate) fn write(files: &Files, directory: &Path) -> std::io::Result<()> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    for (path, content) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        fs::write(path, content)?;
    }
    Ok(())
}
