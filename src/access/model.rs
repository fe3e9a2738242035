//! What a key is: what it may do, to what it is restricted, how long it lives.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};

use super::{AccessError, KeyId, Scope};
use crate::config::{self, Network, Quota, Span};
use crate::event::globs::{ModuleGlob, ModuleGlobs};
use crate::event::names::ProjectName;
use crate::query::{ObjectRules, Restriction, RowRules};

/// Longest name of a key, in characters.
const NAME_MAX: usize = 200;
/// Most entries of one list of restrictions.
const ENTRIES_MAX: usize = 1_000;

/// What a new key shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What the key is for, for people.
    pub name: String,
    /// `ingest`, `query`, `export`, `admin`, `audit-read`.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<Scope>,
    /// Its project; must be absent for admin keys.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// Mapping of events sent without `?mapping=`.
    #[serde(default)]
    pub mapping: Option<String>,
    /// `source` of events that name none.
    #[serde(default)]
    pub source: Option<String>,
    /// How long it is valid, such as `90d`. Default and most is `access.key_lifetime_max` (365 days);
    /// keys that can only send events may live longer, and do not expire by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "90d")]
    pub expires_in: Option<Span>,
    /// What the key is restricted to.
    #[serde(default)]
    pub restrictions: Restrictions,
    /// What the key may ask for.
    #[serde(default)]
    pub quota: Quota,
}

/// What a key is restricted to; an absent list restricts nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Restrictions {
    /// Modules, as patterns with `*` and `?`: for reading and for sending. Events without a module match none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub modules: Option<Vec<ModuleGlob>>,
    /// Values of `tenant_id`: for reading and for sending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_ids: Option<Vec<String>>,
    /// Values of `dataset`: for reading and for sending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasets: Option<Vec<String>>,
    /// Values of `unit_id` (locations, sites): for reading and for sending. Events without one match none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_ids: Option<Vec<String>>,
    /// Types of objects: events about one of them can be read. With `objects` either is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_types: Option<Vec<String>>,
    /// Objects, as `type:id`: the events of their histories can be read, and those alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<Vec<String>>,
    /// Events with `visibility` `object` cannot be read, not even from their object.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub general_only: bool,
    /// How many days back from now events can be read, by their `event_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookback_days: Option<u32>,
    /// Columns that cannot be read. With any of them, `raw` and `attributes` cannot be read either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked_columns: Option<Vec<String>>,
    /// Networks that the key may be used from, such as `10.0.0.0/8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub sources: Option<Vec<Network>>,
}

/// Whether a key opens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Its secret is valid.
    Active,
    /// So is, for a while, the one before.
    Rotating,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A key as lists show it; times are RFC 3339.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct KeyInfo {
    /// Public id.
    #[schema(value_type = String)]
    pub id: KeyId,
    /// What the key is for, for people.
    pub name: String,
    /// Whether it opens anything.
    pub state: KeyState,
    /// What it may do.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<Scope>,
    /// Its project; none for admin keys.
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// Mapping of events sent without `?mapping=`.
    pub mapping: Option<String>,
    /// `source` of events that name none.
    pub source: Option<String>,
    /// What it is restricted to.
    pub restrictions: Restrictions,
    /// What it may ask for, where it is not what the settings give every key.
    pub quota: Quota,
    /// When it was made.
    #[serde(serialize_with = "instant")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: i64,
    /// When it expires.
    #[serde(serialize_with = "maybe_instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<i64>,
    /// Until when the secret before the last rotation is valid.
    #[serde(serialize_with = "maybe_instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_secret_until: Option<i64>,
    /// When it was revoked.
    #[serde(serialize_with = "maybe_instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<i64>,
    /// When it was last used, to the minute; up to a minute of it is lost in a crash.
    #[serde(serialize_with = "maybe_instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<i64>,
}

/// Seconds since 1970 as RFC 3339.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn instant<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let time = DateTime::<Utc>::from_timestamp(*seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn maybe_instant<S: Serializer>(seconds: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match seconds {
        Some(seconds) => instant(seconds, serializer),
        None => serializer.serialize_none(),
    }
}

impl NewKey {
    /// A key without mapping, source, restrictions and a wish for its lifetime.
    #[must_use]
    pub fn plain(name: &str, scopes: &[Scope], project: Option<ProjectName>) -> Self {
        Self {
            name: name.into(),
            scopes: scopes.to_vec(),
            project,
            mapping: None,
            source: None,
            expires_in: None,
            restrictions: Restrictions::default(),
            quota: Quota::default(),
        }
    }

    /// Refuses keys that cannot exist.
    pub(super) fn check(&self) -> Result<(), AccessError> {
        let has = |scope| self.scopes.contains(&scope);
        let admin = has(Scope::Admin);
        let refuse = |text: &str| Err(AccessError::BadKey(text.into()));
        if self.name.trim().is_empty() || self.name.chars().count() > NAME_MAX {
            return Err(AccessError::BadKey(format!("the name of a key has 1 to {NAME_MAX} characters")));
        }
        if self.scopes.is_empty() {
            return refuse("a key needs at least one scope");
        }
        if admin && self.project.is_some() {
            return refuse("an admin key belongs to no project");
        }
        if !admin && self.project.is_none() {
            return refuse("a key without the scope `admin` needs a project");
        }
        let about_audit = self.project.as_ref().is_some_and(ProjectName::is_audit);
        if about_audit && self.scopes.iter().any(|scope| *scope != Scope::AuditRead) {
            return refuse("a key of the project `_audit` has the scope `audit-read` and no other");
        }
        let reads = [Scope::Query, Scope::Export, Scope::Restore, Scope::AuditRead].into_iter().any(has);
        let restrictions = &self.restrictions;
        let (both_ways, reading) = (restrictions.of_both_ways(), restrictions.of_reading());
        if admin && (both_ways || reading) {
            return refuse("an admin key can do everything: only `sources` restricts it");
        }
        if reading && !reads {
            return refuse(
                "`object_types`, `objects`, `general_only`, `lookback_days` and `masked_columns` are for keys with the \
                 scope `query`, `export`, `restore` or `audit-read`",
            );
        }
        if both_ways && !reads && !has(Scope::Ingest) {
            return refuse(
                "`modules`, `tenant_ids`, `datasets` and `unit_ids` are for keys with a scope that reads or sends events",
            );
        }
        restrictions.check()
    }

