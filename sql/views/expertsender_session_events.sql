-- title: ExpertSender: session events
-- description: Concrete events of a visit: an abandoned cart, a browsing session, a purchase.
SELECT
    event_id,
    event_time,
    visitor_id,
    event_type,
    actor_email,
    json_get_float(attributes, 'cart_value') AS cart_value,
    attributes,
    tenant_id,
    object_type,
    object_id,
    date,
    _seq
FROM events
WHERE source = 'expertsender' AND dataset = 'session_events'
