-- title: Voucherify: logs
-- description: Calls to the API, from the dashboard, from servers and from clients: origin, endpoint,
--   status, user or key, duration, request and response.
SELECT
    event_id,
    event_time,
    tenant_id,
    outcome,
    http_status,
    channel,
    http_method,
    http_route AS endpoint,
    url,
    request_id,
    actor_type,
    actor_id,
    actor_email,
    CASE WHEN credential_type = 'server_key' THEN credential_id END AS server_side_key,
    CASE WHEN credential_type = 'client_key' THEN credential_id END AS client_side_key,
    duration_ns / 1000000 AS duration_ms,
    object_type,
    object_id,
    related,
    request_body,
    response_body,
    correlation_id AS async_action_id,
    attachments,
    date,
    _seq
FROM events
WHERE source = 'voucherify' AND dataset = 'logs'
