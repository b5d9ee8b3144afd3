-- The truth about who failed in which group: one row per run and group, a tombstone where a run
-- left. With the columns that a row of the runs list shows or filters by.
CREATE TABLE IF NOT EXISTS error_runs_v1
(
    organization_id String,
    project_id String,
    environment_id String,
    error_fingerprint String,
    task_identifier String,
    failed_at DateTime64(3, 'UTC'),
    run_id String,
    friendly_id String,
    status LowCardinality(String),
    task_version String,
    created_at DateTime64(3, 'UTC'),
    is_test Bool,
    _version UInt64,
    _is_deleted UInt8
)
ENGINE = ${replacing}(_version, _is_deleted)
PARTITION BY toYYYYMM(failed_at)
ORDER BY (organization_id, project_id, environment_id, error_fingerprint, failed_at, run_id)
SETTINGS index_granularity = 1024
