//! Alerts that most people want, ready to be made with a channel.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::AlertError;

/// A ready-made alert.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Template {
    /// Its name in `template`.
    pub id: &'static str,
    /// What it finds, in a sentence.
    pub description: &'static str,
    /// The alert that it makes; members of the request take the place of its own.
    #[schema(value_type = Object)]
    pub alert: Value,
}

/// Logins of the window with an address from which nobody of that name logged in during the 90 days before.
const NEW_ADDRESS: &str = "SELECT coalesce(actor_email, actor_id, actor_name) AS actor, client_address, count(*) AS value FROM events \
    WHERE action = 'login' AND (outcome IS DISTINCT FROM 'failure') AND client_address IS NOT NULL \
    AND event_time >= CAST($from AS TIMESTAMP) - INTERVAL '90 days' AND observed_time < $to \
    GROUP BY 1, 2 HAVING min(observed_time) >= $from";

/// Minutes since the last event of each source that sent any in the week before.
const SILENT: &str = "SELECT source, (extract(epoch FROM CAST($to AS TIMESTAMP)) - extract(epoch FROM max(observed_time))) / 60 AS value \
    FROM events WHERE source <> 'kronika' AND observed_time < $to AND event_time >= CAST($from AS TIMESTAMP) - INTERVAL '7 days' GROUP BY source";

/// All of them.
#[must_use]
pub fn templates() -> Vec<Template> {
    let some = json!({"op": ">=", "value": 1});
    vec![
        Template {
            id: "task_failed",
            description: "A background task has failed: one alert for each task.",
            alert: json!({"name": "Task failed", "filter": {"task_status": "failed"}, "by": ["source", "task_id"],
                "condition": some, "window": "15m", "every": "1m"}),
        },
        Template {
            id: "peer_errors",
            description: "A courier, bank, gateway or other peer answers with errors of its own (5xx): one alert for each.",
            alert: json!({"name": "Errors of a peer", "filter": {"has": "peer_name", "http_status>": "500", "http_status<": "599"},
                "by": ["peer_name"], "condition": {"op": ">=", "value": 5}, "window": "10m", "every": "1m"}),
        },
        Template {
            id: "mass_deletion",
            description: "Somebody deletes much in little time: one alert for each actor.",
            alert: json!({"name": "Mass deletion", "filter": {"action": "delete"}, "by": ["actor_id"],
                "condition": {"op": ">=", "value": 50}, "window": "10m", "every": "1m"}),
        },
        Template {
            id: "right_granted",
            description: "A right, role or access was granted.",
            alert: json!({"name": "Right granted", "filter": {"any": [
                    {"event_type~": ["permission", "right", "role", "access_granted"], "action": ["create", "update"]},
                    {"object_type": ["permission", "right", "role", "access"], "action": ["create", "update"]}]},
                "by": ["source", "event_type", "object_id"], "condition": some, "window": "15m", "every": "1m"}),
        },
        Template {
            id: "login_new_address",
            description: "Somebody logs in from an address that was not theirs in the last 90 days.",
            alert: json!({"name": "Login from a new address", "sql": NEW_ADDRESS, "condition": some, "window": "15m", "every": "1m"}),
        },
        Template {
            id: "source_silent",
            description: "A source that sends events has sent none for an hour: one alert for each.",
            alert: json!({"name": "Source silent", "sql": SILENT, "condition": {"op": ">=", "value": 60}, "window": "1h", "every": "5m"}),
        },
    ]
}

/// What a request asks for, with what its `template` says where it says nothing itself.
///
/// # Errors
/// No such template.
pub fn with_template(mut asked: Map<String, Value>) -> Result<Map<String, Value>, AlertError> {
    let Some(name) = asked.shift_remove("template") else { return Ok(asked) };
    let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let all = templates();
    let Some(template) = all.iter().find(|template| template.id == name) else {
        let known = all.iter().map(|template| template.id).collect::<Vec<_>>().join(", ");
        return Err(AlertError::UnknownTemplate { name, known });
    };
    let mut alert = template.alert.as_object().cloned().unwrap_or_default();
    // Another question takes the place of the template's, whichever form it has.
    if asked.contains_key("filter") || asked.contains_key("sql") {
        for member in ["filter", "sql", "by"] {
            alert.shift_remove(member);
        }
    }
    alert.extend(asked);
    Ok(alert)
}
