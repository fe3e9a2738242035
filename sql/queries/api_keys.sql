-- title: API keys and their calls
-- description: For each key by its name or mask: calls, refusals (401, 403), errors, addresses, last use.
-- param: from timestamp = now-30d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: source text = null | Only this source system
-- param: limit integer = 100 | Most rows
SELECT
    source,
    credential_type,
    credential_id,
    count(*) AS calls,
    count(*) FILTER (WHERE http_status IN (401, 403)) AS refused,
    count(*) FILTER (WHERE http_status >= 400) AS failed,
    count(DISTINCT client_address) AS addresses,
    max(event_time) AS last_use
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND credential_id IS NOT NULL
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
GROUP BY source, credential_type, credential_id
ORDER BY calls DESC, source, credential_type, credential_id
LIMIT $limit
