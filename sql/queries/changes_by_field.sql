-- title: Changes by field
-- description: Which fields of which objects are changed most, by how many actors, and when last.
-- param: from timestamp = now-30d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: object_type text = null | Only order, user, product …
-- param: source text = null | Only this source system
-- param: limit integer = 100 | Most rows
SELECT
    source,
    object_type,
    path,
    count(*) AS changes,
    count(*) FILTER (WHERE op = 'add') AS added,
    count(*) FILTER (WHERE op = 'remove') AS removed,
    count(DISTINCT object_id) AS objects,
    count(DISTINCT actor_id) AS actors,
    max(event_time) AS last_change
FROM changes
WHERE event_time >= $from
    AND event_time < $to
    AND (CAST($object_type AS VARCHAR) IS NULL OR object_type = $object_type)
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
GROUP BY source, object_type, path
ORDER BY changes DESC, source, object_type, path
LIMIT $limit
