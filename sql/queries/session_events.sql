-- title: One session
-- description: What happened in one session, in order.
-- param: session text | Identifier of the session
-- param: source text = null | Only this source system
-- param: limit integer = 1000 | Most rows
SELECT event_time, module, event_type, message, object_type, object_id, url, http_status, visitor_id, event_id
FROM events
WHERE session_id = $session AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
ORDER BY event_time, sequence, _seq
LIMIT $limit
