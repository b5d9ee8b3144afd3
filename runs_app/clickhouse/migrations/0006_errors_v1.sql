-- What a group looks like and when it was seen, over every failure ever counted. Nothing in it
-- adds up, so that writing the same failure twice changes nothing. A group shows its newest
-- failure: tuples compare from the left, so that the greatest is that of the latest time and
-- version, whatever order parts are read in. The stack is kept apart, because lists do not read
-- it. No TTL: a merge of parts with different ages would drop a part of a live group.
CREATE TABLE IF NOT EXISTS errors_v1
(
    organization_id String,
    project_id String,
    environment_id String,
    error_fingerprint String,
    task_identifier String,
    newest SimpleAggregateFunction(max, Tuple(
        failed_at DateTime64(3, 'UTC'),
        version UInt64,
        error_type String,
        error_message String
    )),
    sample SimpleAggregateFunction(max, Tuple(
        failed_at DateTime64(3, 'UTC'),
        version UInt64,
        friendly_id String,
        stack String
    )),
    first_seen SimpleAggregateFunction(min, DateTime64(3, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = ${aggregating}
ORDER BY (organization_id, project_id, environment_id, error_fingerprint, task_identifier)
SETTINGS index_granularity = 256
