-- title: Deletions and restores
-- description: Who deleted and who restored what; latest first. A restore names the deletion that it undoes.
-- param: from timestamp = now-30d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: source text = null | Only this source system
-- param: object_type text = null | Only order, user, product …
-- param: limit integer = 100 | Most rows
SELECT
    event_time,
    source,
    action,
    object_type,
    object_id,
    object_name,
    coalesce(actor_name, actor_email, actor_id) AS actor,
    outcome,
    event_id,
    causation_id,
    object_before
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND action IN ('delete', 'restore')
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
    AND (CAST($object_type AS VARCHAR) IS NULL OR object_type = $object_type)
ORDER BY event_time DESC, _seq DESC
LIMIT $limit
