-- Failed runs per group, version and minute: the only table that adds up. Negative rows in
-- between are harmless, because every read sums.
CREATE TABLE IF NOT EXISTS error_occurrences_v1
(
    organization_id String,
    project_id String,
    environment_id String,
    error_fingerprint String,
    task_identifier String,
    task_version String,
    minute DateTime('UTC'),
    count Int64
)
ENGINE = ${summing}(count)
PARTITION BY toYYYYMM(minute)
ORDER BY (organization_id, project_id, environment_id, error_fingerprint, task_identifier, task_version, minute)
SETTINGS index_granularity = 1024
