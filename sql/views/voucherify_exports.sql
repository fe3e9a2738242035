-- title: Voucherify: exports
-- description: One row for each export in its present state: what was exported, with which filters,
--   order and fields, the file, and by whom.
SELECT
    task_id,
    json_as_text(export, 'exported_object') AS exported_object,
    json_as_text(export, 'filters') AS filters,
    json_as_text(export, 'parameters') AS parameters,
    files[1]['name'] AS file_name,
    files[1]['size'] AS file_size,
    files[1]['sha256'] AS file_sha256,
    status,
    channel,
    actor_id,
    created,
    event_time,
    tenant_id,
    task_status,
    actor_email,
    date
FROM (
    SELECT
        tenant_id,
        task_id,
        last_value(json_as_text(attributes, 'export') ORDER BY event_time, sequence, _seq) AS export,
        last_value(status ORDER BY event_time, sequence, _seq) AS status,
        last_value(task_status ORDER BY event_time, sequence, _seq) AS task_status,
        min(event_time) AS created,
        max(event_time) AS event_time,
        min(actor_id) AS actor_id,
        min(actor_email) AS actor_email,
        min(channel) AS channel,
        last_value(attachments ORDER BY event_time, sequence, _seq) AS files,
        max(date) AS date
    FROM events
    WHERE source = 'voucherify' AND dataset = 'exports' AND task_id IS NOT NULL
    GROUP BY tenant_id, task_id
)
