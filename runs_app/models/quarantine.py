"""What ClickHouse refuses for its data, set aside so that everything else flows on."""

from django.db import models

from runs_app.models.outbox import OutboxEntry
from runs_app.models.tenancy import Environment


class QuarantinedRow(models.Model):
    """One row that ClickHouse refuses, or the content of an outbox entry that nobody can read.

    `content` is that of the outbox entry it came from, cut down to the row. `run_id`: whose row it
    is, empty where the content tells of no run. A row that was dropped stays as a mark without
    content until its run expires: what ClickHouse knows of that run is not what it was told, so
    that the run's minutes are mended whenever it changes.
    """

    kind = models.CharField(max_length=16, choices=OutboxEntry.Kind.choices)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    run_id = models.CharField(max_length=132, default="", blank=True)
    row_count = models.PositiveIntegerField()
    reason = models.TextField()
    created_at = models.DateTimeField(help_text="When the row was accepted.")
    quarantined_at = models.DateTimeField()
    dropped_at = models.DateTimeField(null=True, blank=True)
    content = models.BinaryField()

    class Meta:
        indexes = (
            models.Index(fields=("environment", "run_id"), name="quarantined_run"),
            models.Index(
                fields=("row_count",),
                name="quarantined_waiting",
                condition=models.Q(dropped_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
