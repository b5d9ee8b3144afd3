"""A long chore does not keep a frequent one from its interval."""

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

from errors_app.services.chores import Chore, Chores
from runs_app.domain.errors import Unavailable

Steps = Callable[[], Iterator[None]]


def work(stop: threading.Event, *chores: Chore) -> None:
    """Until one of them sets `stop`; the first ones are begun first."""
    thread = threading.Thread(target=Chores(chores, stop, first_seconds=0.0).run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def counting(done: list[str], name: str, failing: tuple[int, ...] = ()) -> Steps:
    def steps() -> Iterator[None]:
        done.append(name)
        if done.count(name) in failing:
            raise Unavailable(technical_message="away")
        yield

    return steps


def long_one(stop: threading.Event, done: list[str], until: Callable[[], bool]) -> Steps:
    def steps() -> Iterator[None]:
        done.append("long begins")
        for _ in itertools.count():
            if until():
                break
            yield
        done.append("long ends")
        stop.set()

    return steps


@pytest.mark.parametrize("failing", [(), (1, 2)])
def test_a_frequent_chore_is_done_between_the_steps_of_a_long_one(
    transactional_db: None, failing: tuple[int, ...]
) -> None:
    """Also after it failed, which is its own trouble and not the long one's."""
    stop, done = threading.Event(), list[str]()
    steps = long_one(stop, done, lambda: done.count("frequent") >= 4)

    work(
        stop,
        Chore("long", 3600.0, steps),
        Chore("frequent", 0.01, counting(done, "frequent", failing)),
    )

    assert done[0] == "long begins"
    assert done[-1] == "long ends"
    assert done.count("long begins") == 1
    assert done.count("frequent") >= 4


def test_a_rare_chore_waits_for_the_end_of_a_frequent_one(transactional_db: None) -> None:
    stop, done = threading.Event(), list[str]()
    passes = itertools.count()
    steps = long_one(stop, done, lambda: next(passes) >= 5)

    work(stop, Chore("long", 1.0, steps), Chore("rare", 3600.0, counting(done, "rare")))

    assert done == ["long begins", "long ends"]
