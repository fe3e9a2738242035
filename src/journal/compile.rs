//! From filters to SQL: text with named placeholders, and their values. No value of a caller is ever part of the text.

use serde_json::{Map, Value};

use super::JournalError;
use super::dimension::dimension;
use super::field::{Field, LEVELS, Word, column};
use super::filter::{Condition, Filter, Operator, Term};
use super::period::minutes;
use crate::event::model::{COLUMNS, Column, Kind};

/// Values of the placeholders `$p1`, `$p2`, ….
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values(Map<String, Value>);

impl Values {
    /// The placeholder of a further value.
    pub fn add(&mut self, value: impl Into<Value>) -> String {
        let name = format!("p{}", self.0.len() + 1);
        let placeholder = format!("${name}");
        self.0.insert(name, value.into());
        placeholder
    }

    /// Values by name, as `params` of a query has them.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// Columns that free text is looked for in.
const SEARCHED: [&str; 35] = [
    "event_id",
    "event_type",
    "message",
    "status",
    "error_code",
    "error_message",
    "actor_id",
    "actor_name",
    "actor_email",
    "credential_id",
    "client_address",
    "object_id",
    "object_name",
    "related",
    "object_before",
    "object_after",
    "changes",
    "url",
    "http_route",
    "request_id",
    "request_body",
    "response_body",
    "request_headers",
    "response_headers",
    "peer_name",
    "session_id",
    "visitor_id",
    "task_id",
    "task_type",
    "task_result",
    "correlation_id",
    "attachments",
    "labels",
    "attributes",
    "unit_name",
];

/// Types of actors that are people, and those that are programs.
pub(super) const PEOPLE: &str = "('employee', 'admin', 'owner', 'user', 'customer', 'visitor')";

/// What messages of one kind have in common.
pub(super) const PATTERN: &str = "text_pattern(coalesce(message, error_message))";

/// What turns filters into SQL.
pub(super) struct Compiler<'a> {
    pub(super) values: &'a mut Values,
    /// Columns that the reader cannot see: free text is not looked for in them.
    pub(super) hidden: &'a [String],
    /// Zone of hours and weekdays; without one each event's own counts.
    pub(super) zone: Option<&'a str>,
}

