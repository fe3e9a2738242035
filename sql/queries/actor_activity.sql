-- title: What one actor did
-- description: The latest events of one employee, user, customer or key.
-- param: actor text | Identifier of the actor
-- param: from timestamp = now-7d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: source text = null | Only this source system
-- param: limit integer = 100 | Most rows
SELECT
    event_time,
    source,
    module,
    event_type,
    action,
    outcome,
    object_type,
    object_id,
    object_name,
    message,
    client_address,
    url,
    http_status,
    event_id
FROM events
WHERE actor_id = $actor
    AND event_time >= $from
    AND event_time < $to
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
ORDER BY event_time DESC, _seq DESC
LIMIT $limit
