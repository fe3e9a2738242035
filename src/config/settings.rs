//! Settings with the place that each comes from: what is resolved into a [`Config`], and shown to operators.
//!
//! Later places win: defaults, the file, the environment, flags.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ranges::{self, Range};
use super::source::{self, Given};
use super::{Config, ConfigError};

/// Settings of an object store that are no secrets; all others are masked.
const OPEN_OPTIONS: [&str; 15] = [
    "endpoint",
    "endpoint_url",
    "region",
    "allow_http",
    "bucket",
    "bucket_name",
    "container_name",
    "virtual_hosted_style_request",
    "account_name",
    "unsigned_payload",
    "imdsv1_fallback",
    "conditional_put",
    "checksum_algorithm",
    "use_emulator",
    "skip_signature",
];
/// Names this similar (0 to 1) are taken for misspellings of one another.
const SIMILAR: f64 = 0.84;

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One setting as operators see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// `section.key`
    pub key: String,
    /// Its value; `***` for a secret.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// All settings, and where each comes from.
#[derive(Debug, Clone)]
pub struct Settings {
    values: BTreeMap<String, Value>,
    origins: BTreeMap<String, Origin>,
    /// All settings in their order, nested as in [`Config`].
    defaults: Value,
}

impl Settings {
    /// Defaults, then `file`, then the environment.
    ///
    /// # Errors
    /// An unreadable file, an unknown setting, a value of the wrong form; the first of them, with its place.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::read_with(file, std::env::vars_os())
    }

    pub(super) fn read_with(
        file: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::defaults();
        let mut given = match file {
            Some(path) => source::file(path, &|key| settings.is_section(key))?,
            None => Vec::new(),
        };
        given.extend(source::environment(environment, &|key| settings.is_known(key))?);
        for one in given {
            settings.give(one)?;
        }
        Ok(settings)
    }

    fn defaults() -> Self {
        let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
        Self { values: BTreeMap::new(), origins: BTreeMap::new(), defaults }
    }

    /// Sets what a flag says.
    ///
    /// # Errors
    /// The value is of the wrong form.
    pub fn flag(&mut self, flag: &'static str, key: &str, value: impl Into<Value>) -> Result<(), ConfigError> {
        self.give(Given { key: key.to_owned(), value: value.into(), origin: Origin::Flag(flag) })
    }

    /// What the engine runs with.
    ///
    /// # Errors
    /// A number out of its range, or settings that contradict each other, with both numbers and places.
    pub fn resolve(&self) -> Result<Config, ConfigError> {
        let config = self.config()?;
        let keys = self.keys();
        config.check().map_err(|error| {
            error.placed(keys.iter().map(|key| (key.as_str(), self.origins.get(key).unwrap_or(&Origin::Default))))
        })?;
        Ok(config)
    }

    /// Every setting in its order, secrets masked.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let entry = |key: String| {
            let value = self.values.get(&key).or_else(|| find(&self.defaults, &key)).cloned().unwrap_or_default();
            let origin = self.origins.get(&key).cloned().unwrap_or(Origin::Default);
            Entry { value: masked(&key, value), key, origin }
        };
        self.keys().into_iter().map(entry).collect()
    }

    /// All settings: those that there are, and entries of tables that were given.
    fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for key in leaves(&self.defaults) {
            let below = format!("{key}.");
            let given: Vec<String> = self.values.keys().filter(|given| given.starts_with(&below)).cloned().collect();
            if given.is_empty() { keys.push(key) } else { keys.extend(given) }
        }
        keys
    }

    fn give(&mut self, Given { key, value, origin }: Given) -> Result<(), ConfigError> {
        if !self.is_known(&key) {
            if self.is_section(&key) {
                let reason = "this is a section: its settings stand below it".to_owned();
                return Err(ConfigError::Value { key, origin, reason });
            }
            let near = self.near(&key);
            return Err(ConfigError::Unknown { key, origin, near });
        }
        // The file's values have types, those of the environment are read as what is wanted.
        let readings = match (&origin, &value) {
            (Origin::Environment(_), Value::String(text)) => self.readings(&key, text),
            _ => vec![value.clone()],
        };
        let mut first = None;
        for reading in readings {
            match self.tried(&key, reading.clone()) {
                Ok(_) => {
                    self.origins.insert(key.clone(), origin);
                    self.values.insert(key, reading);
                    return Ok(());
                }
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        let reason = reason(&key, &value, &first.map(|error| error.to_string()).unwrap_or_default());
        Err(ConfigError::Value { key, origin, reason })
    }

    /// What a text of the environment can stand for.
    fn readings(&self, key: &str, text: &str) -> Vec<Value> {
        let list = || text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect();
        match find(&self.defaults, key) {
            Some(Value::Array(_)) => vec![list()],
            Some(Value::Number(_) | Value::Bool(_)) => {
                serde_json::from_str(text.trim()).map_or_else(|_| vec![text.into()], |value| vec![value])
            }
            _ => {
                let text_first = vec![Value::from(text)];
                text_first.into_iter().chain(serde_json::from_str(text).ok()).collect()
            }
        }
    }

    /// The defaults with this one setting: whether it can be read at all.
    fn tried(&self, key: &str, value: Value) -> Result<Config, serde_json::Error> {
        let mut tree = self.defaults.clone();
        put(&mut tree, key, value);
        serde_json::from_value(tree)
    }

    fn config(&self) -> Result<Config, ConfigError> {
        let mut tree = self.defaults.clone();
        for (key, value) in &self.values {
            put(&mut tree, key, value.clone());
        }
        serde_json::from_value(tree).map_err(|error| ConfigError::Contradiction(error.to_string()))
    }

    fn is_known(&self, key: &str) -> bool {
        let in_table = |(above, name): (&str, &str)| !name.is_empty() && is_table(find(&self.defaults, above));
        key.rsplit_once('.').is_some_and(in_table) || find(&self.defaults, key).is_some_and(|value| !value.is_object())
    }

    /// Whether settings stand below `key`.
    fn is_section(&self, key: &str) -> bool {
        find(&self.defaults, key).is_some_and(Value::is_object)
    }

    /// The setting or section whose name is closest to one that does not exist.
    fn near(&self, key: &str) -> Option<String> {
        let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let sections = self.defaults.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        let known = leaves(&self.defaults).into_iter().chain(sections);
        let likeness = |known: &str| {
            let whole = strsim::jaro_winkler(known, key);
            // The right name in the wrong section.
            if name(known) == name(key) { whole.max(0.99) } else { whole }
        };
        let best = known.map(|known| (likeness(&known), known)).max_by(|left, right| left.0.total_cmp(&right.0));
        best.filter(|(likeness, _)| *likeness >= SIMILAR).map(|(_, known)| known)
    }
}

/// Refuses numbers of `config` that are out of their ranges.
pub(super) fn check_ranges(config: &Config) -> Result<(), ConfigError> {
    let tree = serde_json::to_value(config).map_err(|error| ConfigError::Contradiction(error.to_string()))?;
    ranges::check(|key| find(&tree, key))
}

/// What is wrong with a value, and what would be right.
fn reason(key: &str, value: &Value, error: &str) -> String {
    let range = Range::of(key);
    let allowed = range.map(|range| format!("; allowed is {}", range.text())).unwrap_or_default();
    match (value, range.and_then(Range::units)) {
        (Value::Number(number), Some(units)) => format!("{number} of what? Write {units}{allowed}"),
        _ => format!("{error}{allowed}"),
    }
}

/// The value of the setting `key` as it may be shown: secrets are `***`.
pub(crate) fn masked(key: &str, value: Value) -> Value {
    if let Some(option) = key.strip_prefix("storage.options.") {
        let option = option.to_ascii_lowercase();
        let bare =
            ["aws_", "google_", "azure_", "azure_storage_"].iter().find_map(|vendor| option.strip_prefix(vendor));
        let is_open = OPEN_OPTIONS.contains(&bare.unwrap_or(&option)) || option.ends_with("_region");
        return if is_open { value } else { "***".into() };
    }
    if key == "smtp.password" && !value.is_null() {
        return "***".into();
    }
    let Some(mut url) = value.as_str().and_then(|text| url::Url::parse(text).ok()) else { return value };
    if url.password().is_some() {
        // It fails only for URLs that cannot have one.
        let _ = url.set_password(Some("***"));
    }
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    if value.as_str().is_some_and(|text| text.contains("://")) { url.as_str().into() } else { value }
}

/// Settings that are tables of names of the user's own.
fn is_table(value: Option<&Value>) -> bool {
    value.and_then(Value::as_object).is_some_and(Map::is_empty)
}

fn find<'a>(tree: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(tree, |tree, name| tree.get(name))
}

fn put(tree: &mut Value, key: &str, value: Value) {
    let mut place = tree;
    for name in key.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name];
    }
    *place = value;
}

/// Keys of all settings of a tree, in their order.
pub(super) fn leaves(tree: &Value) -> Vec<String> {
    fn walk(above: &str, value: &Value, found: &mut Vec<String>) {
        match value.as_object().filter(|members| !members.is_empty()) {
            Some(members) => {
                for (name, value) in members {
                    let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
                    walk(&key, value, found);
                }
            }
            None => found.push(above.to_owned()),
        }
    }
    let mut found = Vec::new();
    walk("", tree, &mut found);
    found
}
