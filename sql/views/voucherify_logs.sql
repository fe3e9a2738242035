-- title: Voucherify: logs
-- description: Calls to the API, from the dashboard, from servers and from clients: origin, endpoint,
--   status, user or key, duration, request and response.
SELECT
    event_id,
    event_time,
    outcome,
    request_id,
    channel,
    http_method,
    http_route,
    url,
    actor_email,
    CASE WHEN credential_type = 'server_key' THEN credential_id END AS server_side_key,
    CASE WHEN credential_type = 'client_key' THEN credential_id END AS client_side_key,
    duration_ns / 1000000 AS duration_ms,
    request_body,
    response_body,
    correlation_id AS async_action_id,
    related,
    tenant_id,
    http_status,
    actor_type,
    actor_id,
    object_type,
    object_id,
    attachments,
    date,
    _seq,
    credential_type,
    credential_id
FROM events
WHERE source = 'voucherify' AND dataset = 'logs'
