-- title: ExpertSender: panel logs
-- description: What users did in the panel: address, method, status, user, IP address, processing time.
SELECT
    event_id,
    event_time,
    tenant_id,
    url,
    http_method,
    http_status,
    outcome,
    actor_email,
    client_address,
    actor_id,
    duration_ns / 1000000 AS duration_ms,
    date,
    _seq
FROM events
WHERE source = 'expertsender' AND dataset = 'panel_logs'