impl Compiler<'_> {
    /// The filter as one condition; `None` where everything fits.
    pub(super) fn filter(&mut self, filter: &Filter) -> Result<Option<String>, JournalError> {
        let mut parts = Vec::new();
        for term in &filter.terms {
            match term {
                Term::Condition(condition) if is_of_change(condition) => {}
                Term::Condition(condition) => parts.push(self.condition(condition)?),
                Term::Any(filters) => parts.extend(self.group(filters, " OR ")?),
                Term::All(filters) => parts.extend(self.group(filters, " AND ")?),
                Term::Not(filter) => {
                    let inner = self.filter(filter)?.unwrap_or_else(|| "true".into());
                    parts.push(format!("({inner}) IS NOT TRUE"));
                }
            }
        }
        parts.extend(self.change(filter)?);
        Ok((!parts.is_empty()).then(|| parts.join(" AND ")))
    }

    /// Alternatives or parts; of alternatives one that fits everything makes the whole fit.
    fn group(&mut self, filters: &[Filter], between: &str) -> Result<Option<String>, JournalError> {
        let mut parts = Vec::new();
        for filter in filters {
            parts.push(format!("({})", self.filter(filter)?.unwrap_or_else(|| "true".into())));
        }
        Ok(Some(format!("({})", parts.join(between))))
    }

    /// `changed`, `before` and `after` of one filter are about the same change.
    fn change(&mut self, filter: &Filter) -> Result<Option<String>, JournalError> {
        let one = |word: Word| -> Result<Vec<String>, JournalError> {
            Ok(filter.wanted(&Field::Word(word)).map(<[String]>::to_vec).unwrap_or_default())
        };
        let (paths, before, after) = (one(Word::Changed)?, one(Word::Before)?, one(Word::After)?);
        if paths.is_empty() && before.is_empty() && after.is_empty() {
            return Ok(None);
        }
        let or_any = |values: Vec<String>| {
            if values.is_empty() { vec![None] } else { values.into_iter().map(Some).collect::<Vec<_>>() }
        };
        let (paths, before, after) = (or_any(paths), or_any(before), or_any(after));
        let mut parts = Vec::new();
        for path in &paths {
            for before in &before {
                for after in &after {
                    parts.push(self.has_change(path.as_deref(), before.as_deref(), after.as_deref()));
                }
            }
        }
        Ok(Some(format!("({})", parts.join(" OR "))))
    }

    fn has_change(&mut self, path: Option<&str>, before: Option<&str>, after: Option<&str>) -> String {
        if let (Some(path), None, None) = (path.filter(|path| !path.ends_with('*')), before, after) {
            return format!("array_has(changed_fields, {})", self.values.add(path));
        }
        let mut value = |value: Option<&str>| value.map_or_else(|| "NULL".into(), |value| self.values.add(value));
        format!("has_change(changes, {}, {}, {})", value(path), value(before), value(after))
    }

    fn condition(&mut self, condition: &Condition) -> Result<String, JournalError> {
        let text = match &condition.field {
            Field::Column(column) => self.column(column, condition)?,
            Field::Attribute(path) => self.attribute(path, condition)?,
            Field::Label(key) => {
                let value = format!("map_extract(labels, {})[1]", literal(key));
                self.text(&value, condition)?
            }
            Field::Word(word) => self.word(*word, condition)?,
        };
        Ok(if condition.negated { format!("({text}) IS NOT TRUE") } else { text })
    }

    fn column(&mut self, column: &Column, condition: &Condition) -> Result<String, JournalError> {
        let name = column.name;
        match column.kind {
            // Nothing is the same as `general` there.
            Kind::Text if name == "visibility" => self.text("coalesce(visibility, 'general')", condition),
            Kind::Text | Kind::Json => self.text(name, condition),
            Kind::Int32 | Kind::Int64 | Kind::Float32 => self.number(name, condition),
            Kind::Time => self.time(name, condition),
            Kind::Bool => {
                let value = match (condition.operator, condition.values.as_slice()) {
                    (Operator::Is, [one]) if one == "true" || one == "false" => one,
                    _ => return Err(JournalError::value(&condition.name, "is `true` or `false`")),
                };
                Ok(format!("{name} = {value}"))
            }
            Kind::TextList if condition.operator == Operator::Is => {
                Ok(self.each(&condition.values, |placeholder| format!("array_has({name}, {placeholder})")))
            }
            Kind::TextList | Kind::TextMap | Kind::Related | Kind::Changes | Kind::Attachments => {
                self.only(condition, &[Operator::Contains])?;
                Ok(self.contains(&[name], &condition.values))
            }
        }
    }

    /// A condition on a text.
    fn text(&mut self, value: &str, condition: &Condition) -> Result<String, JournalError> {
        self.only(condition, &[Operator::Is, Operator::Contains, Operator::Begins])?;
        Ok(match condition.operator {
            Operator::Contains => self.contains(&[value], &condition.values),
            Operator::Begins => self.each(&condition.values, |text| format!("starts_with({value}, {text})")),
            _ => self.one_of(value, &condition.values),
        })
    }

    fn one_of(&mut self, value: &str, values: &[String]) -> String {
        let placeholders: Vec<String> = values.iter().map(|value| self.values.add(value.as_str())).collect();
        match placeholders.as_slice() {
            [one] => format!("{value} = {one}"),
            several => format!("{value} IN ({})", several.join(", ")),
        }
    }

    fn contains(&mut self, columns: &[&str], values: &[String]) -> String {
        let columns = columns.join(", ");
        self.each(values, |text| format!("contains_text({text}, {columns})"))
    }

    /// Conditions on each value, of which one must hold.
    fn each(&mut self, values: &[String], of: impl Fn(&str) -> String) -> String {
        let parts: Vec<String> = values.iter().map(|value| of(&self.values.add(value.as_str()))).collect();
        if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(" OR ")) }
    }

    /// A condition on a number: values, ranges `400-499`, and `4xx` for hundreds.
    fn number(&mut self, name: &str, condition: &Condition) -> Result<String, JournalError> {
        self.only(condition, &[Operator::Is, Operator::AtLeast, Operator::AtMost])?;
        let number = |text: &str| number(text).ok_or_else(|| no_number(&condition.name, text));
        let sign = match condition.operator {
            Operator::AtLeast => ">=",
            Operator::AtMost => "<=",
            _ => return self.ranges(name, condition, number),
        };
        let bound = number(&condition.values[0])?;
        Ok(format!("{name} {sign} {}", self.values.add(bound)))
    }

    fn ranges(
        &mut self,
        name: &str,
        condition: &Condition,
        number: impl Fn(&str) -> Result<Value, JournalError>,
    ) -> Result<String, JournalError> {
        let mut parts = Vec::new();
        for text in &condition.values {
            let hundreds = text.strip_suffix("xx").and_then(|first| first.parse::<i64>().ok());
            let range = text.split_once('-').filter(|(from, _)| !from.is_empty());
            let (from, to) = match (hundreds, range) {
                (Some(first), _) => (Value::from(first * 100), Value::from(first * 100 + 99)),
                (None, Some((from, to))) => (number(from)?, number(to)?),
                (None, None) => {
                    let value = number(text)?;
                    parts.push(format!("{name} = {}", self.values.add(value)));
                    continue;
                }
            };
            let (from, to) = (self.values.add(from), self.values.add(to));
            parts.push(format!("{name} BETWEEN {from} AND {to}"));
        }
        Ok(if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(" OR ")) })
    }

    fn time(&mut self, name: &str, condition: &Condition) -> Result<String, JournalError> {
        self.only(condition, &[Operator::AtLeast, Operator::AtMost])?;
        let text = &condition.values[0];
        let time = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| {
            JournalError::value(&condition.name, format!("`{text}` is no time; write 2025-03-04T09:00:00+01:00"))
        })?;
        let sign = if condition.operator == Operator::AtLeast { ">=" } else { "<=" };
        Ok(format!("{name} {sign} {}", self.values.add(super::period::show(time.to_utc()))))
    }

    fn attribute(&mut self, path: &[String], condition: &Condition) -> Result<String, JournalError> {
        let keys: Vec<String> = path.iter().map(|key| literal(key)).collect();
        let keys = keys.join(", ");
        if matches!(condition.operator, Operator::AtLeast | Operator::AtMost) {
            return self.number(&format!("json_get_float(attributes, {keys})"), condition);
        }
        self.text(&format!("json_as_text(attributes, {keys})"), condition)
    }

    fn word(&mut self, word: Word, condition: &Condition) -> Result<String, JournalError> {
        let values = &condition.values;
        if !matches!(word, Word::Actor | Word::Location | Word::Level | Word::Duration | Word::Pattern) {
            self.only(condition, &[Operator::Is])?;
        }
        match word {
            Word::Actor => self.any_of(&["actor_id", "actor_email", "actor_name"], condition),
            Word::Location => self.any_of(&["unit_id", "unit_name"], condition),
            Word::Object => Ok(self.each(values, |object| format!("array_has(object_refs, {object})"))),
            Word::Group => {
                let group = |this: &mut Self, text: &String| {
                    let (group, below) = (this.values.add(text.as_str()), this.values.add(format!("{text}.")));
                    format!("event_type = {group} OR starts_with(event_type, {below})")
                };
                let parts: Vec<String> = values.iter().map(|text| group(self, text)).collect();
                Ok(format!("({})", parts.join(" OR ")))
            }
            Word::ActionKind => words(condition, |value| {
                Some(match value {
                    "create" => "action = 'create'".to_owned(),
                    "delete" => "action = 'delete'".to_owned(),
                    "update" => "action IN ('update', 'complete', 'reopen')".to_owned(),
                    "other" => "action NOT IN ('create', 'delete', 'update', 'complete', 'reopen')".to_owned(),
                    _ => return None,
                })
            }),
            Word::ActorKind => words(condition, |value| {
                Some(match value {
                    "person" => format!("actor_type IN {PEOPLE}"),
                    "system" => "actor_type IN ('system', 'integration')".to_owned(),
                    "api_key" => "actor_type = 'api_key'".to_owned(),
                    _ => return None,
                })
            }),
            Word::Errors => words(condition, |value| {
                let failed = "(outcome = 'failure' OR severity_number >= 17)";
                Some(match value {
                    "true" => failed.to_owned(),
                    "false" => format!("{failed} IS NOT TRUE"),
                    _ => return None,
                })
            }),
            Word::Level => level(condition),
            Word::Ip => Ok(self.addresses(values)),
            Word::Duration => self.duration(condition),
            Word::Hour => self.hours(condition),
            Word::Weekday => self.weekdays(condition),
            Word::Pattern => self.text(PATTERN, condition),
            Word::Has => self.has(condition),
            Word::Text => self.free_text(condition),
            Word::Changed | Word::Before | Word::After => {
                let mut part = Filter::default();
                part.terms.push(Term::Condition(Condition { negated: false, ..condition.clone() }));
                Ok(self.change(&part)?.unwrap_or_else(|| "true".into()))
            }
        }
    }

    fn any_of(&mut self, columns: &[&str], condition: &Condition) -> Result<String, JournalError> {
        let seen: Vec<&str> = columns.iter().copied().filter(|name| !self.is_hidden(name)).collect();
        if condition.operator == Operator::Contains {
            return Ok(self.contains(&seen, &condition.values));
        }
        let parts = seen.iter().map(|column| self.text(column, condition)).collect::<Result<Vec<_>, _>>()?;
        Ok(if parts.is_empty() { "false".into() } else { format!("({})", parts.join(" OR ")) })
    }

    fn addresses(&mut self, values: &[String]) -> String {
        let parts: Vec<String> = values
            .iter()
            .map(|value| {
                let placeholder = self.values.add(value.as_str());
                match value.parse::<std::net::IpAddr>() {
                    Ok(_) => format!("client_address = {placeholder}"),
                    Err(_) => format!("in_network(client_address, {placeholder})"),
                }
            })
            .collect();
        format!("({})", parts.join(" OR "))
    }

    fn duration(&mut self, condition: &Condition) -> Result<String, JournalError> {
        let in_ns = |text: &str| {
            let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.');
            let (number, unit) = text.split_at(digits?);
            let factor = match unit {
                "ns" => 1.0,
                "us" | "µs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" | "min" => 6e10,
                "h" => 3.6e12,
                _ => return None,
            };
            let ns = number.parse::<f64>().ok()? * factor;
            (ns < 9e18).then_some(ns)
        };
        let wrong =
            |text: &str| JournalError::value(&condition.name, format!("`{text}` is no duration; write 250ms or 1.5s"));
        #[expect(clippy::cast_possible_truncation, reason = "checked to be within the range")]
        let ns = |text: &str| in_ns(text).map(|ns| Value::from(ns.round() as i64)).ok_or_else(|| wrong(text));
        match condition.operator {
            Operator::AtLeast | Operator::AtMost => {
                let sign = if condition.operator == Operator::AtLeast { ">=" } else { "<=" };
                let bound = ns(&condition.values[0])?;
                Ok(format!("duration_ns {sign} {}", self.values.add(bound)))
            }
            Operator::Is => self.ranges("duration_ns", condition, ns),
            _ => self.only(condition, &[Operator::Is, Operator::AtLeast, Operator::AtMost]).map(|()| String::new()),
        }
    }

    /// The zone whose clocks count, as SQL.
    fn zone(&mut self) -> String {
        match self.zone {
            Some(zone) => self.values.add(zone),
            None if self.is_hidden("event_timezone") => "'UTC'".into(),
            None => "event_timezone".into(),
        }
    }

    fn hours(&mut self, condition: &Condition) -> Result<String, JournalError> {
        let wrong = |text: &str| {
            JournalError::value(
                &condition.name,
                format!("`{text}` is no hour of the day; write 9, 9-17, 09:00-17:30 or 22-5"),
            )
        };
        let mut parts = Vec::new();
        for text in &condition.values {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            let exact = text.contains(':');
            let (Some(from), Some(to)) = (minutes(from), minutes(to)) else { return Err(wrong(text)) };
            // Whole hours are included, times of the clock are where the range ends.
            let to = if exact { to } else { to + 60 };
            let joined = if from < to { "AND" } else { "OR" };
            let (zone, from, to) = (self.zone(), self.values.add(from), self.values.add(to));
            let minute = format!("local_part('minute', event_time, {zone})");
            parts.push(format!("({minute} >= {from} {joined} {minute} < {to})"));
        }
        Ok(format!("({})", parts.join(" OR ")))
    }

    fn weekdays(&mut self, condition: &Condition) -> Result<String, JournalError> {
        let day = |text: &str| text.parse::<i64>().ok().filter(|day| (1..=7).contains(day)).map(Value::from);
        let wrong = |text: &str| {
            JournalError::value(&condition.name, format!("`{text}` is no day; write 1 (Monday) to 7, or 1-5"))
        };
        let zone = self.zone();
        self.ranges(&format!("local_part('weekday', event_time, {zone})"), condition, |text| {
            day(text).ok_or_else(|| wrong(text))
        })
    }

    fn has(&mut self, condition: &Condition) -> Result<String, JournalError> {
        let mut parts = Vec::new();
        for name in &condition.values {
            let found = column(name).map(|column| column.name.to_owned()).or_else(|| dimension(name, None));
            let found = found
                .ok_or_else(|| JournalError::value(&condition.name, format!("`{name}` is no column of the model")))?;
            parts.push(format!("{found} IS NOT NULL"));
        }
        Ok(format!("({})", parts.join(" OR ")))
    }

    fn free_text(&mut self, condition: &Condition) -> Result<String, JournalError> {
        let columns: Vec<&str> = SEARCHED.iter().copied().filter(|name| !self.is_hidden(name)).collect();
        let mut alternatives = Vec::new();
        for text in &condition.values {
            let words = words_of(text);
            if words.is_empty() {
                return Err(JournalError::value(&condition.name, "holds at least one word"));
            }
            let parts: Vec<String> =
                words.iter().map(|word| self.contains(&columns, std::slice::from_ref(word))).collect();
            alternatives.push(format!("({})", parts.join(" AND ")));
        }
        Ok(if alternatives.len() == 1 { alternatives.concat() } else { format!("({})", alternatives.join(" OR ")) })
    }

    fn is_hidden(&self, name: &str) -> bool {
        self.hidden.iter().any(|hidden| hidden == name)
    }

    fn only(&self, condition: &Condition, operators: &[Operator]) -> Result<(), JournalError> {
        if operators.contains(&condition.operator) {
            return Ok(());
        }
        let signs = operators.iter().map(|operator| match operator {
            Operator::Is => "`=`, `!=`",
            Operator::Contains => "`~=`",
            Operator::Begins => "`^=`",
            Operator::AtLeast => "`>=`",
            Operator::AtMost => "`<=`",
        });
        let signs: Vec<&str> = signs.collect();
        Err(JournalError::value(&condition.key(), format!("is compared with {}", signs.join(", "))))
    }
}

