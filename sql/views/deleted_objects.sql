-- title: Deleted objects
-- description: Objects that are deleted now: the last successful create, update, delete or restore of
--   them is a delete. The snapshot is what a restore needs.
SELECT
    tenant_id,
    source,
    object_type,
    object_id,
    object_name,
    event_time AS deleted_at,
    event_id AS deleted_by_event_id,
    actor_id AS deleted_by_id,
    actor_name AS deleted_by_name,
    object_before AS snapshot
FROM (
    SELECT
        tenant_id,
        source,
        object_type,
        object_id,
        max(object_name) AS object_name,
        max(event_time) AS event_time,
        last_value(action ORDER BY event_time, sequence, _seq) AS action,
        last_value(event_id ORDER BY event_time, sequence, _seq) AS event_id,
        last_value(actor_id ORDER BY event_time, sequence, _seq) AS actor_id,
        last_value(actor_name ORDER BY event_time, sequence, _seq) AS actor_name,
        last_value(object_before ORDER BY event_time, sequence, _seq) AS object_before
    FROM events
    WHERE action IN ('create', 'update', 'delete', 'restore')
        AND object_id IS NOT NULL
        AND object_id <> '-'
        AND outcome IS DISTINCT FROM 'failure'
    GROUP BY tenant_id, source, object_type, object_id
)
WHERE action = 'delete'
