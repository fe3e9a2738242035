//! The files of `sql/` and `data/golden`: what everyone who adds one may rely on.
//!
//! That the SQL runs is tested over HTTP; this is what can be told from the text alone.

use std::collections::BTreeSet;
use std::path::Path;

const TYPES: [&str; 7] = ["text", "integer", "number", "boolean", "timestamp", "date", "text_list"];

/// One `-- param: name type [= default] | meaning` line.
#[derive(Debug)]
struct Param {
    name: String,
    kind: String,
    default: Option<String>,
}

#[derive(Debug, Default)]
struct SqlFile {
    name: String,
    title: String,
    description: String,
    params: Vec<Param>,
    body: String,
}

/// Every file with the extension in a directory of the project, as name without extension and text.
fn files(dir: &str, extension: &str) -> Vec<(String, String)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|found| found == extension) {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort();
    files
}

fn sql_files(dir: &str) -> Vec<SqlFile> {
    files(dir, "sql").into_iter().map(|(name, text)| parsed(name, &text)).collect()
}

#[track_caller]
fn parsed(name: String, text: &str) -> SqlFile {
    let mut file = SqlFile { name, ..SqlFile::default() };
    let (header, body): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("--"));
    file.body = body.join("\n");
    for line in header {
        if let Some(title) = line.strip_prefix("-- title: ") {
            file.title = title.to_owned();
        } else if let Some(description) = line.strip_prefix("-- description: ") {
            file.description = description.to_owned();
        } else if let Some(param) = line.strip_prefix("-- param: ") {
            file.params.push(param_of(&file.name, param));
        } else if let (Some(more), true) = (line.strip_prefix("--   "), file.params.is_empty()) {
            file.description.push(' ');
            file.description.push_str(more.trim());
        } else {
            panic!("{}: unknown header line: {line}", file.name);
        }
    }
    file
}

#[track_caller]
fn param_of(file: &str, text: &str) -> Param {
    let (declared, meaning) = text.split_once(" | ").unwrap_or_else(|| panic!("{file}: no meaning: {text}"));
    assert!(!meaning.trim().is_empty(), "{file}: {text}");
    let (named, default) = match declared.split_once(" = ") {
        Some((named, default)) => (named, Some(default.trim().to_owned())),
        None => (declared, None),
    };
    let (name, kind) = named.trim().split_once(' ').unwrap_or_else(|| panic!("{file}: no type: {text}"));
    Param { name: name.to_owned(), kind: kind.to_owned(), default }
}

/// Names after each `$` of the SQL.
fn placeholders(body: &str) -> BTreeSet<String> {
    let name = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    body.split('$').skip(1).map(name).collect()
}

