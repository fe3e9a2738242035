-- title: Voucherify: webhook send-outs
-- description: Every attempt to call a webhook: status, target, request id, data sent, error. Attempts of
--   one send-out share its id.
SELECT
    event_time,
    event_id,
    tenant_id,
    coalesce(correlation_id, object_id) AS sendout_id,
    sequence AS attempt,
    event_type AS type,
    status,
    outcome,
    url AS target_url,
    http_status,
    request_id,
    duration_ns / 1000000 AS duration_ms,
    request_body AS data,
    error_code,
    error_message,
    date,
    _seq
FROM events
WHERE source = 'voucherify' AND dataset = 'webhook_sendouts'
