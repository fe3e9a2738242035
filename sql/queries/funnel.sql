-- title: Funnel of three steps
-- description: How many sessions (or visitors) did the first thing, then the second, then the third, in
--   this order, within the range.
-- param: first text = site_activity.visited | Event type of the first step
-- param: second text = site_activity.cart_added | Event type of the second step
-- param: third text = site_activity.sale_completed | Event type of the third step
-- param: by text = session | What is followed from step to step: session or visitor
-- param: from timestamp = now-7d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: source text = null | Only this source system
WITH steps AS (
    SELECT
        tenant_id,
        source,
        CASE WHEN CAST($by AS VARCHAR) = 'visitor' THEN visitor_id ELSE session_id END AS who,
        event_type,
        event_time
    FROM events
    WHERE event_time >= $from
        AND event_time < $to
        AND event_type IN ($first, $second, $third)
        AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
),
firsts AS (
    SELECT tenant_id, source, who, min(event_time) AS reached
    FROM steps
    WHERE who IS NOT NULL AND event_type = $first
    GROUP BY tenant_id, source, who
),
seconds AS (
    SELECT steps.tenant_id, steps.source, steps.who, min(steps.event_time) AS reached
    FROM steps
    JOIN firsts
        ON steps.tenant_id = firsts.tenant_id AND steps.source = firsts.source AND steps.who = firsts.who
        AND steps.event_time >= firsts.reached
    WHERE steps.event_type = $second
    GROUP BY steps.tenant_id, steps.source, steps.who
),
thirds AS (
    SELECT steps.tenant_id, steps.source, steps.who, min(steps.event_time) AS reached
    FROM steps
    JOIN seconds
        ON steps.tenant_id = seconds.tenant_id AND steps.source = seconds.source AND steps.who = seconds.who
        AND steps.event_time >= seconds.reached
    WHERE steps.event_type = $third
    GROUP BY steps.tenant_id, steps.source, steps.who
)
SELECT 1 AS step, CAST($first AS VARCHAR) AS event_type, count(*) AS reached FROM firsts
UNION ALL
SELECT 2, CAST($second AS VARCHAR), count(*) FROM seconds
UNION ALL
SELECT 3, CAST($third AS VARCHAR), count(*) FROM thirds
ORDER BY step
