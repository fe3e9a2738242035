//! The table of cases: how it is read, and what bodies it describes.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::Deserialize;

/// `cases.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    #[serde(rename = "case")]
    pub(super) cases: Vec<Case>,
    pub(super) elsewhere: Vec<Elsewhere>,
    pub(super) absent: Vec<Absent>,
}

/// A row that has tests of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Elsewhere {
    pub(super) row: u32,
    /// As `file::name`, or `folder/file::name`.
    pub(super) tests: Vec<String>,
}

/// A row, or a part of one, for which nothing exists yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Absent {
    pub(super) row: u32,
    pub(super) reason: String,
}

/// One request; the head of `cases.toml` says what each field means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) row: u32,
    pub(super) name: String,
    path: Option<String>,
    #[serde(default = "post")]
    pub(super) method: String,
    #[serde(rename = "type", default = "ndjson")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    pub(super) key: Option<String>,
    pub(super) before: Option<Vec<Part>>,
    #[serde(default)]
    body: Vec<Part>,
    sql: Option<String>,
    params: Option<String>,
    params_repeat: Option<usize>,
    format: Option<String>,
    #[serde(default)]
    pub(super) coding: Vec<String>,
    #[serde(default)]
    cut: usize,
    pub(super) status: u16,
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) hint: bool,
    #[serde(default)]
    pub(super) accepted: u64,
    #[serde(default)]
    pub(super) rejected: u64,
    #[serde(default)]
    pub(super) duplicates: u64,
    #[serde(default)]
    pub(super) errors: BTreeMap<String, u64>,
    #[serde(default)]
    pub(super) remarks: BTreeMap<String, u64>,
    pub(super) stored: Option<u64>,
    #[serde(default)]
    pub(super) says: Vec<String>,
    #[serde(default)]
    pub(super) silent: Vec<String>,
    #[serde(default)]
    pub(super) rows: Vec<(String, String)>,
}

/// A piece of a body.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Part {
    Text(String),
    Repeat {
        repeat: String,
        times: usize,
        /// Stands behind each but the last; a line's end where nothing is said, then also behind the last.
        join: Option<String>,
    },
    Hex {
        hex: String,
    },
}

fn post() -> String {
    "POST".into()
}

fn ndjson() -> String {
    "application/x-ndjson".into()
}

impl Table {
    pub(super) fn read() -> Self {
        toml::from_str(include_str!("cases.toml")).unwrap_or_else(|error| panic!("cases.toml: {error}"))
    }

    /// Number of cases by row.
    pub(super) fn by_row(&self) -> BTreeMap<u32, usize> {
        let mut rows = BTreeMap::new();
        for case in &self.cases {
            *rows.entry(case.row).or_default() += 1;
        }
        rows
    }
}

impl Case {
    pub(super) fn path(&self) -> &str {
        let default = if self.sql.is_some() { "/api/v1/query" } else { "/api/v1/events" };
        self.path.as_deref().unwrap_or(default)
    }

    /// Whether the answer tells what became of events.
    pub(super) fn is_receipt(&self) -> bool {
        self.status == 200 && self.path().starts_with("/api/v1/events")
    }

    /// The body of a question.
    pub(super) fn question(&self) -> Option<String> {
        let mut body = serde_json::json!({ "sql": self.sql.as_ref()? });
        if let Some(params) = &self.params {
            body["params"] = serde_json::from_str(params).unwrap();
        }
        if let Some(times) = self.params_repeat {
            body["params"] = vec![1; times].into();
        }
        if let Some(format) = &self.format {
            body["format"] = format.as_str().into();
        }
        Some(body.to_string())
    }

    /// The body as it is sent.
    pub(super) fn packed(&self) -> Vec<u8> {
        let mut bytes = bytes(&self.body);
        for coding in &self.coding {
            bytes = packed(coding, &bytes);
        }
        bytes.truncate(bytes.len() - self.cut);
        bytes
    }
}

pub(in super::super) fn packed(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let fast = flate2::Compression::fast();
    match coding {
        "gzip" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), fast);
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        "gzip-members" => {
            // In the middle of a line.
            let (first, second) = bytes.split_at(bytes.len() / 2);
            [packed("gzip", first), packed("gzip", second)].concat()
        }
        "deflate" => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), fast);
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        "zstd" => zstd::encode_all(bytes, 1).unwrap(),
        other => panic!("no coding `{other}`"),
    }
}

/// The bytes that parts describe.
pub(super) fn bytes(parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Hex { hex } => {
                let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
                out.extend(digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
            }
            Part::Repeat { repeat, times, join } => {
                let counts = repeat.contains('{');
                for n in 0..*times {
                    if n > 0 {
                        out.extend_from_slice(join.as_deref().unwrap_or("\n").as_bytes());
                    }
                    if counts {
                        let day = (n * 86_400).to_string();
                        let text = repeat.replace("{n}", &n.to_string()).replace("{day}", &day);
                        out.extend_from_slice(text.as_bytes());
                    } else {
                        out.extend_from_slice(repeat.as_bytes());
                    }
                }
                if join.is_none() {
                    out.push(b'\n');
                }
            }
        }
    }
    out
}

/// All source files, by path.
pub(super) struct Sources(Vec<(String, String)>);

pub(super) fn sources() -> Sources {
    fn walk(dir: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    walk(&root.join("tests"), &mut found);
    Sources(found)
}

impl Sources {
    /// Whether the file of `file::name` has a test of that name.
    pub(super) fn has_test(&self, test: &str) -> bool {
        let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("`{test}` is no `file::name`"));
        let (suffix, signature) = (format!("/{file}.rs"), format!("fn {name}("));
        self.0.iter().filter(|(path, _)| path.ends_with(&suffix)).any(|(_, text)| {
            text.match_indices(&signature).any(|(at, _)| {
                let before = text[..at].trim_end().trim_end_matches("async").trim_end();
                before.ends_with(']') && before.rsplit("#[").next().is_some_and(|attribute| attribute.contains("test"))
            })
        })
    }
}
