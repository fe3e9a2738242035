//! Which modules go into one file together.
//!
//! The *core* is what the page starts with. A *root* is a file of what is loaded when somebody asks for it: the first
//! view, the other views in a few groups, and the lazily loaded parts. A module that one root needs goes into that
//! root's file; what several need goes into shared files: by who needs it, small ones with those that are needed alike,
//! since a small file compresses badly. What the first view needs never shares a file with what it does not need.

use std::collections::{BTreeMap, BTreeSet};

use super::module::Module;

/// What the page starts with: `index.html` names it.
pub(crate) const START: &str = "app/main.js";
/// The view that most readers see first.
pub(crate) const FIRST: &str = "app/views/journal.js";
/// Views whose code is sent in one file; any other view is sent by itself.
const TOGETHER: [(&str, &[&str]); 3] = [
    ("app/data.js", &["dashboards", "screens", "sql"]),
    (EVENTS, &["actor", "object", "session"]),
    ("app/desk.js", &["admin", "alerts", "ingest", "jobs", "kit", "tasks"]),
];
/// Pages of events; with them, lazy parts that several of the groups ask for.
const EVENTS: &str = "app/events.js";
/// Lazy parts of the first view.
const LATER: &str = "app/later.js";
/// Shared files with less code than this are joined with others, in bytes before compression.
const SMALL: usize = 30_000;

type Modules = BTreeMap<String, Module>;
type Set<'a> = BTreeSet<&'a str>;
/// Files of what is loaded when it is asked for, each with all modules that it needs.
type Roots<'a> = BTreeMap<&'a str, Set<'a>>;

/// Files by name: the modules of each, in the order that they start in.
pub(crate) type Plan = BTreeMap<String, Vec<String>>;

/// A shared file to be.
#[derive(Debug, Clone)]
struct Shared<'a> {
    /// Roots that need it.
    needed_by: Set<'a>,
    modules: Set<'a>,
    size: usize,
    is_first: bool,
}

/// Plans the files. `size` says how much code a module has.
pub(crate) fn plan(modules: &Modules, size: &dyn Fn(&str) -> usize) -> Result<Plan, String> {
    let order = order(modules)?;
    let first = closure(modules, FIRST);
    let roots = roots(modules)?;
    let core = core(modules, &first, &roots)?;
    let mut files: BTreeMap<String, Set> = BTreeMap::new();
    let mut shared: BTreeMap<(Set, bool), Set> = BTreeMap::new();
    for module in order.iter().copied().filter(|module| !core.contains(module)) {
        let needed_by = needers(&roots, module);
        match (needed_by.first(), needed_by.len()) {
            (None, _) => return Err(format!("{module}: no module imports it")),
            (Some(root), 1) => files.entry((*root).to_owned()).or_default().insert(module),
            _ => shared.entry((needed_by, first.contains(module))).or_default().insert(module),
        };
    }
    files.insert(START.to_owned(), core);
    let shared = shared.into_iter().map(|((needed_by, is_first), modules)| {
        let size = modules.iter().map(|module| size(module)).sum();
        Shared { needed_by, modules, size, is_first }
    });
    for one in joined(modules, &files, shared.collect()) {
        let largest = one.modules.iter().max_by_key(|module| size(module)).map_or("", |module| module);
        files.insert(format!("app/shared/{}", largest.trim_start_matches("app/").replace('/', "-")), one.modules);
    }
    if let Some(circle) = circle(modules, files.values()) {
        return Err(format!("files of the page would wait for each other: {circle}"));
    }
    let ordered = |modules: &Set| {
        order.iter().filter(|module| modules.contains(**module)).map(|module| (*module).to_owned()).collect()
    };
    Ok(files.iter().map(|(name, modules)| (name.clone(), ordered(modules))).collect())
}

/// What the page starts with: its own modules, and what every reader needs sooner or later and waits for nothing.
fn core<'a>(modules: &'a Modules, first: &Set<'a>, roots: &Roots) -> Result<Set<'a>, String> {
    let mut core = closure(modules, START);
    if let Some(module) = core.iter().find(|path| modules[**path].waits) {
        return Err(format!(
            "{module}: awaits at its top; the page starts with it, and every view would wait for it forever: await in a function"
        ));
    }
    for module in first {
        let waits = closure(modules, module).iter().any(|needed| modules[*needed].waits);
        if !waits && needers(roots, module).len() > 1 {
            core.insert(module);
        }
    }
    Ok(core)
}

/// Roots that need a module.
fn needers<'a>(roots: &Roots<'a>, module: &str) -> Set<'a> {
    roots.iter().filter(|(_, needs)| needs.contains(module)).map(|(name, _)| *name).collect()
}

/// The views: modules of the directories that are loaded by a name put together.
pub(crate) fn views(modules: &Modules) -> Vec<&str> {
    let directories: BTreeSet<&str> =
        modules.values().flat_map(|module| module.directories.iter().map(String::as_str)).collect();
    modules
        .keys()
        .map(String::as_str)
        .filter(|path| path.rsplit_once('/').is_some_and(|(directory, _)| directories.contains(directory)))
        .collect()
}

/// Files of what is loaded when it is asked for, each with all modules that it needs.
fn roots(modules: &Modules) -> Result<Roots<'_>, String> {
    let views = views(modules);
    if !views.contains(&FIRST) {
        return Err(format!("{FIRST}, the first view, is not there"));
    }
    let mut roots = Roots::new();
    let mut asked_by: BTreeMap<&str, Set> = BTreeMap::new();
    for view in &views {
        roots.entry(file_of(view)).or_default().extend(closure(modules, view));
        // The shell stands around every view.
        for lazy in reached(modules, view).union(&reached(modules, START)) {
            asked_by.entry(lazy).or_default().insert(view);
        }
    }
    for (lazy, views) in asked_by {
        let groups: Set = views.iter().map(|view| file_of(view)).collect();
        let file = match groups.first() {
            Some(&FIRST) if groups.len() == 1 => LATER,
            Some(group) if groups.len() == 1 => group,
            _ => EVENTS,
        };
        // What the first view has loaded is there already for parts that only it asks for.
        let first = if file == LATER { closure(modules, FIRST) } else { Set::new() };
        roots.entry(file).or_default().extend(closure(modules, lazy).difference(&first));
    }
    Ok(roots)
}