/// Names of the tables that the SQL reads, without its own common table expressions.
fn tables(body: &str) -> BTreeSet<String> {
    let words: Vec<&str> = body.split_whitespace().collect();
    let own: BTreeSet<&str> =
        words.windows(3).filter(|three| three[1] == "AS" && three[2] == "(").map(|three| three[0]).collect();
    // `IS DISTINCT FROM` is a comparison.
    let reads = |three: &&[&str]| ["FROM", "JOIN"].contains(&three[1]) && three[0] != "DISTINCT" && three[2] != "(";
    let read = words.windows(3).filter(reads);
    read.map(|three| three[2].trim_end_matches([')', ',']))
        .filter(|table| !own.contains(table))
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn check_shape(file: &SqlFile) {
    let SqlFile { name, title, description, body, .. } = file;
    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{name}");
    assert!(title.len() > 3 && description.len() > 20, "{name}: title or description is missing");
    assert!(description.ends_with('.'), "{name}: the description is not a sentence");
    assert!(body.starts_with("SELECT") || body.starts_with("WITH"), "{name}: more than one query?");
    assert!(!body.contains(';') && !body.contains("--"), "{name}: one statement, comments in the header only");
    assert_eq!(body.matches('(').count(), body.matches(')').count(), "{name}: parentheses");
}

#[test]
fn named_queries_keep_the_header_contract() {
    let views: BTreeSet<String> = sql_files("sql/views").into_iter().map(|view| view.name).collect();
    let queries = sql_files("sql/queries");
    assert!(queries.len() >= 14, "only {} queries", queries.len());
    for query in &queries {
        check_shape(query);
        let declared: BTreeSet<String> = query.params.iter().map(|param| param.name.clone()).collect();
        assert_eq!(declared.len(), query.params.len(), "{}: a parameter is declared twice", query.name);
        assert_eq!(declared, placeholders(&query.body), "{}: declared and used parameters differ", query.name);
        for param in &query.params {
            check_default(&query.name, param);
        }
        for table in tables(&query.body) {
            assert!(table == "events" || views.contains(&table), "{}: there is no table `{table}`", query.name);
        }
    }
}

#[track_caller]
fn check_default(query: &str, param: &Param) {
    assert!(TYPES.contains(&param.kind.as_str()), "{query}: {param:?}");
    let Some(default) = &param.default else { return };
    let fits = default == "null"
        || match param.kind.as_str() {
            "integer" => default.parse::<i64>().is_ok(),
            "number" => default.parse::<f64>().is_ok(),
            "boolean" => default.parse::<bool>().is_ok(),
            "timestamp" => {
                default == "now"
                    || default.strip_prefix("now-").is_some_and(|ago| {
                        ago.ends_with(['m', 'h', 'd', 'w']) && ago[..ago.len() - 1].parse::<u32>().is_ok()
                    })
            }
            _ => !default.is_empty(),
        };
    assert!(fits, "{query}: {param:?}");
}

#[test]
fn every_range_of_time_is_half_open() {
    for query in sql_files("sql/queries") {
        let has = |name: &str| query.params.iter().any(|param| param.name == name);
        assert_eq!(has("from"), has("to"), "{}: half a range", query.name);
        if has("from") {
            assert!(query.body.contains(">= $from") && query.body.contains("< $to"), "{}", query.name);
        }
    }
}

#[test]
fn views_are_one_select_over_events_without_parameters() {
    let views = sql_files("sql/views");
    assert!(views.len() >= 8, "only {} views", views.len());
    for view in &views {
        check_shape(view);
        assert!(view.params.is_empty() && placeholders(&view.body).is_empty(), "{}: a parameter", view.name);
        assert_eq!(tables(&view.body), BTreeSet::from(["events".to_owned()]), "{}", view.name);
        assert!(!view.body.contains("ORDER BY event_time DESC"), "{}: order belongs to the query", view.name);
    }
}

#[test]
fn lines_are_short_and_end_clean() {
    for dir in ["sql/queries", "sql/views"] {
        for (name, text) in files(dir, "sql") {
            assert!(text.ends_with('\n') && !text.ends_with("\n\n") && !text.contains('\t'), "{name}");
            for line in text.lines() {
                assert!(line.chars().count() <= 120 && line.trim_end() == line, "{name}: {line}");
            }
        }
    }
}

/// Golden data is published: it may hold nothing that belongs to anybody.
#[test]
fn golden_journals_hold_fifteen_events_each_of_reserved_names() {
    let journals = files("data/golden", "ndjson");
    assert_eq!(journals.len(), 5);
    for (source, text) in journals {
        let events: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 15, "{source}");
        let keys: BTreeSet<String> = events.iter().map(|e| format!("{} {}", e["dataset"], e["event_id"])).collect();
        assert_eq!(keys.len(), 15, "{source}: an id stands twice");
        for event in &events {
            assert_eq!(event["source"], source.as_str());
            check_address(event["client_address"].as_str());
        }
        for host in text.split("://").skip(1).chain(text.split('@').skip(1)) {
            let host: String = host.chars().take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c)).collect();
            assert!(host.ends_with(".example") || host == "example.com", "{source}: {host}");
        }
    }
}

/// Addresses are those set aside for documentation (RFC 5737).
#[track_caller]
fn check_address(address: Option<&str>) {
    let Some(address) = address else { return };
    assert!(["192.0.2.", "198.51.100.", "203.0.113."].iter().any(|net| address.starts_with(net)), "{address}");
}
