-- title: Employees by location
-- description: What the employees of each location did: created, changed, deleted, and everything else.
-- param: from timestamp = now-30d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: units text_list = null | Only these locations
-- param: source text = null | Only this source system
-- param: limit integer = 1000 | Most rows
SELECT
    source,
    unit_id,
    max(unit_name) AS unit_name,
    actor_id,
    max(coalesce(actor_name, actor_email)) AS actor_name,
    count(*) FILTER (WHERE action = 'create') AS created,
    count(*) FILTER (WHERE action IN ('update', 'complete', 'reopen')) AS changed,
    count(*) FILTER (WHERE action = 'delete') AS deleted,
    count(*) AS events,
    max(event_time) AS last_event
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND unit_id IS NOT NULL
    AND actor_id IS NOT NULL
    AND (CAST($units AS VARCHAR[]) IS NULL OR array_has(CAST($units AS VARCHAR[]), unit_id))
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
GROUP BY source, unit_id, actor_id
ORDER BY events DESC, source, unit_id, actor_id
LIMIT $limit
