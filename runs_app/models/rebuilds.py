"""How far a rebuild of ClickHouse has come."""

from django.db import models


class ClickHouseRebuild(models.Model):
    """One rebuild. Runs are told again from the newest id down, so that lists fill from today.

    Unfinished, it is continued, not begun anew. `emptied_at`: when ClickHouse's tables had been
    emptied. `next_run`: runs with ids up to this one are still to be told; None before the first.
    `slice_begun`: some of those may have been told already, by a step that did not come to its end.
    """

    started_at = models.DateTimeField()
    emptied_at = models.DateTimeField(null=True, blank=True)
    states_told_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    next_run = models.BigIntegerField(null=True, blank=True)
    slice_begun = models.BooleanField(default=False)
    runs_total = models.PositiveBigIntegerField(default=0)
    runs_told = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"rebuild of {self.started_at:%Y-%m-%d %H:%M}"
