"""The two ways in which a rule hears of failures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runs_app.services.replicate import registry
from tests.conftest import Workspace
from tests.lifecycle.deciding import swept

Told = Callable[..., None]


def replicated(workspace: Workspace, *reports: dict[str, Any]) -> None:
    """The replicator's step looks at them."""
    workspace.report(*reports)


def swept_up(workspace: Workspace, *reports: dict[str, Any]) -> None:
    """No step did; the sweep looks at them."""
    with no_steps():
        workspace.report(*reports)
    swept(workspace)


@contextmanager
def no_steps() -> Iterator[None]:
    """As if no app had registered a step."""
    steps, registry.after_runs[:] = list(registry.after_runs), []
    try:
        yield
    finally:
        registry.after_runs[:] = steps


@pytest.fixture(params=[replicated, swept_up])
def tell(request: pytest.FixtureRequest) -> Told:
    told: Told = request.param
    return told
