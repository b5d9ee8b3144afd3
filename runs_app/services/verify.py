"""Comparing ClickHouse with the relational truth, and mending it: one environment, in slices.

The replicator's turn is held for one slice at a time, so that replication goes on in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings

from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.domain.window import LAST_MOMENT, Window, retained_window
from runs_app.queries import quarantine
from runs_app.services.findings import Finding, Findings
from runs_app.services.verify_groups import verify_groups, verify_states
from runs_app.services.verify_runs import verify_failed, verify_stored

# What is about to expire leaves tables and stores at different moments.
EXPIRING: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was wrong in one environment, and what still is after a repair."""

    before: Findings
    after: Findings

    @property
    def found(self) -> Sequence[Finding]:
        """At most some of each kind."""
        return self.before.examples

    @property
    def remaining(self) -> Sequence[Finding]:
        return self.after.examples


def verify_environment(tenant: Tenant, *, repair: bool) -> Verdict:
    """Look at everything that is kept; with `repair` mend it on the way, and look again.

    Raises Unavailable.
    """
    before = _go_through(tenant, repair=repair)
    if not (before.total and repair):
        return Verdict(before, before)
    return Verdict(before, _go_through(tenant, repair=False))


def _go_through(tenant: Tenant, *, repair: bool) -> Findings:
    window = _window()
    findings = Findings(unreadable=quarantine.unreadable_entries(tenant))
    verify_stored(tenant, window.start, findings, repair=repair)
    verify_failed(tenant, window.start, findings, repair=repair)
    verify_groups(tenant, window, findings, repair=repair)
    verify_states(tenant, findings, repair=repair)
    return findings


def _window() -> Window:
    """Everything that is kept, without an end: what claims to be of tomorrow is wrong, too."""
    kept = retained_window(utc_now(), timedelta(days=settings.RETENTION_DAYS))
    return Window(kept.start + EXPIRING, LAST_MOMENT)
