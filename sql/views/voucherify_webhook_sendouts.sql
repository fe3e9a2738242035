-- title: Voucherify: webhook send-outs
-- description: Every attempt to call a webhook: status, target, request id, data sent, error. Attempts of
--   one send-out share its id.
SELECT
    status,
    event_type,
    coalesce(correlation_id, object_id) AS sendout_id,
    sequence AS attempt,
    channel,
    url,
    request_id,
    json_as_text(attributes, 'created') AS created,
    event_time,
    request_body,
    error_message,
    event_id,
    tenant_id,
    outcome,
    http_status,
    duration_ns / 1000000 AS duration_ms,
    error_code,
    date,
    _seq
FROM events
WHERE source = 'voucherify' AND dataset = 'webhook_sendouts'
