"""Random lives of runs, told and loaded, whatever dies meanwhile, against a plain model.

The suite tries the same histories every time. For others, and for long:

    python -m tests.model --examples 2000 --steps 40
"""

import os
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from runs_app.queries import outbox
from runs_app.services import rebuild
from tests.model.clock import Clock
from tests.model.history import History
from tests.model.machine import Histories, QuietHistories
from tests.replication.conftest import Line

EXAMPLES = int(os.environ.get("FAULTLINE_MODEL_EXAMPLES", "0"))
PHASES = [Phase.explicit, Phase.generate]
if "FAULTLINE_MODEL_AS_FOUND" not in os.environ:
    PHASES.append(Phase.shrink)
STEPS = int(os.environ.get("FAULTLINE_MODEL_STEPS", "20"))


@pytest.mark.timeout(0 if EXAMPLES else 600)
@pytest.mark.parametrize("machine", [QuietHistories, Histories])
def test_everything_shown_equals_a_model_after_any_history(
    machine: type[History],
    transactional_db: None,
    line: Line,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So few that a backlog takes several batches.
    monkeypatch.setattr(outbox, "BATCH_ROWS", 6)
    # And a rebuild several slices.
    monkeypatch.setattr(rebuild, "SLICE_ROWS", 2)

    run_state_machine_as_test(
        partial(machine, line, clock),
        settings=settings(
            max_examples=EXAMPLES or 4,
            stateful_step_count=STEPS,
            derandomize=not EXAMPLES,
            database=None,
            phases=PHASES,
            deadline=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
