"""A minute of the storm that `make chaos` runs for longer."""

import os
import random
from pathlib import Path

import pytest

from tests.chaos.killer import WEIGHTS
from tests.chaos.service import own_database
from tests.chaos.storm import Storm

SECONDS = 40


@pytest.mark.timeout(3600)
def test_counts_stay_exact_while_processes_are_killed_under_load(tmp_path: Path) -> None:
    seed = random.randrange(1_000_000)
    with own_database(os.environ.get("DATABASE_URL", "")) as database_url:
        summary = Storm(tmp_path / "data", database_url, seed).run(SECONDS)

    print("\n".join(summary.lines()))
    assert set(summary.kills) == set(WEIGHTS)
    assert summary.failing > 0
