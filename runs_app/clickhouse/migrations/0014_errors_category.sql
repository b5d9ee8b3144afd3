-- The category of a group's newest failure. Apart from `newest`, whose rows from before have none:
-- of those the group reads as having no category, until it fails again or is told anew.
ALTER TABLE errors_v1
    ADD COLUMN IF NOT EXISTS newest_category SimpleAggregateFunction(max, Tuple(
        failed_at DateTime64(3, 'UTC'),
        version UInt64,
        category String
    ))
