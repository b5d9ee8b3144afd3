"""The relational truth about a run, and what ClickHouse has been told to count for it."""

from django.db import models

from runs_app.domain.run_status import RunStatus
from runs_app.models.tenancy import Environment


class TaskRun(models.Model):
    """One run of a task in one environment.

    `friendly_id` is chosen by the client and unique within its environment only. `run_id` is
    ClickHouse's key for the run; it and `created_at` never change after the first report,
    because they order ClickHouse's tables. `payload`, `output`, `metadata` and `error` hold
    JSON text as it was sent (null: not sent). The four `counted_...` columns are set together.
    """

    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="runs", db_index=False
    )
    run_id = models.CharField(max_length=132)
    friendly_id = models.CharField(max_length=132)
    status = models.CharField(
        max_length=32, choices=[(member.value, member.value) for member in RunStatus]
    )
    task_identifier = models.CharField(max_length=255)
    task_version = models.CharField(max_length=100, default="", blank=True)
    queue = models.CharField(max_length=255, default="", blank=True)
    schedule_id = models.CharField(max_length=132, default="", blank=True)
    batch_id = models.CharField(max_length=132, default="", blank=True)
    idempotency_key = models.CharField(max_length=255, default="", blank=True)
    machine = models.CharField(max_length=64, default="", blank=True)
    region = models.CharField(max_length=64, default="", blank=True)
    ttl = models.CharField(max_length=32, default="", blank=True)
    slice = models.CharField(max_length=255, default="", blank=True)
    tags = models.JSONField(default=list, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    depth = models.PositiveIntegerField(default=0)
    is_test = models.BooleanField(default=False)
    duration_ms = models.PositiveBigIntegerField(default=0)
    cost_in_cents = models.FloatField(default=0)
    base_cost_in_cents = models.FloatField(default=0)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    # The newest `updatedAt` a client sent: a report with an older one comes too late.
    reported_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    delay_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    expired_at = models.DateTimeField(null=True, blank=True)

    payload = models.TextField(null=True, blank=True)
    output = models.TextField(null=True, blank=True)
    metadata = models.TextField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    # Columns of an export that only ClickHouse shows (trace ids, parent run), as a JSON object.
    extra = models.TextField(null=True, blank=True)
    error_fingerprint = models.CharField(max_length=64, default="", blank=True)
    grouping_rule = models.CharField(max_length=32, default="", blank=True)
    # The plain text behind the fingerprint, so that a person can see why failures share a group.
    grouping_key = models.TextField(default="", blank=True)
    # What the error is about, and what it tells of itself as a JSON object; empty where nothing.
    error_category = models.CharField(max_length=32, default="", blank=True)
    error_signals = models.TextField(default="", blank=True)
    # Whether the error was to be expected and who says so: the client, or a rule set, which keeps
    # a run out of its group only where the project has switched it on.
    expected = models.BooleanField(default=False)
    expected_by = models.CharField(max_length=16, default="", blank=True)

    row_version = models.BigIntegerField()
    counted_task = models.CharField(max_length=255, null=True, blank=True)
    counted_fingerprint = models.CharField(max_length=64, null=True, blank=True)
    counted_version = models.CharField(max_length=100, null=True, blank=True)
    counted_failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("environment", "friendly_id"), name="run_id_once_per_environment"
            ),
        )
        # For those who look for what has expired.
        indexes = (models.Index(fields=("created_at",), name="run_created_at"),)

    def __str__(self) -> str:
        return self.friendly_id
