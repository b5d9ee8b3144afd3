"""What the demo's people decided about its groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import chain

from errors_app.domain.demo.bug import Bug, error_of
from errors_app.domain.demo.deployments import Deployment, DeploymentHistory
from errors_app.domain.demo.environments import DemoEnvironment
from errors_app.domain.demo.moments import DAY, MINUTE, datetime_of
from errors_app.domain.demo.patterns import BadDeployment
from errors_app.domain.demo.plan import plan_demo
from errors_app.domain.demo.values import seeded


class DemoAction(Enum):
    RESOLVE = "resolve"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class DemoDecision:
    """A decision about one group: that of `task_identifier` and of the fingerprint of `probe`,
    an error as a run reports it.

    `decided_at` lies after the group's first failure. A resolved group has no failure after it
    in `resolved_in_version` or a newer one. `duration`, `occurrence_rate` (per minute) and
    `total_occurrences` are the conditions of an ignore, counted from the decision; none of
    them means for ever.
    """

    task_identifier: str
    error_type: str
    probe: Mapping[str, object]
    action: DemoAction
    decided_at: datetime
    resolved_in_version: str | None = None
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


# By task and by how the message begins.
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
    probe = error_of(bug, seeded("probe", seed), moment=now, payload={})
    fix = _fix_of(bug, history)
    if fix is not None:
        return DemoDecision(
            task_identifier=bug.task,
            error_type=bug.type,
            probe=probe,
            action=DemoAction.RESOLVE,
            decided_at=datetime_of(fix.at + 25 * MINUTE),
            resolved_in_version=fix.version,
        )
    for (task, beginning), ignore in _IGNORES.items():
        if bug.task == task and bug.message.startswith(beginning):
            return DemoDecision(
                task_identifier=bug.task,
                error_type=bug.type,
                probe=probe,
                action=DemoAction.IGNORE,
                decided_at=datetime_of(now - int(ignore.days_ago * DAY)),
                duration=ignore.duration,
                occurrence_rate=ignore.occurrence_rate,
                total_occurrences=ignore.total_occurrences,
                reason=ignore.reason,
            )
    return None


def _fix_of(bug: Bug, history: DeploymentHistory) -> Deployment | None:
    """The deployment that mended the bug."""
    if bug.fixed is not None:
        return history.aged(bug.fixed)
    for pattern in bug.when:
        if isinstance(pattern, BadDeployment):
            return history.after(history.aged(pattern.age))
    return None
