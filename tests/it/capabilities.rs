//! `docs/journal.md` says of everything that the five products do where it is, and which test proves it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::common::shared;

/// `ID-04…06, ID-18` as single ids.
fn ids(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (prefix, numbers) = part.split_once('-').unwrap_or_else(|| panic!("`{part}` is no row"));
        let (from, to) = numbers.split_once('…').unwrap_or((numbers, numbers));
        let (from, to): (u32, u32) = (from.parse().unwrap(), to.parse().unwrap());
        assert!(from <= to, "{part}");
        all.extend((from..=to).map(|number| format!("{prefix}-{number:02}")));
    }
    all
}

fn tests_of_ours() -> BTreeSet<String> {
    fn walk(dir: &Path, module: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().to_string();
            let inside = if module.is_empty() { name.clone() } else { module.to_string() };
            if path.is_dir() {
                walk(&path, &inside, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let mut is_test = false;
                for line in text.lines().map(str::trim) {
                    is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
                    if let Some(rest) =
                        line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")).filter(|_| is_test)
                    {
                        found.insert(format!("{inside}::{}", rest.split('(').next().unwrap()));
                        is_test = false;
                    }
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), "", &mut found);
    found
}

#[test]
fn everything_that_the_products_do_has_a_test_or_a_reason() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/journal.md")).unwrap();
    let tests = tests_of_ours();
    let (mut seen, mut wrong) = (BTreeMap::new(), Vec::new());
    let (mut proved, mut reasoned) = (0, 0);
    for line in
        text.lines().skip_while(|line| !line.starts_with("| rows |")).skip(2).take_while(|line| line.starts_with('|'))
    {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [rows, what, _, test] = cells.as_slice() else { panic!("four cells: {line}") };
        let rows = ids(rows);
        let test = test.trim_matches(|c: char| c == '`' || c == '|' || c.is_whitespace());
        match (test.is_empty(), what.starts_with("— ")) {
            (true, true) => reasoned += rows.len(),
            (false, false) if tests.contains(test) => proved += rows.len(),
            (false, false) => wrong.push(format!("no test `{test}`")),
            _ => wrong.push(format!("neither a test nor a reason, or both: {line}")),
        }
        for row in rows {
            if seen.insert(row.clone(), ()).is_some() {
                wrong.push(format!("{row} is there twice"));
            }
        }
    }
    println!("{proved} rows have a test, {reasoned} a reason");
    if let Some(notes) = shared("notes/seeds.md") {
        let text = std::fs::read_to_string(notes).unwrap();
        let known = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
        let is_row = |id: &&str| ["ID-", "ES-", "RO-", "GC-", "VF-"].iter().any(|prefix| id.starts_with(prefix));
        let known: BTreeSet<&str> = known.filter(is_row).collect();
        assert_eq!(known.len(), 652);
        wrong.extend(known.iter().filter(|id| !seen.contains_key(**id)).map(|id| format!("{id} is not there")));
        wrong.extend(seen.keys().filter(|id| !known.contains(id.as_str())).map(|id| format!("{id} is no row")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
