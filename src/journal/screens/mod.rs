//! The pages of the source systems' own logs: each a view of `sql/views`, asked with the filters of that page
//! under the product's names, in its order, with its default period and zone.
//!
//! ```text
//! site=site-2&period=today ─▶ {"unit_id": ["site-2"], "period": "today", "tz": "Europe/Warsaw"} ─▶ SQL over the view
//! ```
//!
//! Views keep the names of the model's columns for whatever their page filters by, so that a [`Selection`] holds
//! over them as over `events`.

mod cursor;
mod error;
mod filters;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub use error::ScreenError;

use self::cursor::Cursor;
use super::catalog::{Catalog, Language, Screen, catalogs, language};
use super::{Selection, Statement, Values};

/// Rows of a page unless fewer or more are asked for.
const LIMIT: usize = 50;
/// Most rows of a page.
const LIMIT_MAX: usize = 1_000;

/// What is asked of a page.
#[derive(Debug)]
pub struct Asked {
    catalog: &'static Catalog,
    screen: &'static Screen,
    selection: Selection,
    oldest_first: bool,
    limit: usize,
    cursor: Option<Cursor>,
    language: Language,
    /// Whether the SQL is wanted instead of the rows.
    pub explain: bool,
}

/// All pages with their filters and columns.
///
/// # Errors
/// A language that is none of ours.
pub fn list(lang: Option<&str>) -> Result<Value, ScreenError> {
    let language = language(lang)?;
    let mut all = Vec::new();
    for catalog in catalogs() {
        for screen in &catalog.screens {
            let mut value = serde_json::to_value(screen)?;
            super::catalog::add_texts(&mut value, language, catalog.language);
            value["source"] = json!(catalog.source);
            value["zone"] = json!(catalog.product.zone);
            value["url"] = json!(format!("/api/v1/screens/{}/{}", catalog.source, screen.id));
            all.push(value);
        }
    }
    Ok(json!({"screens": all}))
}

impl Asked {
    /// Reads the parameters of a request for the page `screen` of `source`, as of `now`.
    ///
    /// # Errors
    /// No such page; a parameter that the page does not have, or a value that it cannot take.
    pub fn read(
        source: &str,
        screen: &str,
        given: Vec<(String, String)>,
        now: DateTime<Utc>,
    ) -> Result<Self, ScreenError> {
        let catalog = super::catalog::of(source)?;
        let screen = catalog.screen(screen).ok_or_else(|| ScreenError::no_screen(catalog, screen))?;
        let mut own = Own::default();
        let mut filters = filters::Filters::new(screen);
        for (name, value) in given {
            if !own.take(&name, &value)? {
                filters.add(&name, value)?;
            }
        }
        let zone = catalog.product.zone.as_deref();
        // The views have what their page shows, also of the events that only their object shows.
        let selection = Selection { of_object: true, ..Selection::from_json(&filters.selection(zone)?, now)? };
        let oldest_first = own.oldest_first.unwrap_or(screen.oldest_first);
        let cursor = own.cursor.map(|text| Cursor::read(&text, screen.per.is_some(), oldest_first)).transpose()?;
        Ok(Self {
            catalog,
            screen,
            selection,
            oldest_first,
            limit: own.limit.unwrap_or(LIMIT),
            cursor,
            language: own.language,
            explain: own.explain,
        })
    }

