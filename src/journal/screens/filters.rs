//! A page's filters, by the product's names, as a selection of the journal.

use serde_json::{Map, Value, json};

use super::ScreenError;
use crate::journal::catalog::{Screen, ScreenFilter};

/// What is asked of one filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Is,
    IsNot,
    Contains,
}

impl Operator {
    /// Name and operator of a parameter: `channel!` is not, `body_text~` contains.
    fn split(parameter: &str) -> (&str, Self) {
        match (parameter.strip_suffix('!'), parameter.strip_suffix('~')) {
            (Some(name), _) => (name, Self::IsNot),
            (_, Some(name)) => (name, Self::Contains),
            _ => (parameter, Self::Is),
        }
    }

    /// Behind the field's name in a selection.
    fn sign(self) -> &'static str {
        match self {
            Self::Is => "",
            Self::IsNot => "!",
            Self::Contains => "~",
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Is => &["is", "in", "preset", "on", "between"],
            Self::IsNot => &["is_not", "not_in"],
            Self::Contains => &["contains"],
        }
    }
}

/// The filters of a page, as they are given.
#[derive(Debug)]
pub(super) struct Filters {
    screen: &'static Screen,
    /// Members of the selection that are about time.
    time: Map<String, Value>,
    /// Values by filter and operator.
    given: Vec<(&'static ScreenFilter, Operator, Vec<String>)>,
}

impl Filters {
    pub(super) fn new(screen: &'static Screen) -> Self {
        Self { screen, time: Map::new(), given: Vec::new() }
    }

    /// Adds a parameter.
    pub(super) fn add(&mut self, parameter: &str, value: String) -> Result<(), ScreenError> {
        if ["period", "from", "to", "tz"].contains(&parameter) {
            return self.set_time(parameter, value);
        }
        let (name, operator) = Operator::split(parameter);
        let found = self.screen.filters.iter().find(|filter| filter.id == name);
        let filter = found.ok_or_else(|| ScreenError::no_filter(self.screen, name))?;
        // A filter that can only contain needs no sign.
        let only_contains = filter.operators.iter().all(|known| known == "contains");
        let operator = if only_contains && operator == Operator::Is { Operator::Contains } else { operator };
        if !filter.operators.iter().any(|known| operator.names().contains(&known.as_str())) {
            let known = filter.operators.join(", ");
            return Err(ScreenError::value(parameter, format!("is not asked so; the filter knows: {known}")));
        }
        if filter.fields.iter().any(|field| field == "period") {
            return self.set_time("period", value);
        }
        match self.given.iter_mut().find(|(known, with, _)| known.id == filter.id && *with == operator) {
            Some((_, _, values)) if takes_many(filter) => values.push(value),
            Some(_) => return Err(ScreenError::value(parameter, "is given once")),
            None => self.given.push((filter, operator, vec![value])),
        }
        Ok(())
    }

    fn set_time(&mut self, name: &str, value: String) -> Result<(), ScreenError> {
        match self.time.insert(name.to_owned(), json!(value)) {
            Some(_) => Err(ScreenError::value(name, "is given once")),
            None => Ok(()),
        }
    }

    /// The selection that they stand for; `zone` is that of the product.
    pub(super) fn selection(&self, zone: Option<&str>) -> Result<Value, ScreenError> {
        let mut selection = self.time.clone();
        if let Some(zone) = zone {
            selection.entry("tz").or_insert_with(|| json!(zone));
        }
        let timed = ["period", "from", "to"].iter().any(|name| selection.contains_key(*name));
        if !timed {
            let period = self.screen.default_period.as_deref().unwrap_or("all");
            selection.insert("period".into(), json!(period));
        }
        let conditions = self.given.iter().map(|(filter, operator, values)| condition(filter, *operator, values));
        let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
        let conditions: Vec<Value> = conditions.into_iter().flatten().collect();
        if !conditions.is_empty() {
            selection.insert("all".into(), Value::Array(conditions));
        }
        Ok(Value::Object(selection))
    }
}

/// Whether a filter takes several values.
fn takes_many(filter: &ScreenFilter) -> bool {
    filter.operators.iter().any(|operator| operator == "in" || operator == "not_in")
}

/// The condition of one filter; none where a choice stands for everything.
fn condition(filter: &ScreenFilter, operator: Operator, values: &[String]) -> Result<Option<Value>, ScreenError> {
    if let [value] = values
        && let Some(stands_for) = filter.values.get(value)
    {
        return Ok((!stands_for.is_empty()).then(|| Value::Object(stands_for.clone())));
    }
    // A list of choices is closed where nothing but one of them can be asked for.
    if !filter.values.is_empty() && !takes_many(filter) {
        let known: Vec<&str> = filter.values.keys().map(String::as_str).collect();
        return Err(ScreenError::value(&filter.id, format!("is one of {}", known.join(", "))));
    }
    let one = |field: &String| {
        let field = if field == "hours" { "hour" } else { field.as_str() };
        json!({format!("{field}{}", operator.sign()): values})
    };
    let mut found = match filter.fields.as_slice() {
        [field] => one(field),
        fields => json!({"any": fields.iter().map(one).collect::<Vec<_>>()}),
    };
    for (field, value) in &filter.only {
        found[field] = json!([value]);
    }
    Ok(Some(found))
}
