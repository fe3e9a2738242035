-- title: Abandoned baskets
-- description: A session with something in the basket that ended, and after which nobody bought within the time
--   allowed. Who bought is known by session, visitor or e-mail. The moment is the end of that time.
-- param: from timestamp = now-7d | Sessions that began from here on
-- param: to timestamp = now | … and before here
-- param: as_of timestamp = now | The moment from which it is judged; nothing later is seen
-- param: source text = null | Only this source system
-- param: limit integer = 1000 | Most rows
-- param: idle_minutes integer = 60 | How long after the end of the session a purchase still counts
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
        last_value(object_id ORDER BY event_time, sequence, _seq) FILTER (WHERE object_type = 'cart') AS cart_id,
        last_value(event_id ORDER BY event_time, sequence, _seq) FILTER (WHERE object_type = 'cart') AS event_id,
        last_value(TRY_CAST(json_as_text(attributes, 'cart_value') AS DOUBLE) ORDER BY event_time, sequence, _seq)
            FILTER (WHERE json_as_text(attributes, 'cart_value') IS NOT NULL) AS cart_value
    FROM events
    WHERE session_id IS NOT NULL
        AND event_time <= $as_of
        AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
    GROUP BY tenant_id, source, session_id
),
purchases AS (
    SELECT tenant_id, source, session_id, visitor_id, actor_email, CAST(event_time AS BIGINT) AS at_us
    FROM events
    WHERE (event_type IN ('FinalizedTransaction', 'VisitOnSalePage') OR object_type = 'order' AND action IN ('create', 'complete'))
        AND (outcome IS DISTINCT FROM 'failure')
        AND event_time <= $as_of
),
bought AS (
    SELECT s.tenant_id, s.source, s.session_id
    FROM (
        SELECT tenant_id, source, session_id, started, ended_us, unnest([concat('s', session_id), concat('v', visitor_id), concat('e', actor_email)]) AS who
        FROM sessions
    ) AS s
    JOIN (
        SELECT tenant_id, source, at_us, unnest([concat('s', session_id), concat('v', visitor_id), concat('e', actor_email)]) AS who
        FROM purchases
    ) AS p ON p.tenant_id = s.tenant_id AND p.source = s.source AND p.who = s.who
    WHERE length(s.who) > 1
        AND p.at_us >= CAST(s.started AS BIGINT)
        AND p.at_us <= s.ended_us + $idle_minutes * 60000000
    GROUP BY s.tenant_id, s.source, s.session_id
),
recorded AS (
    SELECT tenant_id, source, object_id, min(event_id) AS event_id
    FROM events
    WHERE event_type = 'AbandonedCart' AND event_time <= $as_of
    GROUP BY tenant_id, source, object_id
)
SELECT
    'abandoned_cart' AS rule,
    arrow_cast(s.ended_us + $idle_minutes * 60000000, 'Timestamp(Microsecond, Some("UTC"))') AS event_time,
    s.tenant_id,
    s.source,
    s.session_id,
    s.visitor_id,
    s.actor_email,
    'cart' AS object_type,
    s.cart_id AS object_id,
    s.cart_value AS value,
    s.event_id AS because_of_event_id,
    r.event_id AS recorded_event_id
FROM sessions AS s
LEFT JOIN bought AS b ON b.tenant_id = s.tenant_id AND b.source = s.source AND b.session_id = s.session_id
LEFT JOIN recorded AS r ON r.tenant_id = s.tenant_id AND r.source = s.source AND r.object_id = s.cart_id
WHERE s.cart_id IS NOT NULL
    AND coalesce(s.cart_value, 1) > 0
    AND b.session_id IS NULL
    AND s.started >= $from
    AND s.started < $to
    AND s.ended_us + $idle_minutes * 60000000 <= CAST(arrow_cast($as_of, 'Timestamp(Microsecond, Some("UTC"))') AS BIGINT)
ORDER BY event_time DESC, s.session_id
LIMIT $limit
