-- title: ExpertSender: SMS logs
-- description: Messages that could not be sent: gateway, sender, phone number, error.
SELECT
    event_id,
    event_time,
    peer_name AS gateway,
    json_as_text(attributes, 'sender') AS sender,
    object_id AS phone_number,
    error_code,
    error_message,
    tenant_id,
    date,
    _seq
FROM events
WHERE source = 'expertsender' AND dataset = 'sms_logs'
