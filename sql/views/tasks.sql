-- title: Background tasks
-- description: One row for each task of each source system in its present state: the last report by
--   time, then by the source's own sequence. Counts and messages are those of the last report that
--   has them. A task that still runs is measured up to now.
SELECT
    tenant_id,
    source,
    task_id,
    task_type,
    task_status,
    status,
    task_progress,
    task_done_count,
    task_failed_count,
    task_result,
    error_message,
    object_type,
    object_id,
    started,
    updated,
    CASE
        WHEN task_status NOT IN ('done', 'failed', 'canceled') THEN
            (CAST(arrow_cast(now(), 'Timestamp(Microsecond, Some("UTC"))') AS BIGINT) - CAST(started AS BIGINT)) / 1000
        WHEN duration_ns IS NOT NULL THEN duration_ns / 1000000
        ELSE (CAST(updated AS BIGINT) - CAST(started AS BIGINT)) / 1000
    END AS duration_ms,
    started_by_event_id,
    started_by_actor_id,
    reports
FROM (
    SELECT
        tenant_id,
        source,
        task_id,
        last_value(task_type ORDER BY event_time, sequence, _seq) AS task_type,
        last_value(task_status ORDER BY event_time, sequence, _seq) AS task_status,
        last_value(status ORDER BY event_time, sequence, _seq) AS status,
        last_value(task_progress ORDER BY event_time, sequence, _seq) AS task_progress,
        max(task_done_count) AS task_done_count,
        max(task_failed_count) AS task_failed_count,
        last_value(task_result ORDER BY event_time, sequence, _seq) AS task_result,
        last_value(error_message ORDER BY event_time, sequence, _seq) AS error_message,
        last_value(object_type ORDER BY event_time, sequence, _seq) AS object_type,
        last_value(object_id ORDER BY event_time, sequence, _seq) AS object_id,
        last_value(duration_ns ORDER BY event_time, sequence, _seq) AS duration_ns,
        min(event_time) AS started,
        max(event_time) AS updated,
        first_value(causation_id ORDER BY event_time, sequence, _seq) AS started_by_event_id,
        first_value(actor_id ORDER BY event_time, sequence, _seq) AS started_by_actor_id,
        count(*) AS reports
    FROM events
    WHERE task_id IS NOT NULL
    GROUP BY tenant_id, source, task_id
)
