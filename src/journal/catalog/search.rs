//! Search in all catalogues and dictionaries: ids, titles, keys, values and their meanings.

use serde::Serialize;
use serde_json::{Value, json};

use super::explain::{common, sms_errors, statuses};
use super::model::{Module, Screen, ValueMeaning};
use super::words::{Language, Title, Words};
use super::{Catalog, CatalogError, catalogs};

/// Most hits of one answer.
const HITS_MAX: usize = 500;

/// Longest search, in characters.
const QUERY_MAX: usize = 200;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// Words, each of which a hit must have.
    words: Vec<String>,
    language: Language,
    limit: usize,
}

/// What was found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// All hits, also those beyond the limit.
    pub total: usize,
    /// The first of them, in the order of the catalogues.
    pub hits: Vec<Value>,
}

impl Search {
    /// Checks a search.
    ///
    /// # Errors
    /// No words, too long a text, a limit out of range.
    pub fn new(text: &str, language: Language, limit: Option<usize>) -> Result<Self, CatalogError> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() || text.chars().count() > QUERY_MAX {
            return Err(CatalogError::Search(format!("`q` has 1 to {QUERY_MAX} characters that are not all blank")));
        }
        let limit = limit.unwrap_or(100);
        if !(1..=HITS_MAX).contains(&limit) {
            return Err(CatalogError::Search(format!("`limit` is 1 to {HITS_MAX}")));
        }
        Ok(Self { words, language, limit })
    }
}

/// Looks through all catalogues.
#[must_use]
pub fn search(search: &Search) -> Found {
    let mut hits = Hits { search, found: Found { total: 0, hits: Vec::new() } };
    for catalog in catalogs() {
        in_catalog(&mut hits, catalog);
    }
    let own = search.language.or(Language::En);
    let source = None;
    for status in &statuses().codes {
        let code = status.code.to_string();
        hits.meaning(
            &Row { source, kind: "http_status", id: &code, more: json!({"name": status.name}) },
            &status.meaning,
            own,
        );
    }
    for known in &sms_errors().codes {
        let row = Row { source, kind: "sms_error", id: &known.codes[0], more: json!({"scheme": known.scheme}) };
        hits.meaning(&row, &known.meaning, own);
    }
    for known in &common().values {
        hits.value(None, known, own);
    }
    hits.found
}

fn in_catalog(hits: &mut Hits<'_>, catalog: &'static Catalog) {
    let source = Some(catalog);
    hits.title(
        &Row { source, kind: "source", id: &catalog.source, more: json!({"name": catalog.product.name}) },
        &catalog.product.section,
    );
    for dataset in &catalog.datasets {
        hits.title(&Row { source, kind: "dataset", id: &dataset.id, more: Value::Null }, &dataset.title);
    }
    for module in &catalog.modules {
        in_module(hits, catalog, module);
    }
    for screen in &catalog.screens {
        in_screen(hits, catalog, screen);
    }
    let language = hits.search.language.or(catalog.language);
    for status in &catalog.status_codes {
        let more = json!({"dataset": status.dataset, "name": status.name});
        let row = Row { source, kind: "status_code", id: &status.code.to_string(), more };
        hits.meaning(&row, &status.meaning, language);
    }
    for value in &catalog.values {
        hits.value(source, value, language);
    }
    for key in &catalog.keys {
        hits.title(&Row { source, kind: "key", id: &key.field, more: json!({"modules": key.modules}) }, &key.title);
    }
    let lists = [
        ("action", &catalog.actions),
        ("preset", &catalog.presets),
        ("permission", &catalog.permissions),
        ("note", &catalog.notes),
    ];
    for (kind, entries) in lists {
        for entry in entries {
            hits.title(&Row { source, kind, id: &entry.id, more: Value::Null }, &entry.title);
        }
    }
    for limit in &catalog.plan_limits {
        hits.title(&Row { source, kind: "plan_limit", id: &limit.id, more: Value::Null }, &limit.title);
    }
}

