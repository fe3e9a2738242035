-- title: Voucherify: exports
-- description: One row for each export in its present state: what was exported, with which filters,
--   order and fields, by whom, and the file.
SELECT
    tenant_id,
    export_id,
    json_as_text(export, 'exported_object') AS exported_object,
    json_as_text(export, 'filters') AS filters,
    json_as_text(export, 'parameters', 'order') AS ordered_by,
    json_as_text(export, 'parameters', 'fields') AS fields,
    status,
    created,
    actor_id,
    actor_email,
    channel,
    files[1]['name'] AS file_name,
    files[1]['size'] AS file_size,
    files[1]['sha256'] AS file_sha256
FROM (
    SELECT
        tenant_id,
        task_id AS export_id,
        last_value(json_as_text(attributes, 'export') ORDER BY event_time, sequence, _seq) AS export,
        last_value(status ORDER BY event_time, sequence, _seq) AS status,
        min(event_time) AS created,
        min(actor_id) AS actor_id,
        min(actor_email) AS actor_email,
        min(channel) AS channel,
        last_value(attachments ORDER BY event_time, sequence, _seq) AS files
    FROM events
    WHERE source = 'voucherify' AND dataset = 'exports' AND task_id IS NOT NULL
    GROUP BY tenant_id, task_id
)
