//! A module of the page: what it imports, what it gives, and the rest of its code.
//!
//! It is read by the house style (imports and exports at the start of a line, exports are functions, classes and
//! constants); what does not hold to it is refused with its file and line.

use super::lex::{Kind, Token, tokens};

/// A module that another imports when it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// Path below the page's directory: `app/dom.js`.
    pub(crate) from: String,
    pub(crate) what: Imported,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Imported {
    /// `import 'x'`.
    Nothing,
    /// `import * as local from 'x'`.
    All(String),
    /// `import { name as local } from 'x'`.
    Names(Vec<Pair>),
    /// `export { name as public } from 'x'`.
    PassedOn(Vec<Pair>),
}

/// A name and what it is called on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) to: String,
}

/// What stays of a module beside imports and exports.
#[derive(Debug)]
pub(crate) enum Piece {
    Code(Token),
    /// `import('…')`: the module's path, loaded when the code gets there.
    Lazy(Token, String),
}

#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) path: String,
    pub(crate) imports: Vec<Import>,
    /// What it gives: its own names, and what they are called outside.
    pub(crate) exports: Vec<Pair>,
    pub(crate) body: Vec<Piece>,
    /// Directories of which `` import(`/dir/${name}.js`) `` may load any module.
    pub(crate) directories: Vec<String>,
    /// Whether it awaits something when it starts.
    pub(crate) waits: bool,
}

impl Module {
    /// What it imports when it starts.
    pub(crate) fn needs(&self) -> impl Iterator<Item = &str> {
        self.imports.iter().map(|import| import.from.as_str())
    }

    /// What it loads later.
    pub(crate) fn loads(&self) -> impl Iterator<Item = &str> {
        self.body.iter().filter_map(|piece| match piece {
            Piece::Lazy(_, path) => Some(path.as_str()),
            Piece::Code(_) => None,
        })
    }
}

/// Reads a module; `path` is below the page's directory.
pub(crate) fn read(path: &str, source: &str) -> Result<Module, String> {
    let tokens = tokens(source).map_err(|(line, why)| format!("{path}:{line}: {why}"))?;
    let module = Module {
        path: path.to_owned(),
        imports: Vec::new(),
        exports: Vec::new(),
        body: Vec::new(),
        directories: Vec::new(),
        waits: false,
    };
    let mut reader = Reader { tokens, at: 0, depth: 0, in_arrow: false, module };
    reader.all()?;
    Ok(reader.module)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    /// Brackets that are open.
    depth: usize,
    /// Whether the present statement of the module has had a `=>`: an `await` behind it is a function's.
    in_arrow: bool,
    module: Module,
}

impl Reader {
    fn all(&mut self) -> Result<(), String> {
        while self.at < self.tokens.len() {
            if self.sees(0, "import") {
                self.import()?;
            } else if self.depth == 0 && self.sees(0, "export") {
                self.export()?;
            } else {
                self.code()?;
            }
        }
        Ok(())
    }

