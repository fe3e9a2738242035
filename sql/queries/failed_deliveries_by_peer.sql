-- title: Failed deliveries by peer
-- description: Attempts to reach each other party (webhooks, messages, couriers, banks), how many failed,
--   and the last error.
-- param: from timestamp = now-7d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: tenant text = null | Only this tenant
-- param: min_failures integer = 1 | Leave out peers with fewer failures
SELECT
    source,
    module,
    peer,
    count(*) AS attempts,
    count(*) FILTER (WHERE failed) AS failures,
    round(100.0 * count(*) FILTER (WHERE failed) / count(*), 2) AS failure_percent,
    max(event_time) FILTER (WHERE failed) AS last_failure,
    last_value(coalesce(error_message, error_code, CAST(http_status AS VARCHAR)) ORDER BY event_time, _seq)
        FILTER (WHERE failed) AS last_error
FROM deliveries
WHERE event_time >= $from
    AND event_time < $to
    AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
GROUP BY source, module, peer
HAVING count(*) FILTER (WHERE failed) >= $min_failures
ORDER BY failures DESC, source, module, peer