    /// The SQL of the page: one row more than is shown, which tells whether there are more. Free text is not looked
    /// for in `hidden` columns.
    ///
    /// # Errors
    /// A value that a filter cannot take.
    pub fn statement(&self, hidden: &[String]) -> Result<Statement, ScreenError> {
        let mut values = Values::default();
        let mut condition = self.selection.condition(&mut values, hidden)?;
        if let Some(cursor) = &self.cursor {
            condition = format!("{condition} AND {}", cursor.condition(self.tie_columns(), &mut values));
        }
        let direction = if self.oldest_first { "ASC" } else { "DESC" };
        let order: Vec<String> = std::iter::once("event_time")
            .chain(self.tie_columns().iter().copied())
            .map(|column| format!("{column} {direction}"))
            .collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {condition} ORDER BY {} LIMIT {}",
            self.names().join(", "),
            self.screen.view,
            order.join(", "),
            self.limit + 1
        );
        Ok(Statement::new(sql, values))
    }

    /// Columns that make the order total.
    fn tie_columns(&self) -> &'static [&'static str] {
        if self.screen.per.is_some() { &["tenant_id", "task_id"] } else { &["_seq"] }
    }

    /// Columns of the answer: the page's, then those by which a row is found again.
    fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = Vec::new();
        let keys: &[&str] = if self.screen.per.is_some() {
            &["tenant_id", "task_id", "event_time"]
        } else {
            &["tenant_id", "event_id", "event_time", "_seq"]
        };
        let shown = self.screen.columns.iter().map(|column| column.column.as_str());
        for name in shown.chain(keys.iter().copied()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The page as it is answered: headings in the product's language and English, rows, the cursor of the next page.
    ///
    /// `answer` is what the statement gave, as a query's JSON answer; `hidden` columns are NULL in it, which is said.
    ///
    /// # Errors
    /// The answer is not one of the statement.
    pub fn page(&self, mut answer: Value, hidden: &[String]) -> Result<Value, ScreenError> {
        let mut rows = match answer["rows"].take() {
            Value::Array(rows) => rows,
            _ => return Err(ScreenError::Answer),
        };
        let more = rows.len() > self.limit || answer["truncated"] == true;
        rows.truncate(self.limit);
        let at = |name: &str| self.names().iter().position(|known| *known == name).unwrap_or_default();
        let next = match rows.last().filter(|_| more) {
            None => None,
            Some(row) => {
                let ties = self.tie_columns().iter().map(|column| &row[at(column)]);
                Some(Cursor::after(&row[at("event_time")], ties, self.oldest_first)?.to_text())
            }
        };
        let mut page = json!({
            "source": self.catalog.source,
            "screen": self.screen.id,
            "title": self.screen.title,
            "zone": self.catalog.product.zone,
            "columns": self.columns(&answer["schema"], hidden),
            "rows": rows,
            "next": next,
        });
        super::catalog::add_texts(&mut page["title"], self.language, self.catalog.language);
        super::catalog::add_texts(&mut page["columns"], self.language, self.catalog.language);
        Ok(page)
    }

    /// Headings of the columns, with their types from the answer.
    fn columns(&self, schema: &Value, hidden: &[String]) -> Vec<Value> {
        let kind = |at: usize| &schema[at]["type"];
        let heading = |(at, name): (usize, &'static str)| {
            // One column of the view may stand under two headings of the page.
            let masked = hidden.iter().any(|hidden| hidden == name);
            let shown: Vec<_> = self.screen.columns.iter().filter(|column| column.column == name).collect();
            match shown.first() {
                Some(column) => json!({"id": column.id, "column": name, "type": kind(at), "title": column.title,
                    "group": column.group, "key": false, "masked": masked}),
                None => {
                    json!({"id": name, "column": name, "type": kind(at), "title": null, "group": null, "key": true, "masked": masked})
                }
            }
        };
        self.names().into_iter().enumerate().map(heading).collect()
    }
}

/// Parameters that every page takes.
#[derive(Debug, Default)]
struct Own {
    limit: Option<usize>,
    cursor: Option<String>,
    oldest_first: Option<bool>,
    language: Language,
    explain: bool,
}

impl Own {
    /// Names of them, for messages.
    const NAMES: &'static str = "period, from, to, tz, order, limit, cursor, lang, explain";

    /// Takes a parameter, if it is one of these.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, ScreenError> {
        match name {
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
                self.limit = Some(limit.ok_or_else(|| ScreenError::value(name, format!("is 1 to {LIMIT_MAX}")))?);
            }
            "cursor" => self.cursor = Some(value.to_owned()),
            "order" => {
                self.oldest_first = Some(match value {
                    "asc" => true,
                    "desc" => false,
                    _ => return Err(ScreenError::value(name, "is `asc` (oldest first) or `desc`")),
                });
            }
            "lang" => self.language = language(Some(value))?,
            "explain" if value == "sql" => self.explain = true,
            "explain" => return Err(ScreenError::value(name, "is `sql`")),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
