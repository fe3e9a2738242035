//! Catalogues of the source systems: what each product calls its modules, kinds of events, filters, columns
//! and values, in its own language and in English. One file a product in `catalog/`, embedded.
//!
//! A catalogue describes and never restricts: events of unknown modules and types are taken in everywhere;
//! [`known`] tells which they are.

mod explain;
mod model;
mod search;
mod words;

use std::sync::LazyLock;

use serde_json::{Value, json};
use thiserror::Error;

use crate::error::{Kind, Report};
use crate::query::nearest;

pub use explain::{Explained, ExplainedSms, explain_key, explain_sms, explain_status, explain_value};
pub use model::{Catalog, EventType, Module, Screen, ScreenColumn, ScreenFilter};
pub use search::{Found, Search, search};
pub use words::{Language, Title, Words, add_texts};

/// Embeds files of `catalog/` by name.
macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        [$(include_str!(concat!("../../../catalog/", $name, ".json"))),*]
    };
}

static CATALOGS: LazyLock<Vec<Catalog>> = LazyLock::new(|| {
    let files = embed!["idosell", "expertsender", "remonline", "getcourse", "voucherify"];
    files.iter().map(|text| serde_json::from_str(text).expect("embedded catalogues are read by a test")).collect()
});

/// What is asked of a catalogue that has no such thing.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// No catalogue of that source.
    #[error("there is no catalogue of `{0}`")]
    UnknownSource(String),
    /// No such language.
    #[error("{0}")]
    Language(String),
    /// A search without words, or for too much.
    #[error("{0}")]
    Search(String),
}

impl Report for CatalogError {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownSource(_) => Kind::NotFound,
            Self::Language(_) | Self::Search(_) => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UnknownSource(_) => "catalog_not_found",
            Self::Language(_) | Self::Search(_) => "invalid_parameter",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownSource(asked) => {
                let names: Vec<&str> = catalogs().iter().map(|catalog| catalog.source.as_str()).collect();
                let near = nearest(asked, names.iter().copied()).map(|near| format!("did you mean `{near}`? "));
                Some(format!("{}there are catalogues of {}", near.unwrap_or_default(), names.join(", ")))
            }
            Self::Language(_) => None,
            Self::Search(_) => Some("`?q=broadcast_type` finds ids, titles, keys and values".into()),
        }
    }
}

/// All catalogues.
#[must_use]
pub fn catalogs() -> &'static [Catalog] {
    &CATALOGS
}

/// The catalogue of a source.
///
/// # Errors
/// There is none.
pub fn of(source: &str) -> Result<&'static Catalog, CatalogError> {
    find(source).ok_or_else(|| CatalogError::UnknownSource(source.to_owned()))
}

fn find(source: &str) -> Option<&'static Catalog> {
    CATALOGS.iter().find(|catalog| catalog.source == source)
}

/// The language that `lang` names.
///
/// # Errors
/// It names none of ours.
pub fn language(asked: Option<&str>) -> Result<Language, CatalogError> {
    asked.map_or(Ok(Language::default()), |text| text.parse().map_err(CatalogError::Language))
}

/// The list of sources with the counts of what is known of each.
#[must_use]
pub fn overview(language: Language) -> Value {
    let one = |catalog: &Catalog| {
        let event_types: usize = catalog.modules.iter().map(|module| module.event_types.len()).sum();
        let screens: Vec<&str> = catalog.screens.iter().map(|screen| screen.id.as_str()).collect();
        let mut value = json!({
            "source": catalog.source,
            "product": catalog.product,
            "language": catalog.language,
            "datasets": catalog.datasets.len(),
            "modules": catalog.modules.iter().filter(|module| !module.pseudo).count(),
            "event_types": event_types,
            "values": catalog.values.len(),
            "screens": screens,
        });
        add_texts(&mut value, language, catalog.language);
        value
    };
    json!({"sources": CATALOGS.iter().map(one).collect::<Vec<_>>()})
}

impl Catalog {
    /// The whole catalogue as JSON, with a `text` in `language` beside each title and meaning.
    ///
    /// # Errors
    /// None that a test would not have found.
    pub fn document(&self, language: Language) -> Result<Value, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        add_texts(&mut value, language, self.language);
        Ok(value)
    }

    /// The module of that id.
    #[must_use]
    pub fn module(&self, id: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.id == id)
    }

    /// The screen of that id.
    #[must_use]
    pub fn screen(&self, id: &str) -> Option<&Screen> {
        self.screens.iter().find(|screen| screen.id == id)
    }

    /// The kind of event of that id, with its module.
    #[must_use]
    pub fn event_type(&self, id: &str) -> Option<(&Module, &EventType)> {
        self.modules.iter().find_map(|module| Some((module, module.event_types.iter().find(|event| event.id == id)?)))
    }
}

/// How much of an event the catalogues know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing: there is no catalogue of its source.
    Nothing,
    /// Its source.
    Source,
    /// Its source and module.
    Module,
    /// Its source and kind of event.
    EventType,
}

/// How much of an event the catalogues know. What they do not know is taken in all the same.
#[must_use]
pub fn known(source: &str, module: Option<&str>, event_type: &str) -> Known {
    let Some(catalog) = find(source) else { return Known::Nothing };
    if catalog.event_type(event_type).is_some() {
        return Known::EventType;
    }
    match module.and_then(|module| catalog.module(module)) {
        Some(_) => Known::Module,
        None => Known::Source,
    }
}

/// Whether a deleted object can be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restorable {
    /// The product does that.
    Yes,
    /// It does not, and says why.
    No(&'static Title),
    /// The catalogues say nothing of it.
    Unknown,
}

/// Whether the product brings deleted objects of this type back.
#[must_use]
pub fn restorable(source: &str, object_type: &str) -> Restorable {
    let Some(catalog) = find(source) else { return Restorable::Unknown };
    if let Some(not) = catalog.not_restorable.iter().find(|not| not.object_type == object_type) {
        return Restorable::No(&not.reason);
    }
    match catalog.restorable.iter().any(|kind| kind == object_type) {
        true => Restorable::Yes,
        false => Restorable::Unknown,
    }
}

#[cfg(test)]
mod tests;
