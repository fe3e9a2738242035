//! What belongs to an object: its items, files, comments, blocks, each with its last event.

use super::ObjectRef;
use crate::journal::Statement;
use crate::journal::lookup::Narrow;

/// Role under which a part names what it belongs to.
const PARENT: &str = "parent";

/// What is asked for the parts of an object: objects that name it as their parent, and those that it names as its
/// children. With `role`, objects that name it in that role; `any` is all roles.
#[must_use]
pub fn children(object: &ObjectRef, role: Option<&str>, limit: usize) -> Statement {
    let mut ask = Statement::default();
    let named = object.named_in(&mut ask);
    let (kind, id) = (ask.value("type", object.kind.as_str()), ask.value("id", object.id.as_str()));
    let role = role.unwrap_or(PARENT);
    let as_role = match role {
        "any" => String::new(),
        role => format!(" AND r['role'] = {}", ask.value("role", role)),
    };
    let order = "ORDER BY event_time, sequence, _seq";
    let own = if role == PARENT || role == "any" { named_as_child(&kind, &id, &object.narrow) } else { String::new() };
    ask.sql = format!(
        "SELECT
    tenant_id,
    source,
    object_type AS type,
    object_id AS id,
    role,
    last_value(object_name {order}) FILTER (WHERE object_name IS NOT NULL) AS name,
    count(*) AS events,
    min(event_time) AS first_event_at,
    max(event_time) AS last_event_at,
    last_value(event_id {order}) AS last_event_id,
    last_value(event_type {order}) AS last_event_type,
    last_value(action {order}) AS last_action,
    last_value(own_action {order}) FILTER (WHERE own_action IS NOT NULL) = 'delete' AS deleted
FROM (
    SELECT
        tenant_id, source, object_type, object_id, object_name, r['role'] AS role, event_time, sequence, _seq,
        event_id, event_type, action,
        CASE WHEN action IN ('create', 'update', 'delete', 'restore') AND outcome IS DISTINCT FROM 'failure' THEN action END AS own_action
    FROM (SELECT *, unnest(related) AS r FROM events WHERE {named})
    WHERE r['type'] = {kind} AND r['id'] = {id}{as_role} AND object_id IS NOT NULL AND object_id <> '-'
        AND ((object_type IS DISTINCT FROM {kind}) OR (object_id IS DISTINCT FROM {id})){own}
)
GROUP BY tenant_id, source, object_type, object_id, role
ORDER BY last_event_at DESC, type, id, tenant_id, source, role
LIMIT {limit}"
    );
    ask
}

/// Children that the object's own events name.
fn named_as_child(kind: &str, id: &str, narrow: &Narrow) -> String {
    let mut unused = Statement::default();
    // The placeholders are those that the first half has given values to.
    let narrow = narrow.condition(&mut unused);
    format!(
        "
    UNION ALL
    SELECT
        tenant_id, source, r['type'], r['id'], r['name'], r['role'], event_time, sequence, _seq,
        event_id, event_type, action, CAST(NULL AS VARCHAR)
    FROM (SELECT *, unnest(related) AS r FROM events WHERE object_type = {kind} AND object_id = {id}{narrow})
    WHERE r['role'] = 'child' AND r['id'] IS NOT NULL"
    )
}
