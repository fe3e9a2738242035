-- title: GetCourse: event log
-- description: The general list of changes in the school. What is only listed in the history of its
--   object (visibility object: processes and their blocks) is left out here.
SELECT
    event_time,
    event_id,
    tenant_id,
    module,
    event_type,
    object_type,
    object_id,
    object_name,
    actor_id,
    status,
    changed_fields,
    changes,
    object_before,
    object_after,
    attributes,
    causation_id,
    date,
    _seq
FROM events
WHERE source = 'getcourse' AND dataset = 'event_log' AND (visibility IS NULL OR visibility = 'general')
