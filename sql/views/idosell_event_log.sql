-- title: IdoSell: event log
-- description: The shop's journal of all its modules: kind of operation, exact time, who or what
--   started it, the other party, the exact request and response.
SELECT
    event_type,
    event_time,
    actor_name,
    request_body,
    response_body,
    module,
    submodule,
    peer_name,
    object_id,
    error_message,
    url,
    http_method,
    outcome,
    event_id,
    tenant_id,
    actor_type,
    direction,
    object_type,
    error_code,
    message,
    http_status,
    duration_ns / 1000000 AS duration_ms,
    request_body_size,
    response_body_size,
    task_id,
    task_status,
    task_progress,
    correlation_id,
    attributes,
    date,
    _seq
FROM events
WHERE source = 'idosell' AND dataset = 'event_log'
