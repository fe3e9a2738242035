//! Dashboards of the program's own: a file of `sql/dashboards` each, one for each source system and one over all.
//!
//! A tile is a question of the API with its parameters, so that whoever wants the figures elsewhere asks the same.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ViewKind;

/// Embeds files of `sql/dashboards` by name.
macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../sql/dashboards/", $name, ".json")))),*]
    };
}

/// The files, by name; a test holds this list against the directory.
static FILES: &[(&str, &str)] = embed!["overview", "idosell", "expertsender", "remonline", "getcourse", "voucherify"];

/// A dashboard that every project has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Builtin {
    /// Its id: the name of its file.
    pub id: &'static str,
    /// What it is.
    pub kind: ViewKind,
    /// Its English title.
    pub name: String,
    /// What it shows.
    pub state: Map<String, Value>,
    /// All keys see it.
    pub shared: bool,
    /// It is nobody's default.
    pub default: bool,
    /// Always true.
    pub builtin: bool,
    /// Stays with the program.
    pub version: u64,
}

/// All of them, the one over all systems first.
#[must_use]
pub fn builtin() -> &'static [Builtin] {
    static ALL: LazyLock<Vec<Builtin>> = LazyLock::new(|| FILES.iter().map(|(id, text)| read(id, text)).collect());
    &ALL
}

/// The one with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Builtin> {
    builtin().iter().find(|builtin| builtin.id == id)
}

fn read(id: &'static str, text: &str) -> Builtin {
    let state: Map<String, Value> = serde_json::from_str(text).expect("a file of sql/dashboards is a JSON object");
    let title = state.get("titles").and_then(|titles| titles["en"].as_str()).unwrap_or(id);
    Builtin {
        id,
        kind: ViewKind::Dashboard,
        name: title.to_owned(),
        shared: true,
        default: false,
        builtin: true,
        version: 1,
        state,
    }
}
