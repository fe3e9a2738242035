-- title: Voucherify: background tasks
-- description: One row for each asynchronous action in its present state: type, status, last update,
--   processing time (so far, while it runs), progress, result, and the log of the request that started it.
SELECT
    task_id,
    task_type,
    status,
    event_time,
    CASE
        WHEN processing_time_ms IS NULL AND task_status IN ('enqueued', 'in_progress')
            THEN CAST(date_part('epoch', now() - created) * 1000 AS BIGINT)
        ELSE processing_time_ms
    END AS processing_time_ms,
    task_progress,
    task_result,
    created,
    request_id,
    log_id,
    tenant_id,
    task_status,
    task_done_count,
    task_failed_count,
    error_message,
    date
FROM (
    SELECT
        tenant_id,
        task_id,
        last_value(task_type ORDER BY event_time, sequence, _seq) AS task_type,
        last_value(status ORDER BY event_time, sequence, _seq) AS status,
        last_value(task_status ORDER BY event_time, sequence, _seq) AS task_status,
        last_value(task_progress ORDER BY event_time, sequence, _seq) AS task_progress,
        min(event_time) AS created,
        max(event_time) AS event_time,
        last_value(duration_ns ORDER BY event_time, sequence, _seq) / 1000000 AS processing_time_ms,
        max(task_done_count) AS task_done_count,
        max(task_failed_count) AS task_failed_count,
        last_value(task_result ORDER BY event_time, sequence, _seq) AS task_result,
        last_value(error_message ORDER BY event_time, sequence, _seq) AS error_message,
        first_value(request_id ORDER BY event_time, sequence, _seq) AS request_id,
        first_value(causation_id ORDER BY event_time, sequence, _seq) AS log_id,
        max(date) AS date
    FROM events
    WHERE source = 'voucherify' AND dataset = 'background_tasks' AND task_id IS NOT NULL
    GROUP BY tenant_id, task_id
)
