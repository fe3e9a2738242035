-- title: Reports of one task
-- description: Every report of a background task in order, from its start to its end.
-- param: task text | Identifier of the task
-- param: source text = null | Only this source system
SELECT
    event_time,
    sequence,
    source,
    task_type,
    task_status,
    status,
    task_progress,
    task_done_count,
    task_failed_count,
    duration_ns / 1000000 AS duration_ms,
    error_message,
    task_result,
    event_id,
    causation_id
FROM events
WHERE task_id = $task AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
ORDER BY event_time, sequence, _seq
