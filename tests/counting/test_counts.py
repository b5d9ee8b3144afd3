"""A failed run counts once, whatever happens to it."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.conftest import Workspace, failed, settle
from tests.counting.figures import Failure, assert_counts

Report = dict[str, Any]
Story = Callable[[Workspace, Sequence[list[Report]]], None]


def replicating_between(workspace: Workspace, calls: Sequence[list[Report]]) -> None:
    for reports in calls:
        workspace.report(*reports)


def replicating_at_the_end(workspace: Workspace, calls: Sequence[list[Report]]) -> None:
    for reports in calls:
        workspace.send(*reports)
    settle()


def in_one_call(workspace: Workspace, calls: Sequence[list[Report]]) -> None:
    workspace.report(*(report for reports in calls for report in reports))


@pytest.fixture(params=[replicating_between, replicating_at_the_end, in_one_call])
def tell(request: pytest.FixtureRequest) -> Story:
    story: Story = request.param
    return story


def boom(run_id: str, message: str = "boom", **members: Any) -> Report:
    return failed(run_id, error={"type": "E", "message": message}, **members)


def healed(run_id: str) -> Report:
    return {"id": run_id, "taskIdentifier": "send-mail", "status": "COMPLETED"}


def test_a_batch_sent_five_times_counts_once(prod: Workspace, tell: Story) -> None:
    batch = [boom(f"r{n}", version=str(n % 2)) for n in range(10)]

    tell(prod, [batch] * 5)

    assert_counts(prod, {f"run_r{n}": Failure("send-mail", "boom", str(n % 2)) for n in range(10)})


def test_a_failed_run_updated_ten_times_counts_once(prod: Workspace, tell: Story) -> None:
    tell(prod, [[boom("a", tags=[str(n)], attemptNumber=n)] for n in range(10)])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom")})


@pytest.mark.parametrize("first", ["CRASHED", "TIMED_OUT", "SYSTEM_FAILURE", "INTERRUPTED"])
def test_one_kind_of_failure_after_another_counts_once(
    prod: Workspace, tell: Story, first: str
) -> None:
    tell(prod, [[{**boom("a"), "status": first}], [boom("a")]])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom")})


def test_a_run_that_moves_and_then_succeeds_leaves_nothing(prod: Workspace, tell: Story) -> None:
    tell(
        prod,
        [[boom("a"), boom("b")], [boom("a", "bang")], [boom("a", "bang", task="t")], [healed("a")]],
    )

    assert_counts(prod, {"run_b": Failure("send-mail", "boom")})


def test_a_run_that_moves_there_and_back_counts_where_it_is(prod: Workspace, tell: Story) -> None:
    tell(prod, [[boom("a", m)] for m in ("boom", "bang", "boom", "bang", "boom")])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom")})


def test_a_run_moves_between_tasks_of_one_fingerprint(prod: Workspace, tell: Story) -> None:
    tell(prod, [[boom("a", task="x"), boom("b", task="y")], [boom("a", task="y")]])

    assert_counts(prod, {"run_a": Failure("y", "boom"), "run_b": Failure("y", "boom")})


def test_a_change_of_version_moves_the_count(prod: Workspace, tell: Story) -> None:
    tell(prod, [[boom("a", version=str(n)), boom("b", version="1")] for n in range(4)])

    assert_counts(
        prod,
        {"run_a": Failure("send-mail", "boom", "3"), "run_b": Failure("send-mail", "boom", "1")},
    )


def test_a_run_that_heals_and_fails_again_counts_once(prod: Workspace, tell: Story) -> None:
    tell(prod, [[boom("a")], [healed("a")], [boom("a")], [healed("a")], [boom("a", version="2")]])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom", "2")})


def test_a_retry_that_fails_again_without_saying_why_counts_where_it_was(
    prod: Workspace, tell: Story
) -> None:
    bare = {"id": "a", "taskIdentifier": "send-mail"}

    tell(prod, [[boom("a")], [{**bare, "status": "EXECUTING"}], [{**bare, "status": "FAILED"}]])

    assert_counts(prod, {"run_a": Failure("send-mail", "boom")})


def test_a_group_all_of_whose_runs_healed_is_not_shown(prod: Workspace, tell: Story) -> None:
    tell(prod, [[boom("a"), boom("b")], [healed("a"), healed("b")]])

    assert_counts(prod, {})
    assert prod.errors() == []
