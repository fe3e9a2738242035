-- title: History of an object
-- description: Everything that happened to one object or to its parts, in every module, oldest first, also
--   what the general lists leave out.
-- param: type text | Type of the object: order, user, product …
-- param: id text | Its identifier
-- param: source text = null | Only this source system
-- param: limit integer = 1000 | Most rows
SELECT
    event_time,
    source,
    module,
    event_type,
    action,
    outcome,
    coalesce(actor_name, actor_email, actor_id) AS actor,
    object_type,
    object_id,
    object_name,
    message,
    changes,
    event_id
FROM events
WHERE array_has(object_refs, CAST($type AS VARCHAR) || ':' || CAST($id AS VARCHAR))
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
ORDER BY event_time, sequence, _seq
LIMIT $limit
