-- title: HTTP status codes by hour
-- description: Calls of each status code in each hour (UTC).
-- param: from timestamp = now-24h | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: tenant text = null | Only this tenant
-- param: source text = null | Only this source system
-- param: min_status integer = 100 | Lowest status code; 400 shows failures only
SELECT date_trunc('hour', event_time) AS hour, http_status, count(*) AS calls
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND http_status >= $min_status
    AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
GROUP BY 1, 2
ORDER BY hour, http_status
