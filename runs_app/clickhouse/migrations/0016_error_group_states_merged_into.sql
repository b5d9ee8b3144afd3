-- Of a merged group: the fingerprint of the one that its failures count for. Empty: it is not merged.
ALTER TABLE error_group_states_v1
    ADD COLUMN IF NOT EXISTS merged_into String DEFAULT '' AFTER resolved_at
