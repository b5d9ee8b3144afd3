"""What will happen in the ninety days, before any run is written: failures, live runs, and how
many ordinary runs each day has. It is small: a few thousand entries for production."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from errors_app.domain.demo.bug import Bug
from errors_app.domain.demo.bugs import bugs_of
from errors_app.domain.demo.deployments import OVERLAP, Deployment, DeploymentHistory
from errors_app.domain.demo.environments import DEPLOYED, DemoEnvironment, expected_runs
from errors_app.domain.demo.moments import DAY, HOUR, MINUTE, SECOND, day_of, moment_of, weekday_of
from errors_app.domain.demo.patterns import Calendar, occurrences
from errors_app.domain.demo.rhythm import OFFICE
from errors_app.domain.demo.tasks import TASKS, Task
from errors_app.domain.demo.values import seeded

_GROWTH = 1.35  # the last day's load over the first one's
_LEFT_ON_OLD_WORKERS = 0.3  # of a mended bug, while workers overlap
_LIVE: Mapping[DemoEnvironment, tuple[tuple[str, str], ...]] = {
    DemoEnvironment.PROD: (
        ("EXECUTING", "export-orders"),
        ("EXECUTING", "import-stock-levels"),
        ("EXECUTING", "score-churn-risk"),
        ("EXECUTING", "render-invoice-pdf"),
        ("WAITING", "capture-payment"),
        ("DEQUEUED", "index-product"),
        ("QUEUED", "index-product"),
        ("QUEUED", "resize-product-image"),
        ("QUEUED", "deliver-crm-webhook"),
        ("QUEUED", "export-orders"),
    ),
    DemoEnvironment.STAGING: (("EXECUTING", "export-orders"), ("QUEUED", "index-product")),
    DemoEnvironment.DEV: (("EXECUTING", "import-stock-levels"),),
    DemoEnvironment.PREVIEW: (),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """`busy`: how many milliseconds the run executes until it fails."""

    bug: Bug
    worker: Deployment
    busy: int


@dataclass(frozen=True, slots=True)
class Start:
    """A run to be written: failing, still under way (with that `live` status), or ordinary."""

    created: int
    task: Task
    failure: Failure | None = None
    live: str | None = None
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`starts`: the failing and the live runs of each day; `ordinary`: how many runs come on
    top, schedules not counted; `taken`: the (task, slot) pairs that a failing run fills."""

    environment: DemoEnvironment
    start: int
    now: int
    history: DeploymentHistory
    starts: Mapping[int, list[Start]]
    ordinary: Mapping[int, int]
    taken: frozenset[tuple[str, int]]


def plan_demo(now: datetime, environment: DemoEnvironment, seed: int) -> Plan:
    """The same plan for the same arguments; `now` must be aware."""
    moment = moment_of(now)
    rng = seeded("plan", seed, environment.value, moment)
    start = moment - 90 * DAY + HOUR + MINUTE
    history = DeploymentHistory(moment, environment)
    scale = expected_runs(environment) / expected_runs(DemoEnvironment.PROD)
    failing = _failing(bugs_of(environment), Calendar(start, moment, history, scale), rng)
    taken = frozenset((one.task.identifier, one.created) for one in failing if one.scheduled)
    starts: dict[int, list[Start]] = {}
    for one in (*failing, *_live(environment, moment, rng)):
        starts.setdefault(day_of(one.created), []).append(one)
    slots = sum(len(scheduled_slots(task, environment, start, moment)) for task in TASKS.values())
    known = sum(map(len, starts.values())) + slots - len(taken)
    ordinary = _spread(max(0, expected_runs(environment) - known), start, moment, rng)
    return Plan(environment, start, moment, history, starts, ordinary, taken)


def scheduled_slots(task: Task, environment: DemoEnvironment, start: int, end: int) -> range:
    """The task's scheduled moments in (start, end]. Staging has the daily schedules only."""
    schedule = task.schedule
    if schedule is None or environment not in DEPLOYED:
        return range(0)
    if environment is DemoEnvironment.STAGING and not schedule.daily:
        return range(0)
    every, offset = schedule.every * MINUTE, schedule.offset * MINUTE
    first = ((start - offset) // every + 1) * every + offset
    return range(first, end + 1, every)


def _failing(bugs: tuple[Bug, ...], calendar: Calendar, rng: Random) -> list[Start]:
    found: list[Start] = []
    slots: set[tuple[str, int]] = set()
    for bug in bugs:
        for pattern in bug.when:
            rhythm = TASKS[bug.task].rhythm
            for occurrence in occurrences(pattern, calendar, rhythm, rng):
                start = _start(bug, occurrence.created, occurrence.deployment, calendar, rng)
                if start is None or (bug.task, start.created) in slots:
                    continue
                if start.scheduled:
                    slots.add((bug.task, start.created))
                found.append(start)
    return found


def _start(
    bug: Bug, created: int, deployment: Deployment | None, calendar: Calendar, rng: Random
) -> Start | None:
    """The failing run of an occurrence; None where the bug was mended or the time is outside."""
    task = TASKS[bug.task]
    busy = busy_milliseconds(bug.seconds or task.seconds, rng, steady=bug.seconds is not None)
    latest = calendar.now - busy - 8 * SECOND
    if created > latest:
        created = latest - rng.randrange(20 * SECOND)
    scheduled = task.schedule is not None and calendar.scale == 1
    if task.schedule is not None and scheduled:
        every, offset = task.schedule.every * MINUTE, task.schedule.offset * MINUTE
        created = (created - offset) // every * every + offset
    worker = deployment or calendar.history.worker_at(created, rng)
    if bug.fixed is not None:
        fix = calendar.history.aged(bug.fixed)
        if created > fix.at:
            if created > fix.at + OVERLAP or rng.random() > _LEFT_ON_OLD_WORKERS:
                return None
            worker = calendar.history.before(fix)
    if created <= calendar.start:
        return None
    return Start(created, task, Failure(bug, worker, busy), scheduled=scheduled)


def busy_milliseconds(seconds: float, rng: Random, *, steady: bool = False) -> int:
    """A duration around `seconds`; a steady one (a time limit) hardly varies."""
    return max(12, int(seconds * SECOND * rng.lognormvariate(0, 0.02 if steady else 0.5)))


def _live(environment: DemoEnvironment, now: int, rng: Random) -> Iterator[Start]:
    for status, identifier in _LIVE[environment]:
        age = rng.randrange(5 * SECOND, 4 * MINUTE if status == "EXECUTING" else 40 * SECOND)
        yield Start(now - age, TASKS[identifier], live=status)


def _spread(total: int, start: int, now: int, rng: Random) -> dict[int, int]:
    """`total` runs over the days, by weekday, slow growth and chance; exactly `total`."""
    weights: dict[int, float] = {}
    for day in range(day_of(start), day_of(now) + 1):
        begin, end = max(start, day * DAY), min(now, (day + 1) * DAY)
        covered = OFFICE.share_before(end - day * DAY) - OFFICE.share_before(begin - day * DAY)
        growth = _GROWTH ** ((day * DAY - start) / (now - start))
        weights[day] = OFFICE.weekdays[weekday_of(day)] * covered * growth * rng.uniform(0.9, 1.1)
    whole = sum(weights.values())
    spread: dict[int, int] = {}
    reached, given = 0.0, 0
    for day, weight in weights.items():
        reached += weight
        spread[day] = round(total * reached / whole) - given
        given += spread[day]
    return spread
