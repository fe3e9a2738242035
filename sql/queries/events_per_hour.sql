-- title: Events per hour
-- description: Events and failures of each hour (UTC), of some modules or of all.
-- param: from timestamp = now-24h | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: modules text_list = null | Only these modules
-- param: tenant text = null | Only this tenant
-- param: source text = null | Only this source system
SELECT
    date_trunc('hour', event_time) AS hour,
    count(*) AS events,
    count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 17) AS failures
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND (CAST($modules AS VARCHAR[]) IS NULL OR array_has(CAST($modules AS VARCHAR[]), module))
    AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
GROUP BY 1
ORDER BY hour
