//! The files of the page (`ui/`): what a browser would tell too late.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::page::module::below;

const LANGUAGES: [&str; 3] = ["en", "pl", "ru"];

/// The page as it is written.
pub(crate) fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")
}

/// All files of a directory with this ending: path below it, content.
pub(crate) fn files(dir: &Path, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_path_buf()];
    while let Some(at) = left.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// What a module imports, static and dynamic, as paths below `ui/`.
fn imports(module: &str, text: &str) -> Vec<String> {
    let pattern =
        regex::Regex::new(r#"(?m)(?:^(?:import|export)\s[^;'"]*?from\s*|^import\s*|\bimport\()['"]([^'"]+)['"]"#)
            .unwrap();
    pattern.captures_iter(text).map(|found| below(module, &found[1])).collect()
}

#[test]
fn every_import_names_a_file() {
    let modules = files(&ui(), "js");
    let names: BTreeSet<&str> = modules.iter().map(|(name, _)| name.as_str()).collect();
    for (name, text) in &modules {
        for import in imports(name, text) {
            assert!(names.contains(import.as_str()), "{name} imports {import}, which is not there");
        }
    }
}

#[test]
fn nothing_is_made_of_markup_and_nothing_comes_from_elsewhere() {
    let forbidden = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "createContextualFragment",
        "srcdoc",
    ];
    for (name, text) in files(&ui(), "js").into_iter().chain(files(&ui(), "css")).chain(files(&ui(), "html")) {
        for word in forbidden {
            assert!(!text.contains(word), "{name} uses {word}");
        }
        for at in text.match_indices("://").map(|(at, _)| at) {
            let before = &text[..at];
            let is_address = before.ends_with("http") || before.ends_with("https");
            let rest = &text[at + 3..];
            let allowed = rest.starts_with("www.w3.org/")
                || rest.starts_with("example.com")
                || rest.starts_with("hooks.example.com")
                || !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
            assert!(!is_address || allowed, "{name} names another server: …{}", &rest[..rest.len().min(40)]);
        }
    }
}

#[test]
fn every_text_is_there_in_all_languages_with_all_its_plural_forms() {
    let forms = BTreeMap::from([
        ("en", vec!["one", "other"]),
        ("pl", vec!["few", "many", "one", "other"]),
        ("ru", vec!["few", "many", "one", "other"]),
    ]);
    let read = |language: &str| -> BTreeMap<String, BTreeMap<String, Value>> {
        let parts = files(&ui().join("text").join(language), "json").into_iter();
        parts
            .map(|(name, text)| {
                (name.clone(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{language}/{name}: {error}")))
            })
            .collect()
    };
    let english = read("en");
    for language in LANGUAGES {
        let texts = read(language);
        assert_eq!(texts.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "parts of {language}");
        for (part, all) in &texts {
            let missing: Vec<_> = english[part].keys().filter(|key| !all.contains_key(*key)).collect();
            let more: Vec<_> = all.keys().filter(|key| !english[part].contains_key(*key)).collect();
            assert!(
                missing.is_empty() && more.is_empty(),
                "{language}/{part}: missing {missing:?}, not in English {more:?}"
            );
            for (key, text) in all {
                check_text(language, key, text, &english[part][key], &forms[language]);
            }
        }
    }
}

fn check_text(language: &str, key: &str, text: &Value, english: &Value, forms: &[&str]) {
    let places = |text: &Value| -> BTreeSet<String> {
        let place = regex::Regex::new(r"\{(\w+)\}").unwrap();
        let all = match text {
            Value::Object(forms) => forms.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        place.captures_iter(&all).map(|found| found[1].to_owned()).collect()
    };
    match text {
        Value::Object(given) => {
            let mut names: Vec<_> = given.keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, forms, "{language} {key}");
        }
        Value::String(text) => assert!(!text.trim().is_empty(), "{language} {key} is empty"),
        other => panic!("{language} {key} is neither a text nor plural forms: {other}"),
    }
    assert_eq!(text.is_object(), english.is_object(), "{language} {key}: plural forms in one language only");
    // A name stands in the case that its language's sentence asks for.
    const CASES: [&str; 6] = ["nom", "acc", "gen", "dat", "ins", "loc"];
    let without_number = |all: BTreeSet<String>| -> BTreeSet<String> {
        all.into_iter()
            .filter(|place| place != "n")
            .map(|place| if CASES.contains(&place.as_str()) { "object".into() } else { place })
            .collect()
    };
    assert_eq!(
        without_number(places(text)),
        without_number(places(english)),
        "{language} {key}: other places than in English"
    );
}

/// The table of `docs/page.md` names tests that there are, and at least one for each point but those that are said to be not done.
#[test]
fn every_point_of_the_checklist_names_its_tests() {
    let page = include_str!("../../docs/page.md");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let tests: String = files(&sources, "rs").into_iter().map(|(_, text)| text).collect();
    let name = regex::Regex::new(r"`([a-z0-9_]{12,})`").unwrap();
    let mut points = 0;
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some(Ok(number)) = cells.get(1).map(|cell| cell.parse::<usize>()) else { continue };
        points += 1;
        assert_eq!(number, points, "points stand in their order");
        let named: Vec<&str> = name.captures_iter(cells[4]).map(|found| found.get(1).unwrap().as_str()).collect();
        assert!(!named.is_empty() || (cells[3] == "not done" && number > 28), "point {number} names no test");
        for test in named {
            assert!(tests.contains(&format!("fn {test}()")), "point {number} names `{test}`, which is not there");
        }
    }
    assert_eq!(points, 30);
}

/// Paths that the page has a view for are paths that the server answers with the page: else a reload is a 404.
#[test]
fn every_view_of_the_page_is_served() {
    let routes = std::fs::read_to_string(ui().join("app/routes.js")).unwrap();
    let server = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/page.rs")).unwrap();
    let route = regex::Regex::new(r"\{ name: '\w+', path: '([^']+)'(, below: true)?(?s:.*?)\}").unwrap();
    let all: Vec<_> = route.captures_iter(&routes).collect();
    assert!(all.len() > 12, "the routes are read");
    for found in all {
        let path = &found[1];
        // Of `/events` only what is below it is a view; the journal itself is `/`.
        let itself = ["/", "/events", "/objects", "/actors", "/visitors"].contains(&path)
            || server.contains(&format!("\"{path}\","));
        assert!(itself, "{path} is not served");
        assert!(found.get(2).is_none() || server.contains(&format!("\"{path}/{{*rest}}\",")), "{path}/… is not served");
    }
}

/// Keys that code asks for by their whole name are there; those that are put together are seen in the browser.
#[test]
fn every_text_that_the_page_asks_for_exists() {
    let keys: BTreeSet<String> = files(&ui().join("text/en"), "json")
        .into_iter()
        .flat_map(|(_, text)| serde_json::from_str::<BTreeMap<String, Value>>(&text).unwrap().into_keys())
        .collect();
    let asked = regex::Regex::new(r"\bt\(\s*'([\w.-]+)'").unwrap();
    for (name, text) in files(&ui(), "js") {
        for found in asked.captures_iter(&text) {
            assert!(keys.contains(&found[1]), "{name} asks for the text {}, which is not there", &found[1]);
        }
    }
}
