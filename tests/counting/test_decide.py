"""The counting rule by itself."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from runs_app.domain.counting import Count, Decision, decide

COUNTS = st.builds(
    Count,
    task_identifier=st.sampled_from(["a", "b"]),
    error_fingerprint=st.sampled_from(["f", "g"]),
    task_version=st.sampled_from(["", "1"]),
    failed_at=st.sampled_from(
        [datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, 0, 0, 1, tzinfo=UTC)]
    ),
)
COUNT = Count("task", "fingerprint", "1", datetime(2025, 1, 1, tzinfo=UTC))
LATER = datetime(2025, 1, 2, tzinfo=UTC)


def test_a_first_failure_adds_one() -> None:
    assert decide(None, COUNT) == Decision(taken_back=None, delta=1, counted=COUNT)


def test_a_run_that_does_not_fail_adds_nothing() -> None:
    assert decide(None, None) == Decision(taken_back=None, delta=0, counted=None)


def test_a_healed_run_is_taken_back_as_it_was_counted() -> None:
    assert decide(COUNT, None) == Decision(taken_back=COUNT, delta=0, counted=None)


def test_another_time_of_the_same_failure_moves_nothing() -> None:
    again = Count("task", "fingerprint", "1", LATER)

    assert decide(COUNT, again) == Decision(taken_back=None, delta=0, counted=COUNT)


def test_another_version_moves_the_count() -> None:
    moved = Count("task", "fingerprint", "2", LATER)

    assert decide(COUNT, moved) == Decision(taken_back=COUNT, delta=1, counted=moved)


@given(st.lists(st.none() | COUNTS, max_size=12))
def test_what_was_sent_adds_up_to_what_is_counted(history: list[Count | None]) -> None:
    counted: Count | None = None
    sums: dict[Count, int] = {}

    for wanted in history:
        decision = decide(counted, wanted)
        if decision.taken_back is not None:
            sums[decision.taken_back] = sums.get(decision.taken_back, 0) - 1
        if decision.counted is not None:
            sums[decision.counted] = sums.get(decision.counted, 0) + decision.delta
        counted = decision.counted

    assert {count: n for count, n in sums.items() if n} == ({} if counted is None else {counted: 1})
    last = history[-1] if history else None
    assert (counted is None) == (last is None)
    assert counted is None or last is None or counted.same_place(last)
