-- title: ExpertSender: website activity
-- description: What visitors did on a website, with the state of their session as the source logged it.
SELECT
    event_id,
    event_time,
    visitor_id,
    session_id,
    event_type,
    actor_email,
    session_active,
    json_as_text(attributes, 'session_start') AS session_start,
    json_as_text(attributes, 'session_end') AS session_end,
    json_get_int(attributes, 'products_viewed') AS products_viewed,
    json_get_float(attributes, 'cart_value') AS cart_value,
    tenant_id,
    unit_id,
    unit_name,
    object_type,
    object_id,
    date,
    _seq
FROM events
WHERE source = 'expertsender' AND dataset = 'website_activity'
