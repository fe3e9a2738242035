-- title: Exports
-- description: Who exported what and when, with which filters, and the file that came of it; latest first.
-- param: from timestamp = now-90d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: actor text = null | Only by this actor
-- param: limit integer = 100 | Most rows
SELECT *
FROM exports
WHERE requested >= $from
    AND requested < $to
    AND (CAST($actor AS VARCHAR) IS NULL OR actor_id = $actor)
ORDER BY requested DESC, source, export_id
LIMIT $limit
