-- title: Changes
-- description: One row for each changed field: who changed what of which object, from what to what.
--   op is add, remove, replace, or set where the old value is not known; before and after are JSON text.
SELECT
    event_id,
    event_time,
    tenant_id,
    source,
    module,
    event_type,
    actor_id,
    actor_name,
    object_type,
    object_id,
    object_name,
    change['path'] AS path,
    change['op'] AS op,
    change['before'] AS before,
    change['after'] AS after,
    visibility,
    date,
    _seq
FROM (
    SELECT
        event_id,
        event_time,
        tenant_id,
        source,
        module,
        event_type,
        actor_id,
        actor_name,
        object_type,
        object_id,
        object_name,
        unnest(changes) AS change,
        visibility,
        date,
        _seq
    FROM events
    WHERE changes IS NOT NULL
)
