-- The source column _is_deleted is qualified: bare, the filter would read the alias and let no
-- compensating row through.
CREATE MATERIALIZED VIEW IF NOT EXISTS error_runs_mv_v1 TO error_runs_v1 AS
SELECT
    organization_id,
    project_id,
    environment_id,
    error_fingerprint,
    task_identifier,
    failed_at,
    run_id,
    friendly_id,
    status,
    task_version,
    created_at,
    is_test,
    _version,
    toUInt8(error_delta < 0) AS _is_deleted
FROM task_runs_v2
WHERE error_fingerprint != ''
    AND status IN ('SYSTEM_FAILURE', 'CRASHED', 'INTERRUPTED', 'COMPLETED_WITH_ERRORS', 'TIMED_OUT')
    AND task_runs_v2._is_deleted = 0
