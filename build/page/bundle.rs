//! Modules as one file: each in a function of its own, which gives what the module exports.
//!
//! A module's names stay its own, so nothing has to be renamed. The function runs once, when the file starts, behind
//! those of the modules that it imports; what it gives never changes (exports are functions, classes and constants).

use std::collections::{BTreeMap, BTreeSet};

use super::lex::{Kind, Token};
use super::module::{Imported, Module, Pair, Piece};
use super::plan::{Plan, views};
use super::print::print;

/// The files of a plan, by path.
pub(crate) fn bundles(modules: &BTreeMap<String, Module>, plan: &Plan) -> Result<BTreeMap<String, String>, String> {
    check_names(modules)?;
    let place: BTreeMap<&str, &str> = plan
        .iter()
        .flat_map(|(file, inside)| inside.iter().map(move |module| (module.as_str(), file.as_str())))
        .collect();
    let writer = Writer { modules, place, views: views(modules).into_iter().collect() };
    let mut files: BTreeMap<String, String> =
        plan.iter().map(|(file, inside)| (file.clone(), writer.file(file, inside))).collect();
    for view in &writer.views {
        files.entry((*view).to_owned()).or_insert_with(|| writer.file(view, &[]));
    }
    Ok(files)
}

/// Every import names something that is exported.
fn check_names(modules: &BTreeMap<String, Module>) -> Result<(), String> {
    for module in modules.values() {
        for import in &module.imports {
            let (Imported::Names(pairs) | Imported::PassedOn(pairs)) = &import.what else { continue };
            let gives = gives(&modules[&import.from]);
            if let Some(missing) = pairs.iter().find(|pair| !gives.contains(pair.name.as_str())) {
                return Err(format!(
                    "{}: imports {} from {}, which does not export it",
                    module.path, missing.name, import.from
                ));
            }
        }
    }
    Ok(())
}

/// What a module gives, by the names outside.
fn gives(module: &Module) -> BTreeSet<&str> {
    let passed_on = module.imports.iter().filter_map(|import| match &import.what {
        Imported::PassedOn(pairs) => Some(pairs),
        _ => None,
    });
    module.exports.iter().chain(passed_on.flatten()).map(|pair| pair.to.as_str()).collect()
}

struct Writer<'a> {
    modules: &'a BTreeMap<String, Module>,
    /// The file of each module.
    place: BTreeMap<&'a str, &'a str>,
    views: BTreeSet<&'a str>,
}

impl Writer<'_> {
    fn file(&self, file: &str, inside: &[String]) -> String {
        let mut outside: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for need in
            inside.iter().flat_map(|module| self.modules[module].needs()).filter(|need| self.place[need] != file)
        {
            outside.entry(self.place[need]).or_default().insert(need);
        }
        // Who asks for this path gets what the module of this path gives, wherever it is.
        let own = self.modules.get(file).filter(|module| !gives(module).is_empty());
        if let Some(module) = own.filter(|_| self.place[file] != file) {
            outside.entry(self.place[file]).or_default().insert(&module.path);
        }
        let mut text = String::new();
        for (other, needed) in outside {
            let names: Vec<String> = needed.into_iter().map(name).collect();
            text.push_str(&format!("import{{{}}}from'/{other}';\n", names.join(",")));
        }
        for module in inside {
            text.push_str(&self.module(&self.modules[module]));
        }
        let given: Vec<String> =
            inside.iter().filter(|module| self.is_asked_for(file, module)).map(|module| name(module)).collect();
        if !given.is_empty() {
            text.push_str(&format!("export{{{}}};\n", given.join(",")));
        }
        if let Some(module) = own {
            let gives: Vec<&str> = gives(module).into_iter().collect();
            text.push_str(&format!("export const{{{}}}={};\n", gives.join(","), name(file)));
        }
        text
    }

    /// Whether a module is named in another file, or loaded lazily from any.
    fn is_asked_for(&self, file: &str, module: &str) -> bool {
        let needed =
            |other: &Module| self.place[other.path.as_str()] != file && other.needs().any(|need| need == module);
        let loaded = |other: &Module| file != module && other.loads().any(|load| load == module);
        file != module && self.views.contains(module)
            || self.modules.values().any(|other| needed(other) || loaded(other))
    }

    fn module(&self, module: &Module) -> String {
        let (wait, kind) = if module.waits { ("await", "async") } else { ("", "") };
        let mut text = format!("const {}={wait}({kind}()=>{{", name(&module.path));
        let mut given: Vec<String> = module.exports.iter().map(|pair| member(&pair.to, &pair.name)).collect();
        for import in &module.imports {
            match &import.what {
                Imported::Nothing => {}
                Imported::All(local) => text.push_str(&format!("const {local}={};\n", name(&import.from))),
                Imported::Names(pairs) => {
                    let names: Vec<String> = pairs.iter().map(|Pair { name, to }| member(name, to)).collect();
                    text.push_str(&format!("const{{{}}}={};\n", names.join(","), name(&import.from)));
                }
                Imported::PassedOn(pairs) => {
                    given.extend(pairs.iter().map(|pair| format!("{}:{}.{}", pair.to, name(&import.from), pair.name)))
                }
            }
        }
        let body: Vec<Token> = module.body.iter().map(|piece| self.piece(piece)).collect();
        text.push_str(&print(&body));
        if !given.is_empty() {
            text.push_str(&format!("\nreturn{{{}}}", given.join(",")));
        }
        text.push_str("})();\n");
        text
    }

    /// A token of a module's body; a lazy import asks for the file where its module is now.
    fn piece(&self, piece: &Piece) -> Token {
        let (import, path) = match piece {
            Piece::Code(token) => return token.clone(),
            Piece::Lazy(import, path) => (import, path.as_str()),
        };
        let file = self.place[path];
        let text = if file == path {
            format!("import('/{file}')")
        } else {
            format!("import('/{file}').then((all)=>all.{})", name(path))
        };
        Token { kind: Kind::Word, text, ..import.clone() }
    }
}

/// What a module is called in its file.
fn name(path: &str) -> String {
    let inner = path.trim_start_matches("app/").trim_end_matches(".js");
    format!("${}", inner.replace(|next: char| !next.is_ascii_alphanumeric(), "_"))
}

/// A member of an object: `name`, or `name:to` where they differ.
fn member(name: &str, to: &str) -> String {
    if name == to { name.to_owned() } else { format!("{name}:{to}") }
}