/// Whether a condition is a part of the one about a change.
fn is_of_change(condition: &Condition) -> bool {
    let of_change = matches!(condition.field, Field::Word(Word::Changed | Word::Before | Word::After));
    of_change && !condition.negated && condition.operator == Operator::Is
}

/// Conditions of fixed values, of which one must hold.
fn words(condition: &Condition, of: impl Fn(&str) -> Option<String>) -> Result<String, JournalError> {
    let known = super::field::WORDS.iter().find(|known| known.name == condition.name);
    let allowed = known.map(|known| known.values.join(", ")).unwrap_or_default();
    let part = |value: &String| {
        of(value).ok_or_else(|| JournalError::value(&condition.name, format!("`{value}` is none of {allowed}")))
    };
    let parts = condition.values.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(" OR ")) })
}

fn level(condition: &Condition) -> Result<String, JournalError> {
    let range = |value: &str| {
        let at = LEVELS.iter().position(|(name, _)| *name == value)?;
        Some((LEVELS[at].1, LEVELS.get(at + 1).map_or(24, |next| next.1 - 1)))
    };
    let operator = condition.operator;
    if !matches!(operator, Operator::Is | Operator::AtLeast | Operator::AtMost) {
        return Err(JournalError::value(&condition.key(), "is compared with `=`, `!=`, `>=`, `<=`"));
    }
    words(condition, |value| {
        let (low, high) = range(value)?;
        Some(match operator {
            Operator::AtLeast => format!("severity_number >= {low}"),
            Operator::AtMost => format!("severity_number <= {high}"),
            _ => format!("severity_number BETWEEN {low} AND {high}"),
        })
    })
}

/// A text as SQL. JSON functions want to know the names of members when they are planned, before placeholders have values.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A number in a value; integers keep every digit.
fn number(text: &str) -> Option<Value> {
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    let float = text.parse::<f64>().ok()?;
    serde_json::Number::from_f64(float).map(Value::Number)
}

fn no_number(name: &str, text: &str) -> JournalError {
    JournalError::value(name, format!("`{text}` is no number; write 404, 400-499 or 4xx"))
}

/// Words of a text; what stands in quotes is one.
fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in text.split('"').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether SQL can name a column of this name; whatever is sorted, shown or grouped by goes through here.
pub(super) fn known_column(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name == name).or_else(|| column(name))
}

#[cfg(test)]
mod tests;
