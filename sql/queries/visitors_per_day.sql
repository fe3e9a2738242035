-- title: Visitors per day
-- description: Different visitors, sessions and events of each UTC day, and how many visitors were known
--   customers.
-- param: from timestamp = now-30d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: tenant text = null | Only this tenant
-- param: unit text = null | Only this website or location
SELECT
    date AS day,
    count(DISTINCT visitor_id) AS visitors,
    count(DISTINCT CASE WHEN actor_id IS NOT NULL OR actor_email IS NOT NULL THEN visitor_id END) AS known_visitors,
    count(DISTINCT session_id) AS sessions,
    count(*) AS events
FROM events
WHERE event_time >= $from
    AND event_time < $to
    AND visitor_id IS NOT NULL
    AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
    AND (CAST($unit AS VARCHAR) IS NULL OR unit_id = $unit)
GROUP BY date
ORDER BY day