    fn sees(&self, ahead: usize, text: &str) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.is(text))
    }

    fn refuse<T>(&self, why: &str) -> Result<T, String> {
        let line = self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |token| token.line);
        Err(format!("{}:{line}: {why}", self.module.path))
    }

    /// Takes a token that has to be there.
    fn take(&mut self, text: &str) -> Result<(), String> {
        if !self.sees(0, text) {
            return self.refuse(&format!(
                "`{text}` is expected here: the page's build reads imports and exports of one form only"
            ));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self) -> Result<String, String> {
        match self.tokens.get(self.at) {
            Some(token) if token.kind == Kind::Word => {
                let text = token.text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => self.refuse("a name is expected here"),
        }
    }

    /// The path of a module as an import writes it, made a path below the page's directory.
    fn path(&mut self) -> Result<String, String> {
        let token = &self.tokens[self.at.min(self.tokens.len() - 1)];
        let written = token.text.trim_matches(['\'', '"']);
        if token.kind != Kind::Text
            || !(written.starts_with("./") || written.starts_with("../") || written.starts_with('/'))
        {
            return self.refuse("the path of a module is expected here: './x.js', '../x.js' or '/app/x.js'");
        }
        let path = below(&self.module.path, written);
        self.at += 1;
        Ok(path)
    }

    fn import(&mut self) -> Result<(), String> {
        if self.sees(1, "(") {
            return self.lazy();
        }
        if self.sees(1, ":") || self.at > 0 && self.tokens[self.at - 1].is(".") {
            // A member that is called so is code like any other.
            return self.code();
        }
        if self.sees(1, ".") || self.depth > 0 {
            return self.refuse("`import` is not known here");
        }
        if !self.tokens[self.at].leads {
            return self.refuse("an import has to stand at the start of a line");
        }
        self.at += 1;
        let what = if self.sees(0, "*") {
            self.at += 1;
            self.take("as")?;
            Imported::All(self.word()?)
        } else if self.sees(0, "{") {
            Imported::Names(self.pairs()?)
        } else {
            Imported::Nothing
        };
        if what != Imported::Nothing {
            self.take("from")?;
        }
        let from = self.path()?;
        self.take(";")?;
        self.module.imports.push(Import { from, what });
        Ok(())
    }

    /// `{ a, b as c }`.
    fn pairs(&mut self) -> Result<Vec<Pair>, String> {
        let mut pairs = Vec::new();
        self.take("{")?;
        while !self.sees(0, "}") {
            let name = self.word()?;
            let to = if self.sees(0, "as") {
                self.at += 1;
                self.word()?
            } else {
                name.clone()
            };
            pairs.push(Pair { name, to });
            if !self.sees(0, "}") {
                self.take(",")?;
            }
        }
        self.take("}")?;
        Ok(pairs)
    }

    /// `import('./x.js')`, or `` import(`/app/dir/${name}.js`) ``.
    fn lazy(&mut self) -> Result<(), String> {
        let import = self.tokens[self.at].clone();
        let Some(what) = self.tokens.get(self.at + 2).cloned() else {
            return self.refuse("an import that does not end");
        };
        if what.opens() {
            let Some(directory) = what.text.strip_prefix("`/").and_then(|text| text.strip_suffix("/${")) else {
                return self.refuse("the path of a lazy import is a text, or a directory and `/${name}.js`");
            };
            self.module.directories.push(directory.to_owned());
            return self.code();
        }
        self.at += 2;
        let path = self.path()?;
        self.take(")")?;
        self.module.body.push(Piece::Lazy(import, path));
        Ok(())
    }

    fn export(&mut self) -> Result<(), String> {
        if !self.tokens[self.at].leads {
            return self.refuse("an export has to stand at the start of a line");
        }
        self.at += 1;
        if self.sees(0, "{") {
            let pairs = self.pairs()?;
            if self.sees(0, "from") {
                self.at += 1;
                let from = self.path()?;
                self.module.imports.push(Import { from, what: Imported::PassedOn(pairs) });
            } else {
                self.module.exports.extend(pairs);
            }
            return self.take(";");
        }
        let skip = usize::from(self.sees(0, "async"));
        let is_constant = self.sees(0, "const");
        if !is_constant && !self.sees(skip, "function") && !self.sees(0, "class") {
            return self.refuse("only functions, classes, constants and lists of names are exported: what may change goes behind a function");
        }
        let name_at = self.at + skip + 1 + usize::from(self.sees(skip + 1, "*"));
        let Some(name) =
            self.tokens.get(name_at).filter(|token| token.kind == Kind::Word).map(|token| token.text.clone())
        else {
            return self.refuse("the name of what is exported is expected here");
        };
        if is_constant {
            self.check_constant()?;
        }
        self.module.exports.push(Pair { name: name.clone(), to: name });
        // What was exported begins its line now.
        self.tokens[self.at].breaks = true;
        self.code()
    }

    /// One constant in one export, which ends with `;`.
    fn check_constant(&self) -> Result<(), String> {
        let mut depth = 0_usize;
        for token in &self.tokens[self.at..] {
            depth = after(depth, token);
            if depth == 0 && token.is(",") {
                return Err(format!("{}:{}: one constant in one export", self.module.path, token.line));
            }
            if depth == 0 && token.is(";") {
                return Ok(());
            }
        }
        self.refuse("an exported constant ends with `;`")
    }

    /// Any other token.
    fn code(&mut self) -> Result<(), String> {
        let token = self.tokens[self.at].clone();
        if token.kind == Kind::Word && token.text.starts_with('$') {
            return self.refuse("names that begin with `$` are kept for the page's build");
        }
        let is_top = self.depth == 0;
        if is_top && token.leads && ["if", "for", "while", "do", "switch", "try", "{"].iter().any(|word| token.is(word))
        {
            return self.refuse("no control flow at the top of a module: put it in a function");
        }
        self.in_arrow = is_top && !token.is(";") && (self.in_arrow || token.is("=>")) || !is_top && self.in_arrow;
        if is_top && token.is("await") && !self.in_arrow {
            self.module.waits = true;
        }
        self.depth = after(self.depth, &token);
        self.module.body.push(Piece::Code(token));
        self.at += 1;
        Ok(())
    }
}

/// How many brackets are open behind a token.
fn after(depth: usize, token: &Token) -> usize {
    let opens = token.is("(")
        || token.is("[")
        || token.is("{")
        || token.kind == Kind::Template && token.text.starts_with('`') && token.opens();
    let closes = token.is(")")
        || token.is("]")
        || token.is("}")
        || token.kind == Kind::Template && token.text.starts_with('}') && !token.opens();
    if opens { depth + 1 } else { depth - usize::from(closes) }
}

/// A path as an import in `module` writes it, below the page's directory.
pub(crate) fn below(module: &str, written: &str) -> String {
    if let Some(absolute) = written.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = module.split('/').collect();
    parts.pop();
    for part in written.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}
