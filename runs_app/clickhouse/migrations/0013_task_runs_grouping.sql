-- Why a run is in its group, and whether its error was to be expected. Rows from before know neither.
ALTER TABLE task_runs_v2
    ADD COLUMN IF NOT EXISTS expected Bool DEFAULT false AFTER error_code,
    ADD COLUMN IF NOT EXISTS grouping_rule LowCardinality(String) DEFAULT '' AFTER expected,
    ADD COLUMN IF NOT EXISTS grouping_key String DEFAULT '' AFTER grouping_rule
