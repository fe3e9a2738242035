-- title: Response times by route
-- description: Exact percentiles of the processing time in milliseconds for each method and route. A call
--   without a route is counted under its path, with numbers replaced by :id.
-- param: from timestamp = now-7d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: source text = null | Only this source system
-- param: module text = null | Only this module
-- param: limit integer = 50 | Most rows
SELECT
    http_method,
    coalesce(http_route, regexp_replace(split_part(url, '?', 1), '[0-9]+', ':id', 'g')) AS route,
    count(*) AS calls,
    count(*) FILTER (WHERE http_status >= 500) AS server_errors,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ns) / 1e6 AS p50_ms,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ns) / 1e6 AS p95_ms,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_ns) / 1e6 AS p99_ms,
    max(duration_ns) / 1e6 AS max_ms
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND http_method IS NOT NULL
    AND duration_ns IS NOT NULL
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
    AND (CAST($module AS VARCHAR) IS NULL OR module = $module)
GROUP BY 1, 2
ORDER BY calls DESC, 1, 2
LIMIT $limit
