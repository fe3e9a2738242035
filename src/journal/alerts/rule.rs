//! What an alert is: a question, a line, a rhythm, and who is told.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AlertError, Mailer, Quiet};
use crate::config::{self, Span};
use crate::event::model::{COLUMNS, Kind};
use crate::journal::Selection;
use crate::journal::webhook::{SECRET_MAX, SECRET_MIN};

/// Longest name, in characters.
const NAME_MAX: usize = 200;
/// Most columns that tell groups apart.
const BY_MAX: usize = 4;
/// Most channels.
const CHANNELS_MAX: usize = 10;
/// Most recipients of one mail.
const RECIPIENTS_MAX: usize = 50;
/// Longest window, and longest hold and repeat.
const LONGEST: Span = Span::secs(31 * 86_400);

/// An alert to be made, or what one is replaced by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAlert {
    /// Its name, 1 to 200 characters.
    #[schema(example = "Task failed")]
    pub name: String,
    /// Whether it is asked at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What is counted: a filter, in the words of the list's parameters. Either this or `sql`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Map<String, Value>>,
    /// A question in SQL: its column `value` is compared, all others tell groups apart; `$from` and `$to` are the
    /// ends of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// What of the events is compared.
    #[serde(default)]
    pub metric: Metric,
    /// Column of the metric, or `attributes.PATH`; all but `count` need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Columns that tell groups apart; each group is an alert of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// The line.
    pub condition: Condition,
    /// How far each question looks back.
    #[serde(default = "minutes::<5>")]
    #[schema(value_type = String, example = "5m")]
    pub window: Span,
    /// How often it is asked; at most `window`.
    #[serde(default = "minutes::<1>")]
    #[schema(value_type = String, example = "1m")]
    pub every: Span,
    /// How long the line must be crossed before it fires.
    #[serde(default = "minutes::<0>", rename = "for")]
    #[schema(value_type = String, example = "0s")]
    pub hold: Span,
    /// How often it is told again while it fires; absent: not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "4h")]
    pub repeat: Option<Span>,
    /// By which time events belong to a window.
    #[serde(default)]
    pub clock: Clock,
    /// What an answer without a value means.
    #[serde(default)]
    pub no_data: NoData,
    /// When nobody is told anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// Who is told.
    #[serde(default)]
    pub channels: Vec<Channel>,
}

/// What of the events is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// How many there are.
    #[default]
    Count,
    /// How many different values.
    Distinct,
    /// Their sum.
    Sum,
    /// Their mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
}

/// A line: `{"op": ">=", "value": 1}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// How.
    pub op: Comparison,
    /// With what.
    pub value: f64,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Comparison {
    /// Above.
    #[serde(rename = ">")]
    Above,
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// Below.
    #[serde(rename = "<")]
    Below,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Equal.
    #[serde(rename = "=")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    Unlike,
}

/// By which time events belong to a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// When they arrived: nothing that comes late is missed.
    #[default]
    Arrival,
    /// When they happened: an import of old events raises no alert.
    Event,
}

/// What an answer without a value means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// That all is well.
    #[default]
    Ok,
    /// That something is wrong: it is told like an alert.
    Alert,
    /// Nothing: what fires goes on.
    Keep,
}

/// Who is told.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// A signed call.
    Webhook {
        /// Where.
        #[schema(example = "https://hooks.example.com/kronika")]
        url: String,
        /// Key of the signature, 16 to 256 bytes; where it is absent, one is made and shown once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
    },
    /// A mail.
    Email {
        /// To whom.
        to: Vec<String>,
    },
}

/// Without the secret.
impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Webhook { url, .. } => write!(f, "Webhook({})", crate::journal::webhook::shown(url)),
            Self::Email { to } => write!(f, "Email({} recipients)", to.len()),
        }
    }
}

/// An alert as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRule {
    /// Its id.
    pub id: String,
    /// Public id of the key that made it: it sees what that key sees.
    pub owner: String,
    /// Name of that key when it did.
    pub owner_name: String,
    /// Grows with each change.
    pub revision: u64,
    /// When it was made, ms since 1970.
    pub created_ms: i64,
    /// When it was last changed.
    pub updated_ms: i64,
    /// What was asked for.
    pub alert: NewAlert,
}

/// What the settings allow an alert.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// The settings.
    pub settings: &'a config::Alerts,
    /// What sends mails.
    pub mailer: &'a Mailer,
}

fn yes() -> bool {
    true
}

fn minutes<const N: u64>() -> Span {
    Span::secs(N * 60)
}

impl Comparison {
    /// Whether `value` is on the side of `line` that this names.
    #[must_use]
    pub fn holds(self, value: f64, line: f64) -> bool {
        match self {
            Self::Above => value > line,
            Self::AtLeast => value >= line,
            Self::Below => value < line,
            Self::AtMost => value <= line,
            Self::Equal => value == line,
            Self::Unlike => value != line,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::Unlike => "!=",
        }
    }
}

