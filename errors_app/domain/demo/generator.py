"""Demo runs in order of creation, a day at a time."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate
from random import Random

from errors_app.domain.demo.environments import DemoEnvironment
from errors_app.domain.demo.moments import DAY, weekday_of
from errors_app.domain.demo.plan import Plan, Start, plan_demo, scheduled_slots
from errors_app.domain.demo.rhythm import Rhythm
from errors_app.domain.demo.runs import RunWriter
from errors_app.domain.demo.tasks import TASKS
from errors_app.domain.demo.values import seeded


def demo_runs(
    now: datetime, *, environment: DemoEnvironment, seed: int = 20
) -> Iterator[dict[str, object]]:
    """Ninety days of runs up to `now` in the form of the ingest API, ordered by createdAt.

    The same arguments give the same runs. Every time is at most `now`, and createdAt is later
    than ninety days less an hour before it. ValueError for a naive `now`.
    """
    plan = plan_demo(now, environment, seed)
    rng = seeded("runs", seed, environment.value, plan.now)
    writer = RunWriter(plan, rng)
    for day in plan.ordinary:
        starts = [
            *plan.starts.get(day, ()),
            *_scheduled(plan, day),
            *_ordinary(plan, day, rng),
        ]
        starts.sort(key=lambda start: start.created)
        for start in starts:
            yield writer.write(start)


def _scheduled(plan: Plan, day: int) -> Iterator[Start]:
    begin, end = max(plan.start, day * DAY - 1), min(plan.now, (day + 1) * DAY - 1)
    for task in TASKS.values():
        for slot in scheduled_slots(task, plan.environment, begin, end):
            if (task.identifier, slot) not in plan.taken:
                yield Start(slot, task, scheduled=True)


def _ordinary(plan: Plan, day: int, rng: Random) -> Iterator[Start]:
    begin, end = max(plan.start + 1, day * DAY), min(plan.now, (day + 1) * DAY - 1)
    tasks = [task for task in TASKS.values() if task.weight]
    weights = accumulate(task.weight * task.rhythm.weekdays[weekday_of(day)] for task in tasks)
    chosen = rng.choices(tasks, cum_weights=list(weights), k=plan.ordinary[day])
    for identifier, count in Counter(task.identifier for task in chosen).items():
        task = TASKS[identifier]
        for share in _shares(task.rhythm, begin - day * DAY, end - day * DAY, count, rng):
            moment = day * DAY + task.rhythm.offset_at(share)
            yield Start(min(end, max(begin, moment)), task)


def _shares(rhythm: Rhythm, begin: int, end: int, count: int, rng: Random) -> Iterator[float]:
    """`count` shares of a day's load between two offsets from midnight."""
    low = rhythm.share_before(begin)
    width = rhythm.share_before(end) - low
    for _ in range(count):
        yield low + rng.random() * width
