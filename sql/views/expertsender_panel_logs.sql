-- title: ExpertSender: panel logs
-- description: What users did in the panel: address, method, status, user, IP address, processing time.
SELECT
    event_id,
    event_time,
    url,
    http_method,
    http_status,
    actor_email,
    client_address,
    actor_id,
    duration_ns / 1000000 AS duration_ms,
    tenant_id,
    outcome,
    date,
    _seq
FROM events
WHERE source = 'expertsender' AND dataset = 'panel_logs'
