-- What an error tells of its kind. A status that is none, or not known, is 0.
ALTER TABLE task_runs_v2
    ADD COLUMN IF NOT EXISTS error_http_status UInt16 DEFAULT 0 AFTER error_category,
    ADD COLUMN IF NOT EXISTS error_code String DEFAULT '' AFTER error_http_status