    /// When a key of these scopes, made or rotated at `now_s`, expires.
    pub(super) fn expiry(
        scopes: &[Scope],
        wanted: Option<Span>,
        rules: &config::Access,
        now_s: i64,
    ) -> Result<Option<i64>, AccessError> {
        let limit = rules.key_lifetime_max;
        let must_expire = scopes.iter().any(|scope| *scope != Scope::Ingest);
        let lifetime = match wanted {
            None if must_expire => limit,
            None => return Ok(None),
            Some(wanted) if wanted.0.as_secs() == 0 => {
                return Err(AccessError::BadKey("`expires_in` is at least one second".into()));
            }
            Some(wanted) if must_expire && wanted > limit => {
                return Err(AccessError::BadKey(format!(
                    "`expires_in` is {wanted}; a key that does more than send events lives {limit} at most (`access.key_lifetime_max`)"
                )));
            }
            Some(wanted) => wanted,
        };
        Ok(Some(now_s.saturating_add(i64::try_from(lifetime.0.as_secs()).unwrap_or(i64::MAX))))
    }
}

impl Restrictions {
    /// Whether a part holds for reading and for sending.
    fn of_both_ways(&self) -> bool {
        self.modules.is_some() || self.tenant_ids.is_some() || self.datasets.is_some() || self.unit_ids.is_some()
    }

    /// Whether a part holds for reading only.
    fn of_reading(&self) -> bool {
        self.object_types.is_some()
            || self.objects.is_some()
            || self.general_only
            || self.lookback_days.is_some()
            || self.masked_columns.is_some()
    }

    fn check(&self) -> Result<(), AccessError> {
        let texts = [
            ("tenant_ids", &self.tenant_ids),
            ("datasets", &self.datasets),
            ("unit_ids", &self.unit_ids),
            ("object_types", &self.object_types),
            ("objects", &self.objects),
            ("masked_columns", &self.masked_columns),
        ];
        let lengths = texts.iter().map(|(name, list)| (*name, list.as_ref().map(Vec::len)));
        let others =
            [("modules", self.modules.as_ref().map(Vec::len)), ("sources", self.sources.as_ref().map(Vec::len))];
        for (name, length) in lengths.chain(others) {
            check_length(name, length)?;
        }
        if self.lookback_days == Some(0) {
            return Err(AccessError::BadKey("`lookback_days` is at least 1".into()));
        }
        let masked = self.masked_columns.iter().flatten();
        if let Some(column) = masked.into_iter().find(|column| !Restriction::can_mask(column)) {
            return Err(AccessError::BadKey(format!(
                "`{column}` cannot be masked: it is no column of the model, or the time that events are ordered by"
            )));
        }
        if let Some(object) = self.objects.iter().flatten().find(|object| !is_object_ref(object)) {
            return Err(AccessError::BadKey(format!(
                "`{object}` is no object: write `type:id`, such as `order:55042`; whole types go to `object_types`"
            )));
        }
        self.compile().map(|_| ())
    }

    /// What the rows and columns are restricted to, ready for use; `None` where they are not.
    pub(super) fn compile(&self) -> Result<Option<Restriction>, AccessError> {
        let modules = self.modules.as_deref().map(ModuleGlobs::new).transpose();
        let (types, refs) = (self.object_types.clone(), self.objects.clone());
        let objects = (types.is_some() || refs.is_some())
            .then(|| ObjectRules { types: types.unwrap_or_default(), refs: refs.unwrap_or_default() });
        let rows = RowRules {
            modules: modules.map_err(|error| AccessError::BadKey(error.to_string()))?,
            tenant_ids: self.tenant_ids.clone(),
            datasets: self.datasets.clone(),
            unit_ids: self.unit_ids.clone(),
            objects,
            general_only: self.general_only,
            lookback_days: self.lookback_days,
        };
        let masked = self.masked_columns.as_deref().unwrap_or_default();
        Ok((!rows.is_empty() || !masked.is_empty()).then(|| Restriction::new(rows, masked)))
    }
}

fn check_length(name: &str, length: Option<usize>) -> Result<(), AccessError> {
    match length {
        Some(0) => Err(AccessError::BadKey(format!("`{name}` is empty: leave it out where it restricts nothing"))),
        Some(length) if length > ENTRIES_MAX => {
            Err(AccessError::BadKey(format!("`{name}` has {length} entries; {ENTRIES_MAX} at most")))
        }
        _ => Ok(()),
    }
}

/// Whether `text` is an entry of `object_refs`: a type and an id.
fn is_object_ref(text: &str) -> bool {
    text.split_once(':').is_some_and(|(kind, id)| !kind.is_empty() && !id.is_empty())
}
