-- So that the sweep finds resolved groups that failed since without asking for each of them.
ALTER TABLE error_group_states_v1
    ADD COLUMN IF NOT EXISTS resolved_at Nullable(DateTime64(3, 'UTC')) AFTER ignored_until
