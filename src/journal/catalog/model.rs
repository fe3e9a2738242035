//! What a catalogue says of a source system: the form of the files in `catalog/`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words::{Language, Title, Words};

/// One source system.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Value of the column `source`.
    pub source: String,
    /// The product's language.
    pub language: Language,
    /// The product.
    pub product: Product,
    /// Its logs.
    pub datasets: Vec<Dataset>,
    /// Its areas, with what can happen in them.
    pub modules: Vec<Module>,
    /// Its pages of a log.
    pub screens: Vec<Screen>,
    /// Buttons of its pages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Entry>,
    /// Kinds of actors that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actor_types: Vec<String>,
    /// Periods that it offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<Entry>,
    /// What it says of HTTP statuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_codes: Vec<StatusCode>,
    /// Meanings of values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueMeaning>,
    /// Whether 0 and 1 stand for off and on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switches: Option<Switches>,
    /// Meanings of keys inside changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyMeaning>,
    /// Names that it sends by mistake.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    /// Where it shows the history of an object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryPlace>,
    /// Types of objects that can be brought back after their deletion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restorable: Vec<String>,
    /// Types that cannot, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_restorable: Vec<NotRestorable>,
    /// Rights that it knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<Entry>,
    /// What depends on the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_limits: Vec<PlanLimit>,
    /// What one should know of its log: gaps, rules of visibility.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Entry>,
}

/// The product.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// The section with its log.
    pub section: Title,
    /// Way there through its menu.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub menu_path: Option<String>,
    /// Address of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_template: Option<String>,
    /// IANA zone that its times are shown in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A log of the product: value of the column `dataset`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// The value.
    pub id: String,
    /// Its name.
    pub title: Title,
    /// How long the product keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<String>,
    /// Where it is from, unless from the product's own document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// An area of the product: value of the column `module`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// The value.
    pub id: String,
    /// Its name.
    pub title: Title,
    /// A choice of the product's filter that stands for all modules.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pseudo: bool,
    /// What the product needs for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<String>,
    /// Format of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Values of `submodule`.
    pub submodules: Vec<Entry>,
    /// Parties that it talks to.
    pub peers: Vec<Peer>,
    /// What happens in it.
    pub event_types: Vec<EventType>,
    /// Where it is from, unless from the product's own document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Something with an id and a name.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: Title,
    /// Where it is from, unless from the product's own document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Another party.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its id.
    pub id: String,
    /// Its name: value of `peer_name`.
    pub name: String,
}

/// A kind of event: value of the column `event_type`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EventType {
    /// The value.
    pub id: String,
    /// Its name.
    pub title: Title,
    /// Value of `action`.
    pub action: String,
    /// Value of `object_type`.
    pub object_type: String,
    /// Columns, and paths of `attributes`, that it fills.
    pub fields: Vec<String>,
    /// Value of `submodule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submodule: Option<String>,
    /// Value of `outcome`, where it is always the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Value of `visibility`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// The product's own grouping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The type that it is a special case of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_of: Option<String>,
    /// Whether the deletion can be undone, where it differs from what holds of its object's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restorable: Option<bool>,
    /// Further values by which it is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, String>,
    /// What to know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where it is from, unless from the product's own document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A page of the product's log.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// Its id in URLs.
    pub id: String,
    /// Its name.
    pub title: Title,
    /// The log that it shows.
    pub dataset: String,
    /// The view of `sql/views` behind it.
    pub view: String,
    /// Columns in the product's order.
    pub columns: Vec<ScreenColumn>,
    /// Filters in the product's order.
    pub filters: Vec<ScreenFilter>,
    /// Period that it shows unless one is chosen; all time where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_period: Option<String>,
    /// Whether it begins with the oldest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub oldest_first: bool,
    /// What a row stands for, where that is not an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// Whether the product sorts it by its time in both directions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sortable: bool,
    /// What the product needs for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<String>,
    /// What to know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where it is from, unless from the product's own document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A column of a page.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScreenColumn {
    /// The product's id of it.
    pub id: String,
    /// Its heading.
    pub title: Title,
    /// Column of the view.
    pub column: String,
    /// Columns of the model, or paths of `attributes`, behind it.
    pub of: Vec<String>,
    /// The part of the page that shows it, where that is not the table itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Title>,
    /// Whether the product sorts by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sortable: bool,
    /// Where it is from, unless from the product's own document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A filter of a page.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScreenFilter {
    /// Its name in URLs.
    pub id: String,
    /// Its heading.
    pub title: Title,
    /// Fields that it looks at: one of them must fit.
    pub fields: Vec<String>,
    /// What it can ask: `is`, `in`, `is_not`, `not_in`, `contains`, `preset`, `on`, `between`.
    pub operators: Vec<String>,
    /// Choices with the conditions that each stands for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
    /// A condition that goes with it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
    /// Presets of a period.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<String>,
    /// Whether the product lacks it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
    /// What to know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where it is from, unless from the product's own document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What the product says of an HTTP status in one of its logs.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StatusCode {
    /// The log.
    pub dataset: String,
    /// The status.
    pub code: i32,
    /// The product's name of it.
    pub name: String,
    /// Value of `outcome`.
    pub outcome: String,
    /// What it means there.
    pub meaning: Words,
}

/// Meaning of a value.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ValueMeaning {
    /// Modules in which it holds; all where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// Column, or last part of a path; `*` is any.
    pub field: String,
    /// The value.
    pub value: String,
    /// What it means.
    pub meaning: Words,
    /// Keys that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

/// That 0 and 1 stand for off and on.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// Last parts of paths whose values are numbers all the same.
    pub numbers: Vec<String>,
}

/// Meaning of a key.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyMeaning {
    /// Modules in which it holds.
    pub modules: Vec<String>,
    /// The key; a `*` at its end stands for any rest.
    pub field: String,
    /// What it means.
    pub title: Title,
}

/// A name sent by mistake.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// As it is sent.
    pub sent: String,
    /// The column that it is.
    pub column: String,
}

/// Where the product shows the history of an object.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryPlace {
    /// Type of the object.
    pub object_type: String,
    /// The place.
    #[serde(rename = "where")]
    pub place: String,
}

/// A type whose deletion cannot be undone.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NotRestorable {
    /// The type.
    pub object_type: String,
    /// Why.
    pub reason: Title,
}

/// What depends on the plan.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PlanLimit {
    /// Its id.
    pub id: String,
    /// What it is.
    pub title: Title,
    /// Days back that the plan shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_max: Option<u32>,
    /// Where it is from, unless from the product's own document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}
