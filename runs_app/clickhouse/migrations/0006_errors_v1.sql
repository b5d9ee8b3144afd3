-- What a group looks like and when it was seen, over every failure ever counted. Nothing in it
-- adds up, so that writing the same failure twice changes nothing. No TTL: a merge of parts with
-- different ages would drop a part of a live group.
CREATE TABLE IF NOT EXISTS errors_v1
(
    organization_id String,
    project_id String,
    environment_id String,
    error_fingerprint String,
    task_identifier String,
    error_type SimpleAggregateFunction(anyLast, Nullable(String)),
    error_message SimpleAggregateFunction(anyLast, Nullable(String)),
    sample_stack SimpleAggregateFunction(anyLast, Nullable(String)),
    sample_run_id SimpleAggregateFunction(anyLast, Nullable(String)),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = ${aggregating}
ORDER BY (organization_id, project_id, environment_id, error_fingerprint, task_identifier)
SETTINGS index_granularity = 256
