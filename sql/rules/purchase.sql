-- title: Purchases
-- description: One for each order that somebody known by a session, a visitor or an e-mail has finished.
-- param: from timestamp = now-7d | Purchases from here on
-- param: to timestamp = now | … and before here
-- param: as_of timestamp = now | The moment from which it is judged; nothing later is seen
-- param: source text = null | Only this source system
-- param: limit integer = 1000 | Most rows
SELECT
    'purchase' AS rule,
    min(event_time) AS event_time,
    tenant_id,
    source,
    max(session_id) AS session_id,
    max(visitor_id) AS visitor_id,
    max(actor_email) AS actor_email,
    object_type,
    object_id,
    max(coalesce(TRY_CAST(json_as_text(attributes, 'value') AS DOUBLE), TRY_CAST(json_as_text(attributes, 'cart_value') AS DOUBLE))) AS value,
    first_value(event_id ORDER BY event_time, sequence, _seq) AS because_of_event_id,
    first_value(event_id ORDER BY event_time, sequence, _seq) FILTER (WHERE event_type = 'FinalizedTransaction') AS recorded_event_id
FROM events
WHERE (event_type IN ('FinalizedTransaction', 'VisitOnSalePage') OR object_type = 'order' AND action IN ('create', 'complete'))
    AND coalesce(session_id, visitor_id, actor_email) IS NOT NULL
    AND (outcome IS DISTINCT FROM 'failure')
    AND event_time <= $as_of
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
GROUP BY tenant_id, source, object_type, object_id
HAVING min(event_time) >= $from AND min(event_time) < $to
ORDER BY event_time DESC, object_id
LIMIT $limit
