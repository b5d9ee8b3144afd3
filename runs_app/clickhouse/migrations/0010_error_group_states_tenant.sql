-- Every read of the status filter compares these three for every group that has a state: as numbers of
-- a dictionary that takes a third of the time.
ALTER TABLE error_group_states_v1
    MODIFY COLUMN organization_id LowCardinality(String),
    MODIFY COLUMN project_id LowCardinality(String),
    MODIFY COLUMN environment_id LowCardinality(String)
