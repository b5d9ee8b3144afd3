"""One process of the family, whatever keeps it from running."""

import sys
import threading
from collections.abc import Iterator

import pytest

from errors_app.services.supervisor.child import Child
from tests.serve.family import within

ENDS = [sys.executable, "-c", ""]
STAYS = [sys.executable, "-c", "import time; time.sleep(600)"]
CANNOT_START = ["/nowhere/python"]


@pytest.fixture
def commands() -> list[list[str]]:
    return [ENDS]


@pytest.fixture
def child(commands: list[list[str]]) -> Iterator[Child]:
    """Runs the first command, then the second, and so on; the last one for ever."""
    child = Child(
        "the child", lambda deaths: commands[min(deaths, len(commands) - 1)], stop_seconds=5
    )
    yield child
    child.stop(threading.Event())


def watched(child: Child) -> Child:
    child.watch()
    return child


@pytest.mark.parametrize("commands", [[ENDS, STAYS]])
def test_a_process_that_ends_is_started_again(child: Child) -> None:
    child.start()
    first = child.pid

    second = within(60, lambda: (pid := watched(child).pid) != first and pid)

    assert second is not None
    assert child.deaths == 1


@pytest.mark.parametrize("commands", [[ENDS, CANNOT_START, CANNOT_START, STAYS]])
def test_a_process_that_cannot_be_started_for_a_while_is_tried_again(
    child: Child, caplog: pytest.LogCaptureFixture
) -> None:
    child.start()
    first = child.pid

    within(60, lambda: (pid := watched(child).pid) != first and pid)

    assert child.deaths == 3
    assert caplog.text.count("cannot be started") == 2
