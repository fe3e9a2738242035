-- title: Kinds of event
-- description: Every kind of event of a source system or module, how often it happened, when first and last.
-- param: from timestamp = now-30d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: source text = null | Only this source system
-- param: module text = null | Only this module
-- param: limit integer = 500 | Most rows
SELECT
    source,
    module,
    event_type,
    count(*) AS events,
    count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 17) AS failures,
    min(event_time) AS first_event,
    max(event_time) AS last_event
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
    AND (CAST($module AS VARCHAR) IS NULL OR module = $module)
GROUP BY source, module, event_type
ORDER BY events DESC, source, module, event_type
LIMIT $limit
