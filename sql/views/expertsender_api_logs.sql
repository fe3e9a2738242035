-- title: ExpertSender: API logs
-- description: Requests to the API of a business unit: address, method, status, key, IP address, request id.
SELECT
    event_id,
    event_time,
    url,
    http_method,
    http_status,
    credential_id,
    client_address,
    request_id,
    duration_ns / 1000000 AS duration_ms,
    tenant_id,
    http_route,
    outcome,
    error_message,
    date,
    _seq
FROM events
WHERE source = 'expertsender' AND dataset = 'api_logs'
