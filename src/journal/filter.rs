//! Filters as a tree: conditions that must all hold, groups of which one must, and negations.
//!
//! One grammar for URLs and JSON. A key is a field and an operator, a value is a text or several of which one will
//! do; members of an object must all hold; `any`, `all` and `not` nest.
//!
//! ```text
//! module=couriers&outcome=failure&http_status>=400&peer!=DPD&message~=label
//! {"module": "couriers", "any": [{"outcome": "failure"}, {"http_status>=": 400}], "not": {"peer": "DPD"}}
//! ```

use serde_json::{Map, Value};

use super::JournalError;
use super::field::Field;

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Is one of the values.
    Is,
    /// Contains one of them, letters' case aside.
    Contains,
    /// Begins with one of them.
    Begins,
    /// Is at least the value.
    AtLeast,
    /// Is at most the value.
    AtMost,
}

impl Operator {
    /// Behind the field's name, in front of a `=`.
    fn sign(self) -> &'static str {
        match self {
            Self::Is => "",
            Self::Contains => "~",
            Self::Begins => "^",
            Self::AtLeast => ">",
            Self::AtMost => "<",
        }
    }
}

/// A field, an operator and values of which one must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Name of the field as it was written.
    pub name: String,
    /// The field.
    pub field: Field,
    /// The operator.
    pub operator: Operator,
    /// Whether it must not fit.
    pub negated: bool,
    /// The values; never empty.
    pub values: Vec<String>,
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// One condition.
    Condition(Condition),
    /// One of these must hold.
    Any(Vec<Filter>),
    /// All of these must hold.
    All(Vec<Filter>),
    /// This must not hold.
    Not(Filter),
}

/// Terms that must all hold; without any, everything fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The terms.
    pub terms: Vec<Term>,
}

impl Filter {
    /// Adds a condition by its key; values of one key come together.
    ///
    /// # Errors
    /// No such field.
    pub fn add(&mut self, key: &str, values: Vec<String>) -> Result<(), JournalError> {
        let (name, operator, negated) = split(key);
        let field = Field::find(name)?;
        let same = |term: &&mut Term| {
            matches!(term, Term::Condition(known)
                if known.field == field && known.operator == operator && known.negated == negated)
        };
        // Bounds of a range both hold; values of one key are alternatives.
        let merges = !matches!(operator, Operator::AtLeast | Operator::AtMost);
        match self.terms.iter_mut().find(same).filter(|_| merges) {
            Some(Term::Condition(known)) => known.values.extend(values),
            _ => {
                let name = name.to_owned();
                self.terms.push(Term::Condition(Condition { name, field, operator, negated, values }));
            }
        }
        Ok(())
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// It is no object, or holds what is no filter.
    pub fn from_json(value: &Value) -> Result<Self, JournalError> {
        let object = value.as_object().ok_or_else(|| JournalError::value("filter", "is a JSON object"))?;
        let mut filter = Self::default();
        for (key, value) in object {
            filter.add_member(key, value)?;
        }
        Ok(filter)
    }

    pub(super) fn add_member(&mut self, key: &str, value: &Value) -> Result<(), JournalError> {
        let group = |value: &Value| -> Result<Vec<Self>, JournalError> {
            let items = value.as_array().filter(|items| !items.is_empty());
            let items = items.ok_or_else(|| JournalError::value(key, "is a list of at least one filter"))?;
            items.iter().map(Self::from_json).collect()
        };
        match key {
            "any" => self.terms.push(Term::Any(group(value)?)),
            "all" => self.terms.push(Term::All(group(value)?)),
            "not" => self.terms.push(Term::Not(Self::from_json(value)?)),
            _ => self.add(key, texts(key, value)?)?,
        }
        Ok(())
    }

    /// The JSON form: the same for filters that mean the same but for their order.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        let mut more = Vec::new();
        for term in &self.terms {
            let list = |filters: &[Self]| filters.iter().map(|filter| Value::Object(filter.to_json())).collect();
            let (key, value) = match term {
                Term::Condition(condition) => {
                    let values = condition.values.iter().cloned().map(Value::String);
                    (condition.key(), Value::Array(values.collect()))
                }
                Term::Any(filters) => ("any".to_owned(), Value::Array(list(filters))),
                Term::All(filters) => ("all".to_owned(), Value::Array(list(filters))),
                Term::Not(filter) => ("not".to_owned(), Value::Object(filter.to_json())),
            };
            // A second member of one name needs an object of its own.
            if object.contains_key(&key) {
                more.push(Value::Object(Map::from_iter([(key, value)])));
            } else {
                object.insert(key, value);
            }
        }
        match object.get_mut("all") {
            Some(Value::Array(all)) => all.append(&mut more),
            _ if more.is_empty() => {}
            _ => {
                object.insert("all".to_owned(), Value::Array(more));
            }
        }
        object
    }

    /// Whether a condition on `field` is among those that must hold.
    #[must_use]
    pub fn asks(&self, field: &Field) -> bool {
        self.conditions().any(|condition| condition.field == *field && !condition.negated)
    }

    /// The values that a field must have one of, where they are said.
    #[must_use]
    pub fn wanted(&self, field: &Field) -> Option<&[String]> {
        let is = |condition: &&Condition| {
            condition.field == *field && !condition.negated && condition.operator == Operator::Is
        };
        self.conditions().find(is).map(|condition| condition.values.as_slice())
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.terms.iter().filter_map(|term| match term {
            Term::Condition(condition) => Some(condition),
            _ => None,
        })
    }
}

impl Condition {
    /// Field and operator as a key has them.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}{}{}", self.name, if self.negated { "!" } else { "" }, self.operator.sign())
    }
}

/// Name, operator and negation of a key; a `=` at its end may be left out.
fn split(key: &str) -> (&str, Operator, bool) {
    let key = key.strip_suffix('=').filter(|key| !key.is_empty()).unwrap_or(key);
    let signs = [Operator::Contains, Operator::Begins, Operator::AtLeast, Operator::AtMost];
    let found = signs.iter().find_map(|sign| Some((key.strip_suffix(sign.sign())?, *sign)));
    let (name, operator) = found.unwrap_or((key, Operator::Is));
    match name.strip_suffix('!') {
        Some(name) => (name, operator, true),
        None => (name, operator, false),
    }
}

/// One value or several, as texts.
fn texts(key: &str, value: &Value) -> Result<Vec<String>, JournalError> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        _ => Err(JournalError::value(key, "takes a text, a number, true or false, or a list of them")),
    };
    match value {
        Value::Array(items) if items.is_empty() => Err(JournalError::value(key, "is a list of at least one value")),
        Value::Array(items) => items.iter().map(text).collect(),
        value => Ok(vec![text(value)?]),
    }
}
