-- title: Modules at a glance
-- description: Every module with its events, failures, actors, objects' types and last event.
-- param: from timestamp = now-7d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: tenant text = null | Only this tenant
SELECT
    source,
    module,
    count(*) AS events,
    count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 17) AS failures,
    count(DISTINCT event_type) AS event_types,
    count(DISTINCT object_type) AS object_types,
    count(DISTINCT actor_id) AS actors,
    max(event_time) AS last_event
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
GROUP BY source, module
ORDER BY events DESC, source, module
