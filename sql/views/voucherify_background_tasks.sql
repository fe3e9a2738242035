-- title: Voucherify: background tasks
-- description: One row for each asynchronous action in its present state: type, status, progress,
--   processing time, result, and the log of the request that started it.
SELECT
    tenant_id,
    task_id AS async_action_id,
    last_value(task_type ORDER BY event_time, sequence, _seq) AS type,
    last_value(status ORDER BY event_time, sequence, _seq) AS status,
    last_value(task_progress ORDER BY event_time, sequence, _seq) AS progress,
    min(event_time) AS created,
    max(event_time) AS last_updated,
    last_value(duration_ns ORDER BY event_time, sequence, _seq) / 1000000 AS processing_time_ms,
    max(task_done_count) AS done_count,
    max(task_failed_count) AS failed_count,
    last_value(task_result ORDER BY event_time, sequence, _seq) AS result,
    last_value(error_message ORDER BY event_time, sequence, _seq) AS error_message,
    first_value(causation_id ORDER BY event_time, sequence, _seq) AS log_id
FROM events
WHERE source = 'voucherify' AND dataset = 'background_tasks' AND task_id IS NOT NULL
GROUP BY tenant_id, task_id
