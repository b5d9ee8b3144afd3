"""What the demo's people decided about its groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from itertools import chain
from typing import TypeVar

from errors_app.domain.demo.bug import Bug, error_of
from errors_app.domain.demo.deployments import Deployment, DeploymentHistory
from errors_app.domain.demo.environments import DemoEnvironment
from errors_app.domain.demo.moments import DAY, MINUTE, datetime_of
from errors_app.domain.demo.patterns import BadDeployment
from errors_app.domain.demo.plan import plan_demo
from errors_app.domain.demo.values import seeded

Said = TypeVar("Said")


class DemoAction(Enum):
    RESOLVE = "resolve"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class DemoDecision:
    """A decision about one group: that of `task_identifier` and of the fingerprint of `probe`,
    an error as a run reports it.

    `decided_at` lies after the group's first failure. `resolved_after_version`: resolved in the
    version after it. `duration`, `occurrence_rate` (per minute) and `total_occurrences` are the
    conditions of an ignore, counted from the decision; none of them means for ever.
    """

    task_identifier: str
    error_type: str
    probe: Mapping[str, object]
    action: DemoAction
    decided_at: datetime
    resolved_in_version: str | None = None
    resolved_after_version: str | None = None
    duration: timedelta | None = None
    occurrence_rate: float | None = None
    total_occurrences: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Ignore:
    days_ago: float
    reason: str
    duration: timedelta | None = None
    occurrence_rate: float | None = None
    total_occurrences: int | None = None


# What follows is by task and by how the message begins. First the ages of the deployments that were
# thought to mend a bug.
_RESOLVED_TOO_SOON: Mapping[tuple[str, str], int] = {
    ("import-stock-levels", "'utf-8' codec"): 28,
}
# How many days ago somebody said that the next version would mend it: the first did.
_RESOLVED_IN_NEXT: Mapping[tuple[str, str], float] = {
    ("refresh-exchange-rates", "["): 25.2,
    ("index-product", "version_conflict_engine"): 16.1,
}
_PAYBRIDGE_TIMED_OUT = "HTTPSConnectionPool(host='api.paybridge.example', port=443): Read timed out"
_IGNORES: Mapping[tuple[str, str], _Ignore] = {
    ("capture-payment", "The card was declined"): _Ignore(
        44, "Shoppers without funds; nothing to mend here. Tell us if it becomes a flood.",
        occurrence_rate=5,
    ),
    ("send-order-confirmation", "{'"): _Ignore(
        61, "Customers mistype their addresses; support sees the bounces anyway.",
    ),
    ("resize-product-image", "Input buffer contains"): _Ignore(
        30, "Suppliers upload PDFs as pictures. The upload form will check from next quarter.",
    ),
    ("render-invoice-pdf", "Invoice matching query"): _Ignore(
        1.2, "Race with the order's commit, the retry helps. Look again after 200 more.",
        total_occurrences=200,
    ),
    ("post-team-digest", "An API error occurred"): _Ignore(
        2.1, "The chat's administrator is away until next week.", duration=timedelta(days=9),
    ),
    # These have come to their end since.
    ("deliver-crm-webhook", "fetch failed"): _Ignore(
        40, "Their name server has bad days. Look again if it goes on.", total_occurrences=25,
    ),
    ("capture-payment", _PAYBRIDGE_TIMED_OUT): _Ignore(
        20, "Single time-outs are tried again. Tell us of an outage.", occurrence_rate=3,
    ),
    ("sync-payments", "502 Server Error"): _Ignore(
        48, "Paybridge replaces its load balancer this month.", duration=timedelta(days=21),
    ),
}  # fmt: skip


def demo_decisions(
    now: datetime, *, environment: DemoEnvironment = DemoEnvironment.PROD, seed: int = 20
) -> tuple[DemoDecision, ...]:
    """The decisions about groups that `demo_runs` with the same arguments makes, oldest first."""
    plan = plan_demo(now, environment, seed)
    first_failures: dict[Bug, int] = {}
    for start in chain.from_iterable(plan.starts.values()):
        if start.failure is not None:
            bug = start.failure.bug
            first_failures[bug] = min(first_failures.get(bug, plan.now), start.created)
    decisions = [
        decision
        for bug, first in first_failures.items()
        if (decision := _decision(bug, plan.history, plan.now, seed))
        and datetime_of(first) < decision.decided_at
    ]
    return tuple(sorted(decisions, key=lambda one: (one.decided_at, one.task_identifier)))


def _decision(bug: Bug, history: DeploymentHistory, now: int, seed: int) -> DemoDecision | None:
    decide = partial(
        DemoDecision,
        task_identifier=bug.task,
        error_type=bug.type,
        probe=error_of(bug, seeded("probe", seed), moment=now, payload={}),
    )
    fix = _fix_of(bug, history)
    if fix is not None:
        return decide(
            action=DemoAction.RESOLVE,
            decided_at=datetime_of(fix.at + 25 * MINUTE),
            resolved_in_version=fix.version,
        )
    if (days_ago := _said_of(bug, _RESOLVED_IN_NEXT)) is not None:
        decided = now - int(days_ago * DAY)
        return decide(
            action=DemoAction.RESOLVE,
            decided_at=datetime_of(decided),
            resolved_after_version=history.at(decided).version,
        )
    if (ignore := _said_of(bug, _IGNORES)) is not None:
        return decide(
            action=DemoAction.IGNORE,
            decided_at=datetime_of(now - int(ignore.days_ago * DAY)),
            duration=ignore.duration,
            occurrence_rate=ignore.occurrence_rate,
            total_occurrences=ignore.total_occurrences,
            reason=ignore.reason,
        )
    return None


def _said_of(bug: Bug, said: Mapping[tuple[str, str], Said]) -> Said | None:
    for (task, beginning), what in said.items():
        if bug.task == task and bug.message.startswith(beginning):
            return what
    return None


def _fix_of(bug: Bug, history: DeploymentHistory) -> Deployment | None:
    """The deployment that mended the bug, or was thought to."""
    age = bug.fixed if bug.fixed is not None else _said_of(bug, _RESOLVED_TOO_SOON)
    if age is not None:
        return history.aged(age)
    for pattern in bug.when:
        if isinstance(pattern, BadDeployment):
            return history.after(history.aged(pattern.age))
    return None