/// The file of a view.
fn file_of(view: &str) -> &str {
    let name = view.rsplit('/').next().unwrap_or(view).trim_end_matches(".js");
    TOGETHER.iter().find(|(_, views)| views.contains(&name)).map_or(view, |(file, _)| file)
}

/// A module and all that it imports when it starts.
fn closure<'a>(modules: &'a Modules, start: &str) -> Set<'a> {
    walk(modules, start, &|module| module.needs().collect())
}

/// Lazily loaded modules that code reached from a view asks for, at any remove.
fn reached<'a>(modules: &'a Modules, view: &str) -> Set<'a> {
    let all = walk(modules, view, &|module| module.needs().chain(module.loads()).collect());
    all.iter().flat_map(|path| modules[*path].loads()).collect()
}

fn walk<'a>(modules: &'a Modules, start: &str, next: &dyn Fn(&'a Module) -> Vec<&'a str>) -> Set<'a> {
    let (mut found, mut left) =
        (Set::new(), modules.get_key_value(start).map(|(path, _)| path.as_str()).into_iter().collect::<Vec<_>>());
    while let Some(path) = left.pop() {
        if found.insert(path) {
            left.extend(next(&modules[path]));
        }
    }
    found
}

/// All modules, each behind those that it imports.
fn order(modules: &Modules) -> Result<Vec<&str>, String> {
    fn visit<'a>(
        modules: &'a Modules,
        path: &'a str,
        above: &mut Vec<&'a str>,
        done: &mut Vec<&'a str>,
    ) -> Result<(), String> {
        if done.contains(&path) {
            return Ok(());
        }
        if let Some(from) = above.iter().position(|one| *one == path) {
            return Err(format!(
                "modules import each other in a circle: {} → {path}; move what both need into a third",
                above[from..].join(" → ")
            ));
        }
        above.push(path);
        for next in modules[path].needs() {
            visit(modules, next, above, done)?;
        }
        above.pop();
        done.push(path);
        Ok(())
    }
    let mut done = Vec::new();
    for path in std::iter::once(START).chain(modules.keys().map(String::as_str)) {
        let Some((path, _)) = modules.get_key_value(path) else { return Err(format!("{path} is not there")) };
        visit(modules, path, &mut Vec::new(), &mut done)?;
    }
    Ok(done)
}

/// Joins small shared files with those that are needed most alike, as long as no two files wait for each other.
fn joined<'a>(modules: &Modules, files: &BTreeMap<String, Set<'a>>, mut shared: Vec<Shared<'a>>) -> Vec<Shared<'a>> {
    let mut settled = Vec::new();
    loop {
        shared.sort_by(|left, right| (left.size, &left.modules).cmp(&(right.size, &right.modules)));
        if shared.first().is_none_or(|smallest| smallest.size >= SMALL) {
            settled.extend(shared);
            return settled;
        }
        let small = shared.remove(0);
        let mut partners: Vec<usize> = (0..shared.len()).filter(|at| shared[*at].is_first == small.is_first).collect();
        partners.sort_by_key(|at| std::cmp::Reverse(likeness(&small, &shared[*at])));
        let fits = partners.into_iter().find(|at| {
            let others =
                settled.iter().chain(shared.iter().enumerate().filter(|(other, _)| other != at).map(|(_, one)| one));
            let together: Set = shared[*at].modules.union(&small.modules).copied().collect();
            let all = others.map(|one| &one.modules).chain(files.values()).chain([&together]);
            circle(modules, all).is_none()
        });
        match fits {
            Some(at) => {
                shared[at].modules.extend(small.modules);
                shared[at].needed_by.extend(small.needed_by);
                shared[at].size += small.size;
            }
            None => settled.push(small),
        }
    }
}

/// How alike two files are needed, in thousandths: roots that need both, of those that need either.
fn likeness(left: &Shared, right: &Shared) -> usize {
    let both = left.needed_by.intersection(&right.needed_by).count();
    1_000 * both / left.needed_by.union(&right.needed_by).count().max(1)
}

/// Files that import each other, if there are any.
fn circle<'m, M, S>(modules: &Modules, files: impl IntoIterator<Item = M>) -> Option<String>
where
    M: IntoIterator<Item = &'m S>,
    S: AsRef<str> + 'm + ?Sized,
{
    let files: Vec<Vec<&str>> = files.into_iter().map(|file| file.into_iter().map(AsRef::as_ref).collect()).collect();
    let place: BTreeMap<&str, usize> =
        files.iter().enumerate().flat_map(|(at, file)| file.iter().map(move |module| (*module, at))).collect();
    let mut needs: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        let outside =
            file.iter().flat_map(|module| modules[*module].needs()).filter_map(|module| place.get(module).copied());
        needs.insert(at, outside.filter(|other| *other != at).collect());
    }
    // A file that waits for none that is left is no part of a circle.
    while let Some(free) =
        needs.iter().find(|(_, others)| others.iter().all(|other| !needs.contains_key(other))).map(|(at, _)| *at)
    {
        needs.remove(&free);
    }
    let names: Vec<&str> = needs.keys().filter_map(|at| files[*at].first().copied()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
