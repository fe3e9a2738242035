-- title: Sessions
-- description: One row for each session of each source system. It ends with its last event, or when
--   the source says so (attributes.session_end); it is active while the source names no end and the
--   last event is less than 30 minutes old.
SELECT
    tenant_id,
    source,
    session_id,
    started,
    coalesce(said_end, last_event) AS ended,
    said_end IS NULL AND last_event > now() - INTERVAL '30 minutes' AS active,
    events,
    page_views,
    failures,
    visitor_id,
    actor_id,
    actor_email,
    client_address,
    unit_name
FROM (
    SELECT
        tenant_id,
        source,
        session_id,
        min(event_time) AS started,
        max(event_time) AS last_event,
        arrow_cast(
            max(TRY_CAST(json_as_text(attributes, 'session_end') AS TIMESTAMP WITH TIME ZONE)),
            'Timestamp(Microsecond, Some("UTC"))'
        ) AS said_end,
        count(*) AS events,
        count(*) FILTER (WHERE http_method = 'GET' OR action = 'read') AS page_views,
        count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 17) AS failures,
        max(visitor_id) AS visitor_id,
        max(actor_id) AS actor_id,
        max(actor_email) AS actor_email,
        max(client_address) AS client_address,
        max(unit_name) AS unit_name
    FROM events
    WHERE session_id IS NOT NULL
    GROUP BY tenant_id, source, session_id
)
