-- Compensating rows (error_delta < 0) tell of a failure that was taken back: they do not speak here.
CREATE MATERIALIZED VIEW IF NOT EXISTS errors_mv_v1 TO errors_v1 AS
SELECT
    organization_id,
    project_id,
    environment_id,
    error_fingerprint,
    task_identifier,
    max(tuple(failed_at, _version, toString(error.data.type), toString(error.data.message))) AS newest,
    max(tuple(failed_at, _version, friendly_id, toString(error.data.stack))) AS sample,
    min(failed_at) AS first_seen,
    max(failed_at) AS last_seen
FROM task_runs_v2
WHERE error_fingerprint != ''
    AND status IN ('SYSTEM_FAILURE', 'CRASHED', 'INTERRUPTED', 'COMPLETED_WITH_ERRORS', 'TIMED_OUT')
    AND task_runs_v2._is_deleted = 0
    AND error_delta >= 0
GROUP BY
    organization_id,
    project_id,
    environment_id,
    error_fingerprint,
    task_identifier
