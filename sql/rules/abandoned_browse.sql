-- title: Abandoned browsing
-- description: A session in which products were looked at and none was put into the basket or bought, and which is
--   over for the time given. The moment is the end of that time.
-- param: from timestamp = now-7d | Sessions that began from here on
-- param: to timestamp = now | … and before here
-- param: as_of timestamp = now | The moment from which it is judged; nothing later is seen
-- param: source text = null | Only this source system
-- param: limit integer = 1000 | Most rows
-- param: idle_minutes integer = 60 | How long after its last event a session is given up
-- param: products_min integer = 1 | Fewest products that must have been looked at
WITH sessions AS (
    SELECT
        tenant_id,
        source,
        session_id,
        max(visitor_id) AS visitor_id,
        max(actor_email) AS actor_email,
        min(event_time) AS started,
        CAST(coalesce(
            arrow_cast(max(TRY_CAST(json_as_text(attributes, 'session_end') AS TIMESTAMP WITH TIME ZONE)), 'Timestamp(Microsecond, Some("UTC"))'),
            max(event_time)
        ) AS BIGINT) AS ended_us,
        count(DISTINCT object_id) FILTER (WHERE object_type = 'product' AND action = 'read') AS products,
        last_value(object_id ORDER BY event_time, sequence, _seq) FILTER (WHERE object_type = 'product' AND action = 'read') AS product_id,
        last_value(event_id ORDER BY event_time, sequence, _seq) FILTER (WHERE object_type = 'product' AND action = 'read') AS event_id,
        count(*) FILTER (WHERE object_type = 'cart' OR object_type = 'order' OR event_type IN ('FinalizedTransaction', 'VisitOnSalePage')) AS further
    FROM events
    WHERE session_id IS NOT NULL
        AND event_time <= $as_of
        AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
    GROUP BY tenant_id, source, session_id
),
recorded AS (
    SELECT tenant_id, source, visitor_id, min(event_id) AS event_id
    FROM events
    WHERE event_type = 'AbandonedBrowse' AND event_time <= $as_of AND visitor_id IS NOT NULL
    GROUP BY tenant_id, source, visitor_id
)
SELECT
    'abandoned_browse' AS rule,
    arrow_cast(s.ended_us + $idle_minutes * 60000000, 'Timestamp(Microsecond, Some("UTC"))') AS event_time,
    s.tenant_id,
    s.source,
    s.session_id,
    s.visitor_id,
    s.actor_email,
    'product' AS object_type,
    s.product_id AS object_id,
    CAST(NULL AS DOUBLE) AS value,
    s.event_id AS because_of_event_id,
    r.event_id AS recorded_event_id
FROM sessions AS s
LEFT JOIN recorded AS r ON r.tenant_id = s.tenant_id AND r.source = s.source AND r.visitor_id = s.visitor_id
WHERE s.products >= $products_min
    AND s.further = 0
    AND s.started >= $from
    AND s.started < $to
    AND s.ended_us + $idle_minutes * 60000000 <= CAST(arrow_cast($as_of, 'Timestamp(Microsecond, Some("UTC"))') AS BIGINT)
ORDER BY event_time DESC, s.session_id
LIMIT $limit
