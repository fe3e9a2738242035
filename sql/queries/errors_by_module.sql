-- title: Errors by module and day
-- description: How many events failed (outcome failure, or severity error and up) in each module on each
--   UTC day, and their share of the module's events of that day. Days without a failure are left out.
-- param: from timestamp = now-7d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: tenant text = null | Only this tenant
-- param: source text = null | Only this source system
SELECT day, module, errors, events, round(100.0 * errors / events, 2) AS error_percent
FROM (
    SELECT
        date AS day,
        module,
        count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 17) AS errors,
        count(*) AS events
    FROM events
    WHERE event_time >= $from
        AND event_time < $to
        AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
        AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
    GROUP BY date, module
)
WHERE errors > 0
ORDER BY day, errors DESC, module
