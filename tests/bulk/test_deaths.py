"""A process that dies while it changes many groups: all of them were changed, or none."""

import contextlib
from collections.abc import Iterator

import pytest

from errors_app.models import BulkOperation, ErrorGroupActivity
from runs_app.domain.fault_points import FaultPoint, listening
from runs_app.models import OutboxEntry
from tests.bulk.conftest import Bulk
from tests.conftest import Workspace, make_workspace, settle

COMMITTED = (FaultPoint.AFTER_STATES_COMMIT, FaultPoint.AFTER_STATES_TOLD)
POINTS = (FaultPoint.BEFORE_STATES_COMMIT, *COMMITTED)


class Death(BaseException):
    """Nothing in the product catches it."""


@contextlib.contextmanager
def dying_at(point: FaultPoint) -> Iterator[None]:
    def die(reached: FaultPoint) -> None:
        if reached is point:
            raise Death

    with listening(die), pytest.raises(Death):
        yield


@pytest.fixture
def prod(transactional_db: None, clickhouse_tables: None) -> Workspace:
    return make_workspace("prod")


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_change_happens_to_all_groups_or_to_none(bulk: Bulk, point: FaultPoint) -> None:
    with dying_at(point):
        bulk.ask("resolve", filter={})

    count = 3 if point in COMMITTED else 0
    assert set(bulk.statuses().values()) == {"resolved" if count else "unresolved"}
    assert ErrorGroupActivity.objects.count() == count
    assert BulkOperation.objects.count() == count // 3
    settle()
    assert set(bulk.statuses().values()) == {"resolved" if count else "unresolved"}
    assert not OutboxEntry.objects.exists()


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_an_undo_happens_to_all_groups_or_to_none(bulk: Bulk, point: FaultPoint) -> None:
    operation = bulk.change("ignore", filter={})["operationId"]

    with dying_at(point):
        bulk.ask_undo(operation)

    done = point in COMMITTED
    assert set(bulk.statuses().values()) == {"unresolved" if done else "ignored"}
    assert bulk.ask_undo(operation).status == (409 if done else 200)
    settle()
    assert set(bulk.statuses().values()) == {"unresolved"}
    assert ErrorGroupActivity.objects.filter(action="undo").count() == 3
