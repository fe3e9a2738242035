-- title: Exports
-- description: One row for each export in its present state, with what was asked for (object, filters,
--   fields and order as JSON) and the file that came of it.
SELECT
    tenant_id,
    source,
    task_id AS export_id,
    exported_object,
    filters,
    parameters,
    task_status,
    status,
    requested,
    updated,
    duration_ns / 1000000 AS duration_ms,
    actor_id,
    actor_email,
    channel,
    files[1]['name'] AS file_name,
    files[1]['size'] AS file_size,
    files[1]['sha256'] AS file_sha256,
    files[1]['ref'] AS file_ref,
    error_message
FROM (
    SELECT
        tenant_id,
        source,
        task_id,
        last_value(json_as_text(attributes, 'export', 'exported_object') ORDER BY event_time, sequence, _seq)
            AS exported_object,
        last_value(json_as_text(attributes, 'export', 'filters') ORDER BY event_time, sequence, _seq) AS filters,
        last_value(json_as_text(attributes, 'export', 'parameters') ORDER BY event_time, sequence, _seq) AS parameters,
        last_value(task_status ORDER BY event_time, sequence, _seq) AS task_status,
        last_value(status ORDER BY event_time, sequence, _seq) AS status,
        min(event_time) AS requested,
        max(event_time) AS updated,
        last_value(duration_ns ORDER BY event_time, sequence, _seq) AS duration_ns,
        min(actor_id) AS actor_id,
        min(actor_email) AS actor_email,
        min(channel) AS channel,
        last_value(attachments ORDER BY event_time, sequence, _seq) AS files,
        last_value(error_message ORDER BY event_time, sequence, _seq) AS error_message
    FROM events
    WHERE dataset = 'exports' AND task_id IS NOT NULL
    GROUP BY tenant_id, source, task_id
)
