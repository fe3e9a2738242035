//! The dependency rule: a module uses only those before it (`docs/architecture.md`).

use std::path::Path;

/// Modules in the order of an event's way; those in one group may use one another's entrance.
const ORDER: [&[&str]; 13] = [
    &["error", "failpoint", "fuzz", "priority", "sealed"],
    &["config"],
    &["event"],
    &["generate"],
    &["wal"],
    &["hot"],
    &["table"],
    &["query"],
    &["access"],
    &["journal"],
    &["engine"],
    &["http"],
    &["cli"],
];

fn sources(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|group| group.contains(&module))
}

#[test]
fn every_module_uses_only_those_before_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    let mut uses = 0;
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let first = relative.iter().next().unwrap().to_string_lossy();
        let module = first.trim_end_matches(".rs").to_string();
        let test = relative.to_string_lossy().contains("tests");
        let Some(own) = rank(&module) else {
            assert!(["lib", "main"].contains(&module.as_str()), "`{module}` has no place in the order");
            continue;
        };
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some(theirs) = rank(&used) else { continue };
                uses += 1;
                if theirs > own && !test {
                    wrong.push(format!("{}: {}", relative.display(), line.trim()));
                }
            }
        }
    }
    assert!(uses > 100, "only {uses} uses found: has the walk gone wrong?");
    assert!(wrong.is_empty(), "uses of later modules:\n{}", wrong.join("\n"));
}
