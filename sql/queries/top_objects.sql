-- title: Busiest objects
-- description: Objects with most events, how many of them failed, and when the last one happened.
-- param: from timestamp = now-7d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: object_type text = null | Only order, product, payment …
-- param: module text = null | Only this module
-- param: limit integer = 20 | Most rows
SELECT
    source,
    object_type,
    object_id,
    max(object_name) AS object_name,
    count(*) AS events,
    count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 17) AS failures,
    max(event_time) AS last_event
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND object_id IS NOT NULL
    AND object_id <> '-'
    AND (CAST($object_type AS VARCHAR) IS NULL OR object_type = $object_type)
    AND (CAST($module AS VARCHAR) IS NULL OR module = $module)
GROUP BY source, object_type, object_id
ORDER BY events DESC, source, object_type, object_id
LIMIT $limit
