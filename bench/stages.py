"""Timers around functions: how much of the time of a call each of its stages takes for itself."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

CALIBRATION_CALLS: Final = 20_000


@dataclass(slots=True)
class Spent:
    """Nanoseconds a stage spent itself, without those of stages inside of it. `inside`: how often
    it called another one."""

    cpu: float = 0.0
    wall: float = 0.0
    calls: int = 0
    inside: int = 0


class Stages:
    """Attributes time to the innermost stage. For one thread.

    What the timers cost is measured first and taken off again.
    """

    def __init__(self) -> None:
        self._spent: dict[str, Spent] = {}
        self._open: list[str] = []
        self._cpu = time.thread_time_ns()
        self._wall = time.perf_counter_ns()
        self._own = self._outer = 0.0
        self._calibrate()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._enter(name)
        try:
            yield
        finally:
            self._leave()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function` as a stage; where it returns a generator or a context manager, also what
        that does later, but not what is done with it."""

        def call(*args: Any, **kwargs: Any) -> Any:
            self._enter(name)
            try:
                result = function(*args, **kwargs)
            finally:
                self._leave()
            if isinstance(result, contextlib.AbstractContextManager):
                return self._manager(name, result)
            return self._iterate(name, result) if isinstance(result, Iterator) else result

        return call

    def take(self) -> dict[str, Spent]:
        """What was spent since the last call, by stage, without what the timers cost."""
        taken, self._spent = self._spent, {}
        for spent in taken.values():
            timers = spent.calls * self._own + spent.inside * self._outer
            spent.cpu = max(spent.cpu - timers, 0.0)
            spent.wall = max(spent.wall - timers, 0.0)
        return taken

    def _iterate(self, name: str, results: Iterator[Any]) -> Iterator[Any]:
        while True:
            self._enter(name)
            try:
                result = next(results)
            except StopIteration:
                return
            finally:
                self._leave()
            yield result

    @contextlib.contextmanager
    def _manager(self, name: str, manager: contextlib.AbstractContextManager[Any]) -> Iterator[Any]:
        with contextlib.ExitStack() as stack:
            with self.stage(name):
                entered = stack.enter_context(manager)
            yield entered
            with self.stage(name):
                stack.close()

    def _enter(self, name: str) -> None:
        self._charge()
        if self._open:
            self._spent[self._open[-1]].inside += 1
        self._open.append(name)
        spent = self._spent.get(name)
        if spent is None:
            spent = self._spent[name] = Spent()
        spent.calls += 1

    def _leave(self) -> None:
        self._charge()
        self._open.pop()

    def _charge(self) -> None:
        cpu, wall = time.thread_time_ns(), time.perf_counter_ns()
        if self._open:
            spent = self._spent[self._open[-1]]
            spent.cpu += cpu - self._cpu
            spent.wall += wall - self._wall
        self._cpu, self._wall = cpu, wall

    def _calibrate(self) -> None:
        """What a call that does nothing costs its own stage, and the one around it."""
        nothing = self.timed("nothing", lambda: None)
        with self.stage("around"):
            for _ in range(CALIBRATION_CALLS):
                nothing()
        taken, self._spent = self._spent, {}
        self._own = taken["nothing"].cpu / CALIBRATION_CALLS
        self._outer = taken["around"].cpu / CALIBRATION_CALLS
