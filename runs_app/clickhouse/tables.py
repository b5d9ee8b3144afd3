"""The tables there are."""

from typing import Final

# What the views feed comes after the runs: whoever empties them in this order leaves no row without
# its run.
TABLES: Final = (
    "task_runs_v2", "error_runs_v1", "error_occurrences_v1", "errors_v1", "error_group_states_v1",
)  # fmt: skip
