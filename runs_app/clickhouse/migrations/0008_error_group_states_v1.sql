-- A copy of what was decided about groups, so that the status filter runs inside ClickHouse.
CREATE TABLE IF NOT EXISTS error_group_states_v1
(
    organization_id String,
    project_id String,
    environment_id String,
    error_fingerprint String,
    task_identifier String,
    status LowCardinality(String),
    ignored_until Nullable(DateTime64(3, 'UTC')),
    version UInt64
)
ENGINE = ${replacing}(version)
ORDER BY (organization_id, project_id, environment_id, error_fingerprint, task_identifier)
