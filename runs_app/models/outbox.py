"""What ClickHouse has not been told yet."""

from django.db import models

from runs_app.models.tenancy import Environment


class OutboxEntry(models.Model):
    """Rows for ClickHouse that one transaction produced, in their order.

    Committed together with what they tell of. `content` is what `domain.run_rows.encode_rows`
    writes: rows with the names of their columns; `row_count` is their number. An entry is free, or
    claimed for a batch (`batch_id`). What ClickHouse refuses leaves for `QuarantinedRow`.
    """

    class Kind(models.TextChoices):
        RUNS = "runs"
        GROUP_STATES = "group_states"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+")
    row_count = models.PositiveIntegerField()
    size = models.PositiveIntegerField(help_text="Length of the content in bytes.")
    created_at = models.DateTimeField()
    batch_id = models.UUIDField(null=True, blank=True)
    # Last: SQLite reads a row up to the column it wants, and this one may have megabytes.
    content = models.BinaryField()

    class Meta:
        verbose_name = "outbox entry"
        verbose_name_plural = "outbox"
        indexes = (
            models.Index(
                fields=("batch_id",),
                name="outbox_claimed",
                condition=models.Q(batch_id__isnull=False),
            ),
            models.Index(
                fields=("id",),
                name="outbox_oldest_claimed",
                condition=models.Q(batch_id__isnull=False),
            ),
            models.Index(
                fields=("environment", "id"),
                name="outbox_group_states",
                condition=models.Q(kind="group_states"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}: {self.row_count} rows"
