-- title: HTTP calls
-- description: Every call in either direction. The route is the source's own endpoint name, or the
--   path with numbers replaced by :id and without its query.
SELECT
    event_time,
    event_id,
    tenant_id,
    source,
    dataset,
    module,
    event_type,
    direction,
    peer_name,
    http_method,
    coalesce(http_route, regexp_replace(split_part(url, '?', 1), '[0-9]+', ':id', 'g')) AS route,
    url,
    http_status,
    duration_ns / 1000000 AS duration_ms,
    coalesce(outcome = 'failure' OR severity_number >= 17 OR http_status >= 400, false) AS failed,
    error_code,
    error_message,
    credential_type,
    credential_id,
    actor_id,
    actor_email,
    client_address,
    request_id,
    request_body,
    request_body_size,
    response_body,
    response_body_size,
    date,
    _seq
FROM events
WHERE http_method IS NOT NULL OR http_status IS NOT NULL
