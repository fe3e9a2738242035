//! Events that follow from sessions: visits, abandoned browsing and baskets, purchases.
//!
//! Each rule is a file of `sql/rules`, in the form of a named query (`docs/queries.md`): its header says what it
//! finds and names its thresholds, which are parameters. All rules give the same columns.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::journal::lookup::LookupError;
use crate::query::named::NamedQuery;
use crate::query::{Answer, Limits, QueryError, Session};

/// A rule as lists show it.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// Title, description, parameters.
    #[serde(flatten)]
    pub query: NamedQuery,
}

/// Embeds files of `sql/rules` by name.
macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../sql/rules/", $name, ".sql")))),*]
    };
}

/// Name and file; a test holds this list against the directory.
const FILES: [(&str, &str); 4] = embed!["abandoned_browse", "abandoned_cart", "purchase", "visit"];

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    // A test parses each; one that cannot be parsed is not there.
    FILES.iter().filter_map(|(name, text)| Some(Rule { name, query: NamedQuery::parse(name, text).ok()? })).collect()
});

/// All rules, by name.
#[must_use]
pub fn rules() -> &'static [Rule] {
    &RULES
}

/// The rule of that name.
///
/// # Errors
/// There is none.
pub fn rule(name: &str) -> Result<&'static Rule, LookupError> {
    RULES.iter().find(|rule| rule.name == name).ok_or_else(|| {
        let known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        LookupError::Parameter { name: "rule", reason: format!("`{name}` is none of {}", known.join(", ")) }
    })
}

impl Rule {
    /// Runs the rule with parameters as they stand in a URL.
    ///
    /// # Errors
    /// A parameter is unknown or of the wrong form; as the query's.
    pub async fn run(
        &self,
        session: &Session,
        given: &[(String, String)],
        limits: Limits,
        now: DateTime<Utc>,
    ) -> Result<Answer, QueryError> {
        let values = self.query.values(given, now)?;
        session.clone().run_bound(self.query.sql(), values, limits, true).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_rule_and_says_what_it_takes() {
        let mut files: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/rules"))
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        assert_eq!(rules().iter().map(|rule| rule.name).collect::<Vec<_>>(), files);
        for (name, text) in FILES {
            let query = NamedQuery::parse(name, text).unwrap();
            assert!(query.parameters.iter().any(|parameter| parameter.name == "as_of"), "{name}");
        }
        assert_eq!(
            rule("cart").unwrap_err().to_string(),
            "`rule`: `cart` is none of abandoned_browse, abandoned_cart, purchase, visit"
        );
    }
}
