-- title: Most active actors
-- description: Who caused most events, what kind of actor they are, how many events failed, and when last.
-- param: from timestamp = now-30d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: actor_type text = null | Only employee, user, customer, api_key, system …
-- param: tenant text = null | Only this tenant
-- param: limit integer = 20 | Most rows
SELECT
    source,
    actor_id,
    max(actor_type) AS actor_type,
    max(coalesce(actor_name, actor_email)) AS actor_name,
    count(*) AS events,
    count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 17) AS failures,
    max(event_time) AS last_event
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND actor_id IS NOT NULL
    AND (CAST($actor_type AS VARCHAR) IS NULL OR actor_type = $actor_type)
    AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
GROUP BY source, actor_id
ORDER BY events DESC, source, actor_id
LIMIT $limit
