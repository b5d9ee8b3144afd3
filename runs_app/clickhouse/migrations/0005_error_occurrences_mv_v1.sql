CREATE MATERIALIZED VIEW IF NOT EXISTS error_occurrences_mv_v1 TO error_occurrences_v1 AS
SELECT
    organization_id,
    project_id,
    environment_id,
    error_fingerprint,
    task_identifier,
    task_version,
    toDateTime(toStartOfMinute(failed_at), 'UTC') AS minute,
    sum(toInt64(error_delta)) AS count
FROM task_runs_v2
WHERE error_fingerprint != ''
    AND status IN ('SYSTEM_FAILURE', 'CRASHED', 'INTERRUPTED', 'COMPLETED_WITH_ERRORS', 'TIMED_OUT')
    AND task_runs_v2._is_deleted = 0
GROUP BY
    organization_id,
    project_id,
    environment_id,
    error_fingerprint,
    task_identifier,
    task_version,
    minute
HAVING count != 0