impl NewAlert {
    /// Refuses what could not be asked, or not be told; whether URLs may be called is the sender's to say.
    ///
    /// # Errors
    /// The first part that is wrong.
    pub fn check(&self, limits: Limits<'_>, now_us: i64) -> Result<(), AlertError> {
        let characters = self.name.trim().chars().count();
        if !(1..=NAME_MAX).contains(&characters) || self.name.chars().any(char::is_control) {
            return Err(AlertError::invalid("name", "has 1 to 200 characters, none of them a control character"));
        }
        self.check_question(now_us)?;
        self.check_times(limits.settings)?;
        if let Some(quiet) = &self.quiet {
            quiet.check()?;
        }
        if !self.condition.value.is_finite() {
            return Err(AlertError::invalid("condition", "`value` is a number"));
        }
        if self.channels.len() > CHANNELS_MAX {
            return Err(AlertError::invalid("channels", format!("are at most {CHANNELS_MAX}")));
        }
        self.channels.iter().try_for_each(|channel| channel.check(limits.mailer))
    }

    fn check_question(&self, now_us: i64) -> Result<(), AlertError> {
        match (&self.filter, &self.sql) {
            (Some(filter), None) => {
                let now = DateTime::from_timestamp_micros(now_us).unwrap_or_default();
                Selection::from_json(&Value::Object(filter.clone()), now).map_err(AlertError::Filter)?;
            }
            (None, Some(_)) if !self.by.is_empty() || self.of.is_some() || self.metric != Metric::Count => {
                return Err(AlertError::invalid(
                    "sql",
                    "says itself what is compared and by what: leave `metric`, `of` and `by` out",
                ));
            }
            (None, Some(_)) => return Ok(()),
            _ => return Err(AlertError::invalid("filter", "or `sql` says what is asked: give one of them")),
        }
        if self.by.len() > BY_MAX {
            return Err(AlertError::invalid("by", format!("are at most {BY_MAX} columns")));
        }
        let text = |name: &String| COLUMNS.iter().any(|column| column.name == name && groups(column.kind));
        if let Some(name) = self.by.iter().find(|name| !text(name)) {
            return Err(AlertError::invalid("by", format!("`{name}` is no column that tells groups apart")));
        }
        match (&self.of, self.metric) {
            (Some(_), Metric::Count) => Err(AlertError::invalid("of", "is not for `count`")),
            (None, Metric::Count) => Ok(()),
            (None, _) => Err(AlertError::invalid("of", "names the column that the metric is of")),
            (Some(name), metric) if measured(name, metric) => Ok(()),
            (Some(name), _) => {
                Err(AlertError::invalid("of", format!("`{name}` is no column of numbers, and no `attributes.PATH`")))
            }
        }
    }

    fn check_times(&self, settings: &config::Alerts) -> Result<(), AlertError> {
        if self.every < settings.every_min {
            return Err(AlertError::invalid("every", format!("is at least {} (alerts.every_min)", settings.every_min)));
        }
        if self.window < self.every {
            return Err(AlertError::invalid("window", "is at least `every`, so that every event is in one"));
        }
        let spans = [("window", self.window), ("for", self.hold), ("repeat", self.repeat.unwrap_or(self.every))];
        if let Some((part, _)) = spans.iter().find(|(_, span)| *span > LONGEST) {
            return Err(AlertError::invalid(part, format!("is at most {LONGEST}")));
        }
        if self.repeat.is_some_and(|repeat| repeat < self.every) {
            return Err(AlertError::invalid("repeat", "is at least `every`"));
        }
        Ok(())
    }
}

/// Whether values of a column of this kind tell groups apart.
fn groups(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Int32 | Kind::Int64 | Kind::Bool)
}

/// Whether a metric of what `name` names makes sense.
fn measured(name: &str, metric: Metric) -> bool {
    if let Some(path) = name.strip_prefix("attributes.") {
        return !path.is_empty() && path.split('.').all(|part| !part.is_empty());
    }
    let numeric = |kind| matches!(kind, Kind::Int32 | Kind::Int64 | Kind::Float32);
    let column = COLUMNS.iter().find(|column| column.name == name);
    column.is_some_and(|column| numeric(column.kind) || (metric == Metric::Distinct && groups(column.kind)))
}

impl Channel {
    fn check(&self, mailer: &Mailer) -> Result<(), AlertError> {
        match self {
            Self::Webhook { secret, .. } => match secret {
                Some(secret) if !(SECRET_MIN..=SECRET_MAX).contains(&secret.len()) => {
                    Err(AlertError::invalid("secret", format!("has {SECRET_MIN} to {SECRET_MAX} bytes")))
                }
                _ => Ok(()),
            },
            Self::Email { to } => {
                if to.is_empty() || to.len() > RECIPIENTS_MAX {
                    return Err(AlertError::invalid("to", format!("are 1 to {RECIPIENTS_MAX} addresses")));
                }
                mailer.check(to)
            }
        }
    }

    /// The same as lists show it.
    #[must_use]
    pub fn shown(&self) -> Self {
        match self {
            Self::Webhook { url, .. } => Self::Webhook { url: crate::journal::webhook::shown(url), secret: None },
            Self::Email { to } => Self::Email { to: to.clone() },
        }
    }
}
