-- title: Slowest calls
-- description: The calls that took longest, with the other party and the answer's status.
-- param: from timestamp = now-24h | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: source text = null | Only this source system
-- param: module text = null | Only this module
-- param: limit integer = 50 | Most rows
SELECT
    duration_ns / 1e6 AS duration_ms,
    event_time,
    source,
    module,
    event_type,
    peer_name,
    http_method,
    url,
    http_status,
    error_message,
    request_id,
    event_id
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND http_status IS NOT NULL
    AND duration_ns IS NOT NULL
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
    AND (CAST($module AS VARCHAR) IS NULL OR module = $module)
ORDER BY duration_ns DESC, event_time DESC, _seq DESC
LIMIT $limit
