-- title: GetCourse: event log
-- description: The general list of changes in the school. What is only listed in the history of its
--   object (visibility object: processes and their blocks) is left out here.
SELECT
    event_time,
    object_type,
    object_id,
    event_type,
    actor_id,
    event_id,
    object_name,
    json_as_text(attributes, 'action') AS main_action,
    changes,
    object_before,
    object_after,
    tenant_id,
    module,
    status,
    changed_fields,
    attributes,
    causation_id,
    date,
    _seq
FROM events
WHERE source = 'getcourse' AND dataset = 'event_log' AND (visibility IS NULL OR visibility = 'general')
