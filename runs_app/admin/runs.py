"""Runs, to look up and read."""

from django.contrib import admin
from django.utils.safestring import SafeString

from runs_app.admin.large_lists import EnvironmentFilter, LargeTableAdmin
from runs_app.admin.texts import shown_json, shown_text
from runs_app.domain.error_text import read_error
from runs_app.domain.grouping.reported import reported_error
from runs_app.domain.ids import RUN_PREFIX
from runs_app.models import TaskRun

Shown = SafeString | str


@admin.register(TaskRun)
class TaskRunPages(LargeTableAdmin):
    list_display = (
        "friendly_id", "environment", "task_identifier", "task_version", "status", "created_at",
        "error_fingerprint",
    )  # fmt: skip
    list_filter = (EnvironmentFilter,)
    ordering = ("-id",)
    search_fields = ("friendly_id",)
    search_help_text = "The id of a run, or its beginning."
    searched = "friendly_id"
    large_fields = ("payload", "output", "metadata", "error", "extra", "grouping_key")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "friendly_id", "environment", "task_identifier", "task_version", "status",
                    "attempt", "queue", "machine", "region", "tags", "is_test", "schedule_id",
                    "batch_id", "idempotency_key", "ttl", "slice", "depth",
                )
            },
        ),
        (
            "Failure",
            {
                "fields": (
                    "shown_error", "stack", "error_fingerprint", "grouping_rule",
                    "shown_grouping_key", "error_category", "shown_signals", "expected",
                    "expected_by", "failed_at",
                )
            },
        ),
        ("Content", {"fields": ("shown_payload", "shown_output", "shown_metadata")}),
        (
            "Times and costs",
            {
                "fields": (
                    "created_at", "queued_at", "delay_until", "started_at", "completed_at",
                    "expired_at", "updated_at", "reported_at", "duration_ms", "cost_in_cents",
                    "base_cost_in_cents",
                )
            },
        ),
        (
            "What ClickHouse has been told",
            {
                "fields": (
                    "run_id", "row_version", "counted_task", "counted_fingerprint",
                    "counted_version", "counted_failed_at", "shown_extra",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "shown_error", "stack", "shown_grouping_key", "shown_signals", "shown_payload",
        "shown_output", "shown_metadata", "shown_extra",
    )  # fmt: skip

    def search_beginning(self, term: str) -> str:
        return term if not term or RUN_PREFIX.startswith(term[:4]) else RUN_PREFIX + term

    @admin.display(description="error")
    def shown_error(self, run: TaskRun) -> Shown:
        return shown_json(run.error)

    @admin.display
    def stack(self, run: TaskRun) -> Shown:
        return shown_text(reported_error(read_error(run.error)).stack if run.error else None)

    @admin.display(description="grouping key")
    def shown_grouping_key(self, run: TaskRun) -> Shown:
        return shown_text(run.grouping_key)

    @admin.display(description="error signals")
    def shown_signals(self, run: TaskRun) -> Shown:
        return shown_json(run.error_signals or None)

    @admin.display(description="payload")
    def shown_payload(self, run: TaskRun) -> Shown:
        return shown_json(run.payload)

    @admin.display(description="output")
    def shown_output(self, run: TaskRun) -> Shown:
        return shown_json(run.output)

    @admin.display(description="metadata")
    def shown_metadata(self, run: TaskRun) -> Shown:
        return shown_json(run.metadata)

    @admin.display(description="extra columns")
    def shown_extra(self, run: TaskRun) -> Shown:
        return shown_json(run.extra)
