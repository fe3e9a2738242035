//! What a reader may count on: a header in every file, files of a size that one can read.

use std::path::Path;

/// Longest source file, in lines.
const LINES_MAX: usize = 700;

fn walk(dir: &Path, check: &mut dyn FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, check);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            check(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_file_has_a_header_and_a_readable_length() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let mut files = 0;
    for part in ["src", "tests", "benches"] {
        walk(&root.join(part), &mut |path, text| {
            files += 1;
            let test = path.file_name().is_some_and(|name| name == "tests.rs");
            if !test && !path.components().any(|part| part.as_os_str() == "tests") && !text.starts_with("//!") {
                wrong.push(format!("{}: no header", path.display()));
            }
            let lines = text.lines().count();
            if lines > LINES_MAX {
                wrong.push(format!("{}: {lines} lines", path.display()));
            }
        });
    }
    assert!(files > 60, "only {files} files found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_unfinished_is_committed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let marks = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("FIX", "ME"), concat!("#[igno", "re")];
    let mut wrong = Vec::new();
    for part in ["src", "tests", "benches"] {
        walk(&root.join(part), &mut |path, text| {
            for mark in marks.iter().filter(|mark| text.contains(**mark)) {
                wrong.push(format!("{}: {mark}", path.display()));
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
