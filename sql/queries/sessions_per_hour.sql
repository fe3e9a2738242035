-- title: Sessions per hour
-- description: Sessions by the hour (UTC) in which they had their first event of the range, with their
--   events and their mean length.
-- param: from timestamp = now-24h | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: tenant text = null | Only this tenant
-- param: unit text = null | Only this website or location
SELECT
    date_trunc('hour', started) AS hour,
    count(*) AS sessions,
    sum(events) AS events,
    round(avg(events), 2) AS events_per_session,
    round(avg(CAST(ended AS BIGINT) - CAST(started AS BIGINT)) / 1e6, 1) AS mean_seconds
FROM (
    SELECT
        tenant_id,
        source,
        session_id,
        min(event_time) AS started,
        max(event_time) AS ended,
        count(*) AS events
    FROM events
    WHERE event_time >= $from
        AND event_time < $to
        AND session_id IS NOT NULL
        AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
        AND (CAST($unit AS VARCHAR) IS NULL OR unit_id = $unit)
    GROUP BY tenant_id, source, session_id
)
GROUP BY 1
ORDER BY hour
