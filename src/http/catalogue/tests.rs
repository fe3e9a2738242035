use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

use super::*;

/// Files of errors that reach no client: their codes are not of problems.
const INSIDE: [&str; 4] = ["src/cli", "src/generate", "src/config", "src/http/transport"];

fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if name.contains("tests") || INSIDE.iter().any(|inside| name.ends_with(inside)) {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Arms of the `match` in a function of a file: variants with what they give.
fn arms(text: &str, function: &str, value: &str) -> Vec<(String, String)> {
    let Some(start) = text.find(function) else { return Vec::new() };
    let body = &text[start..];
    let body = &body[..body.find("\n    }\n").unwrap_or(body.len())];
    let arm = Regex::new(&format!(
        r"(?s)((?:\|?\s*Self::\w+(?:::\w+)?\s*(?:\{{[^}}]*\}}|\([^)]*\))?\s*)+)=>\s*\{{?\s*{value}"
    ))
    .unwrap();
    let variant = Regex::new(r"Self::(\w+)").unwrap();
    let mut found = Vec::new();
    for caught in arm.captures_iter(body) {
        for name in variant.captures_iter(&caught[1]) {
            found.push((name[1].to_owned(), caught[2].to_owned()));
        }
    }
    found
}

/// Codes with the kinds that they are given with, anywhere in the sources.
fn given() -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let here = Regex::new(r#"ApiError::new\(\s*Kind::(\w+),\s*"(\w+)""#).unwrap();
    let invalid = Regex::new(r#"\binvalid\("(\w+)""#).unwrap();
    // Of errors that are all alike.
    let only_kind = Regex::new(r"fn kind\(&self\) -> Kind \{\s*Kind::(\w+)\s*\}").unwrap();
    let only_code = Regex::new(r#"fn code\(&self\) -> &'static str \{\s*"(\w+)"\s*\}"#).unwrap();
    let mut codes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in files {
        for caught in here.captures_iter(&text) {
            codes.entry(caught[2].to_owned()).or_default().insert(caught[1].to_owned());
        }
        if name.ends_with("http/extract.rs") {
            for caught in invalid.captures_iter(&text) {
                codes.entry(caught[1].to_owned()).or_default().insert("Invalid".to_owned());
            }
        }
        for report in text.split("\nimpl Report for ").skip(1) {
            let report = &report[..report.find("\n}\n").unwrap_or(report.len())];
            if let (Some(kind), Some(code)) = (only_kind.captures(report), only_code.captures(report)) {
                codes.entry(code[1].to_owned()).or_default().insert(kind[1].to_owned());
            }
            let kinds = arms(report, "fn kind(", r"Kind::(\w+)");
            for (variant, code) in arms(report, "fn code(", r#""(\w+)""#) {
                let mut of: Vec<_> =
                    kinds.iter().filter(|(name, _)| *name == variant).map(|(_, kind)| kind.clone()).collect();
                of.extend(only_kind.captures(report).map(|caught| caught[1].to_owned()));
                assert!(!of.is_empty(), "{name}: no kind of {variant} was found");
                codes.entry(code).or_default().extend(of);
            }
        }
    }
    codes
}

fn page() -> String {
    let given = given();
    let mut page = "# Errors\n\nEvery refusal is `application/problem+json` with `code`, `detail`, `hint` and `request_id`, under which the\n\
        server's log has the request. `type` ends in the code's place on this page, which every server has at `/api/errors`.\n\
        What is no HTTP at all gets a bare 400 or 431.\n\
        Exit codes of the program are in [operations.md](operations.md). Made from the code: `UPDATE_DOCS=1 cargo test --lib catalogue`.\n"
        .to_owned();
    for entry in ENTRIES {
        let statuses = given.get(entry.code).map(|kinds| {
            let statuses: BTreeSet<u16> = kinds.iter().map(|kind| status(entry.code, kind)).collect();
            statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
        });
        let statuses = statuses.unwrap_or_else(|| panic!("nobody gives the code {}", entry.code));
        page.push_str(&format!("\n## {}\n\nStatus {statuses}. {} {}\n", entry.code, entry.meaning, entry.advice));
    }
    page
}

fn status(code: &str, kind: &str) -> u16 {
    use crate::error::Kind;
    let all = [
        Kind::Invalid,
        Kind::Unauthenticated,
        Kind::Forbidden,
        Kind::NotFound,
        Kind::Conflict,
        Kind::TooLarge,
        Kind::UnsupportedMedia,
        Kind::NotAcceptable,
        Kind::Overloaded,
        Kind::Unavailable,
        Kind::OutcomeUnknown,
        Kind::DeadlineExceeded,
        Kind::Canceled,
        Kind::Internal,
    ];
    let found = all.into_iter().find(|known| format!("{known:?}") == kind);
    super::super::problem::status_of(found.unwrap_or_else(|| panic!("no kind {kind}")), code).as_u16()
}

#[test]
fn the_page_of_errors_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
    let wanted = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(path, wanted).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), wanted, "run the test with UPDATE_DOCS=1");
}

#[test]
fn every_code_that_is_given_is_listed_once() {
    let given = given();
    assert!(given.len() > 70, "only {} codes were found: has the search gone wrong?", given.len());
    let listed: Vec<&str> = ENTRIES.iter().map(|entry| entry.code).collect();
    for code in given.keys() {
        assert_eq!(listed.iter().filter(|known| *known == code).count(), 1, "{code} in `ENTRIES`");
    }
    for entry in ENTRIES {
        assert!(entry.meaning.ends_with('.') && entry.advice.ends_with('.'), "{}", entry.code);
    }
}
