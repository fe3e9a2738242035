-- title: RemOnline: event log
-- description: The report of all employees' actions: when, where, who, with what, what happened, and the
--   rest. The kind is one of create, delete, update, other.
SELECT
    event_time,
    unit_name AS location,
    actor_name AS employee,
    object_name AS object,
    event_type,
    message AS additional,
    event_id,
    tenant_id,
    unit_id,
    actor_id,
    object_type,
    object_id,
    module,
    CASE
        WHEN action IN ('create', 'delete') THEN action
        WHEN action IN ('update', 'complete', 'reopen') THEN 'update'
        ELSE 'other'
    END AS kind,
    changes,
    attachments,
    client_address,
    causation_id,
    date,
    _seq
FROM events
WHERE source = 'remonline' AND dataset = 'event_log'
