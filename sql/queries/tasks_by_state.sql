-- title: Background tasks by state
-- description: How many tasks of each type are in each state now, how long they take, and how many records
--   failed in them. A task belongs to the range by its last report.
-- param: from timestamp = now-7d | Start of the range, inclusive
-- param: to timestamp = now | End of the range, exclusive
-- param: tenant text = null | Only this tenant
-- param: source text = null | Only this source system
SELECT
    source,
    task_type,
    task_status,
    count(*) AS tasks,
    avg(task_progress) AS mean_progress,
    CAST(avg(duration_ms) AS BIGINT) AS mean_duration_ms,
    max(duration_ms) AS max_duration_ms,
    sum(task_done_count) AS records_done,
    sum(task_failed_count) AS records_failed,
    max(updated) AS last_update
FROM tasks
WHERE updated >= $from
    AND updated < $to
    AND (CAST($tenant AS VARCHAR) IS NULL OR tenant_id = $tenant)
    AND (CAST($source AS VARCHAR) IS NULL OR source = $source)
GROUP BY source, task_type, task_status
ORDER BY source, task_type, task_status
