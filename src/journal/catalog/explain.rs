//! What a status, an error code or a value means, in three languages.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::ValueMeaning;
use super::words::{Language, Title, Words};
use super::{Catalog, find};

static STATUSES: LazyLock<Statuses> = LazyLock::new(|| read(include_str!("../../../catalog/http_status.json")));
static SMS: LazyLock<SmsErrors> = LazyLock::new(|| read(include_str!("../../../catalog/sms_errors.json")));
static COMMON: LazyLock<Common> = LazyLock::new(|| read(include_str!("../../../catalog/common.json")));

fn read<T: for<'a> Deserialize<'a>>(text: &'static str) -> T {
    serde_json::from_str(text).expect("embedded dictionaries are read by a test")
}

/// HTTP statuses, and what their hundreds mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statuses {
    pub(super) codes: Vec<Status>,
    classes: Vec<Class>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Status {
    pub(super) code: i32,
    pub(super) name: String,
    pub(super) meaning: Words,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    class: i32,
    meaning: Words,
}

/// Error codes of short messages, by the standards that number them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SmsErrors {
    pub(super) schemes: Vec<Scheme>,
    pub(super) codes: Vec<SmsCode>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scheme {
    pub(super) id: String,
    pub(super) title: Title,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SmsCode {
    pub(super) scheme: String,
    /// Ways to write it.
    pub(super) codes: Vec<String>,
    pub(super) meaning: Words,
}

/// Values that mean the same in every source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Common {
    pub(super) values: Vec<ValueMeaning>,
    switches: Vec<Switch>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    values: Vec<String>,
    meaning: Words,
}

pub(super) fn statuses() -> &'static Statuses {
    &STATUSES
}

pub(super) fn sms_errors() -> &'static SmsErrors {
    &SMS
}

pub(super) fn common() -> &'static Common {
    &COMMON
}

/// What an HTTP status means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The status.
    pub code: i32,
    /// Its registered name; none for a number that nobody registered.
    pub name: Option<&'static str>,
    /// What it means in general.
    pub meaning: &'static str,
    /// What the product calls it in this log, as it spells it.
    pub source_name: Option<&'static str>,
    /// What the product says of it in this log.
    pub source_meaning: Option<&'static str>,
}

/// What an HTTP status means in general, and what the source says of it in this dataset; `None` for a number
/// that is no status.
#[must_use]
pub fn explain_status(source: &str, dataset: &str, code: i32, language: Language) -> Option<Explained> {
    let class = STATUSES.classes.iter().find(|class| class.class == code / 100)?;
    let registered = STATUSES.codes.iter().find(|status| status.code == code);
    let catalog = find(source);
    let language = language.or(catalog.map_or(Language::En, |catalog| catalog.language));
    let own = catalog.and_then(|catalog| {
        catalog.status_codes.iter().find(|status| status.code == code && status.dataset == dataset)
    });
    Some(Explained {
        code,
        name: registered.map(|status| status.name.as_str()),
        meaning: registered.map_or(&class.meaning, |status| &status.meaning).text(language),
        source_name: own.map(|status| status.name.as_str()),
        source_meaning: own.map(|status| status.meaning.text(language)),
    })
}

/// What an error code of a short message means by one of the standards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedSms {
    /// The standard's short name.
    pub scheme: &'static str,
    /// The standard.
    pub title: &'static str,
    /// What it says.
    pub meaning: &'static str,
}

/// What an error code of a short message means. Gateways number their errors as they like: a code that no
/// standard has means only what the gateway itself said (the event's `error_message`).
#[must_use]
pub fn explain_sms(source: &str, code: &str, language: Language) -> Vec<ExplainedSms> {
    let language = language.or(find(source).map_or(Language::En, |catalog| catalog.language));
    let code = code.trim();
    let fits = |known: &&SmsCode| known.codes.iter().any(|written| written.eq_ignore_ascii_case(code));
    let explained = |known: &'static SmsCode| {
        let scheme = SMS.schemes.iter().find(|scheme| scheme.id == known.scheme)?;
        let meaning = known.meaning.text(language);
        Some(ExplainedSms { scheme: &scheme.id, title: &scheme.title.en, meaning })
    };
    SMS.codes.iter().filter(fits).filter_map(explained).collect()
}

/// What a value means: of a column, or of a path inside a change or `attributes`.
///
/// `value` is JSON text or plain text. Of a list, each item is explained; those without a meaning stay as
/// they are.
#[must_use]
pub fn explain_value(
    source: &str,
    module: Option<&str>,
    path: &str,
    value: &str,
    language: Language,
) -> Option<String> {
    let catalog = find(source);
    let language = language.or(catalog.map_or(Language::En, |catalog| catalog.language));
    let one = |plain: &str| meaning(catalog, module, path, plain).map(|words| words.text(language).to_owned());
    match serde_json::from_str::<Value>(value) {
        Ok(Value::String(text)) => one(&text),
        Ok(Value::Array(items)) => {
            let items: Vec<String> =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect();
            let explained: Vec<Option<String>> = items.iter().map(|item| one(item)).collect();
            let any = explained.iter().any(Option::is_some);
            let texts = explained.into_iter().zip(items).map(|(known, item)| known.unwrap_or(item));
            any.then(|| texts.collect::<Vec<_>>().join(", "))
        }
        _ => one(value),
    }
}

/// What a key inside a change or `attributes` means; by the last part of its path.
#[must_use]
pub fn explain_key(source: &str, module: Option<&str>, path: &str, language: Language) -> Option<&'static str> {
    let catalog = find(source)?;
    let fits = |field: &str| match field.strip_suffix('*') {
        Some(start) => last(path).starts_with(start),
        None => is_at(field, path),
    };
    let known = catalog.keys.iter().find(|key| holds_in(&key.modules, module) && fits(&key.field))?;
    Some(known.title.text(language, catalog.language))
}

fn meaning(catalog: Option<&'static Catalog>, module: Option<&str>, path: &str, value: &str) -> Option<&'static Words> {
    let fits = |known: &&ValueMeaning| {
        known.value == value && holds_in(&known.modules, module) && (known.field == "*" || is_at(&known.field, path))
    };
    let own = catalog.and_then(|catalog| catalog.values.iter().find(fits));
    if let Some(known) = own.or_else(|| COMMON.values.iter().find(|known| known.field == path && fits(known))) {
        return Some(&known.meaning);
    }
    let switches = catalog?.switches.as_ref()?;
    if switches.numbers.iter().any(|number| number == last(path)) {
        return None;
    }
    let fits = |known: &&Switch| known.values.iter().any(|written| written == value);
    COMMON.switches.iter().find(fits).map(|known| &known.meaning)
}

fn holds_in(modules: &[String], module: Option<&str>) -> bool {
    modules.is_empty() || module.is_some_and(|module| modules.iter().any(|known| known == module))
}

/// Whether `path` is `field` or ends with it.
fn is_at(field: &str, path: &str) -> bool {
    path.strip_suffix(field).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
