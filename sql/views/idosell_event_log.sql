-- title: IdoSell: event log
-- description: The shop's journal of all its modules: kind of operation, exact time, who or what
--   started it, the other party, the exact request and response.
SELECT
    event_time,
    event_id,
    tenant_id,
    module,
    submodule,
    event_type,
    actor_type,
    actor_name,
    peer_name,
    direction,
    object_type,
    object_id,
    outcome,
    error_code,
    error_message,
    message,
    http_method,
    url,
    http_status,
    duration_ns / 1000000 AS duration_ms,
    request_body,
    request_body_size,
    response_body,
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
