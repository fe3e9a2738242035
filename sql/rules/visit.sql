-- title: Visits
-- description: One for each session, at its beginning: somebody came to the site.
-- param: from timestamp = now-7d | Sessions that began from here on
-- param: to timestamp = now | … and before here
-- param: as_of timestamp = now | The moment from which it is judged; nothing later is seen
-- param: source text = null | Only this source system
-- param: limit integer = 1000 | Most rows
SELECT
    'visit' AS rule,
    min(event_time) AS event_time,
    tenant_id,
    source,
    session_id,
    max(visitor_id) AS visitor_id,
    max(actor_email) AS actor_email,
    first_value(object_type ORDER BY event_time, sequence, _seq) AS object_type,
    first_value(object_id ORDER BY event_time, sequence, _seq) AS object_id,
    CAST(NULL AS DOUBLE) AS value,
    first_value(event_id ORDER BY event_time, sequence, _seq) AS because_of_event_id,
    CAST(NULL AS VARCHAR) AS recorded_event_id
FROM events
WHERE session_id IS NOT NULL
    AND event_time <= $as_of
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
GROUP BY tenant_id, source, session_id
HAVING min(event_time) >= $from AND min(event_time) < $to
ORDER BY event_time DESC, session_id
LIMIT $limit
