-- title: Deliveries
-- description: Every attempt to reach another party: webhooks, messages, couriers, banks, gateways.
--   Attempts of one delivery share their correlation_id and count up in attempt. Sources that name no
--   direction are taken by their modules.
SELECT
    event_time,
    event_id,
    tenant_id,
    source,
    module,
    event_type,
    coalesce(peer_name, module) AS peer,
    object_type,
    object_id,
    url,
    http_method,
    http_status,
    duration_ns / 1000000 AS duration_ms,
    coalesce(outcome = 'failure' OR severity_number >= 17, false) AS failed,
    error_code,
    error_message,
    correlation_id,
    sequence AS attempt,
    request_id,
    date,
    _seq
FROM events
WHERE direction = 'outbound'
    OR (direction IS NULL AND module IN ('webhooks', 'webhook_sendouts', 'sms', 'sms_logs', 'couriers'))