fn in_module(hits: &mut Hits<'_>, catalog: &'static Catalog, module: &'static Module) {
    let source = Some(catalog);
    hits.title(&Row { source, kind: "module", id: &module.id, more: Value::Null }, &module.title);
    let within = json!({"module": module.id});
    for submodule in &module.submodules {
        hits.title(&Row { source, kind: "submodule", id: &submodule.id, more: within.clone() }, &submodule.title);
    }
    for peer in &module.peers {
        let title = Title { original: peer.name.clone(), en: peer.name.clone() };
        hits.title(&Row { source, kind: "peer", id: &peer.id, more: within.clone() }, &title);
    }
    for event in &module.event_types {
        let more = json!({"module": module.id, "action": event.action, "object_type": event.object_type, "detail": event.detail});
        hits.title(&Row { source, kind: "event_type", id: &event.id, more }, &event.title);
    }
}

fn in_screen(hits: &mut Hits<'_>, catalog: &'static Catalog, screen: &'static Screen) {
    let source = Some(catalog);
    hits.title(&Row { source, kind: "screen", id: &screen.id, more: Value::Null }, &screen.title);
    for column in &screen.columns {
        let more = json!({"screen": screen.id, "column": column.column});
        hits.title(&Row { source, kind: "column", id: &column.id, more }, &column.title);
    }
    for filter in &screen.filters {
        let more = json!({"screen": screen.id, "fields": filter.fields});
        hits.title(&Row { source, kind: "filter", id: &filter.id, more }, &filter.title);
    }
}

/// One thing that may be a hit.
struct Row<'a> {
    source: Option<&'static Catalog>,
    kind: &'static str,
    id: &'a str,
    /// Further members, which are searched as well.
    more: Value,
}

struct Hits<'a> {
    search: &'a Search,
    found: Found,
}

impl Hits<'_> {
    fn title(&mut self, row: &Row<'_>, title: &Title) {
        let own = row.source.map_or(Language::En, |catalog| catalog.language);
        let text = title.text(self.search.language, own).to_owned();
        let shown = json!({"title": {"original": title.original, "en": title.en, "text": text}});
        self.add(row, &[&title.original, &title.en], shown);
    }

    fn meaning(&mut self, row: &Row<'_>, words: &Words, language: Language) {
        let shown = json!({"meaning": {"pl": words.pl, "ru": words.ru, "en": words.en, "text": words.text(language)}});
        self.add(row, &[&words.pl, &words.ru, &words.en], shown);
    }

    fn value(&mut self, source: Option<&'static Catalog>, known: &ValueMeaning, language: Language) {
        let more = json!({"field": known.field, "modules": known.modules, "keys": known.keys});
        self.meaning(&Row { source, kind: "value", id: &known.value, more }, &known.meaning, language);
    }

    fn add(&mut self, row: &Row<'_>, texts: &[&str], shown: Value) {
        let mut all = format!("{} {}", row.id, texts.join(" ")).to_lowercase();
        collect(&row.more, &mut all);
        if !self.search.words.iter().all(|word| all.contains(word)) {
            return;
        }
        self.found.total += 1;
        if self.found.hits.len() >= self.search.limit {
            return;
        }
        let mut hit = json!({"source": row.source.map(|catalog| &catalog.source), "kind": row.kind, "id": row.id});
        if let Some(members) = hit.as_object_mut() {
            for part in [&row.more, &shown] {
                members.extend(part.as_object().cloned().unwrap_or_default());
            }
        }
        self.found.hits.push(hit);
    }
}

/// The texts inside `value`, in lower case.
fn collect(value: &Value, all: &mut String) {
    match value {
        Value::String(text) => {
            all.push(' ');
            all.push_str(&text.to_lowercase());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, all)),
        Value::Object(members) => members.values().for_each(|member| collect(member, all)),
        _ => {}
    }
}
