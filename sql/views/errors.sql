-- title: Errors
-- description: Every event that failed by its outcome, or whose severity is error (17) and up.
SELECT
    event_time,
    event_id,
    tenant_id,
    source,
    dataset,
    module,
    event_type,
    severity_number,
    severity_text,
    outcome,
    error_code,
    error_message,
    message,
    http_status,
    peer_name,
    actor_type,
    actor_id,
    actor_name,
    actor_email,
    object_type,
    object_id,
    request_id,
    session_id,
    task_id,
    correlation_id,
    date,
    _seq
FROM events
WHERE outcome = 'failure' OR severity_number >= 17
