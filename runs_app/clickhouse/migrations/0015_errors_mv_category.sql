-- The whole query of the view, with the category.
ALTER TABLE errors_mv_v1 MODIFY QUERY
SELECT
    organization_id,
    project_id,
    environment_id,
    error_fingerprint,
    task_identifier,
    max(tuple(failed_at, _version, toString(error.data.type), toString(error.data.message))) AS newest,
    max(tuple(failed_at, _version, friendly_id, toString(error.data.stack))) AS sample,
    min(failed_at) AS first_seen,
    max(failed_at) AS last_seen,
    max(tuple(failed_at, _version, toString(error_category))) AS newest_category
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
