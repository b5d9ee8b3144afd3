-- Reading the states of groups in one part takes a fraction of what it takes to put several together.
-- After a change they are merged within a minute or two, however small the new part is.
ALTER TABLE error_group_states_v1
    MODIFY SETTING min_age_to_force_merge_seconds = 30
