"""What was decided about groups, to read: decisions are made through the lifecycle service."""

from django.contrib import admin

from errors_app.models import ErrorGroupState
from runs_app.admin.large_lists import EnvironmentFilter, LargeTableAdmin
from runs_app.domain.ids import fingerprint_of_error_id


@admin.register(ErrorGroupState)
class ErrorGroupStatePages(LargeTableAdmin):
    list_display = (
        "error_fingerprint", "task_identifier", "environment", "status", "resolved_in_version",
        "ignored_until", "updated_at",
    )  # fmt: skip
    list_filter = ("status", EnvironmentFilter)
    ordering = ("environment", "error_fingerprint", "task_identifier")
    search_fields = ("error_fingerprint",)
    search_help_text = "The id of a group, its fingerprint, or its beginning."
    searched = "error_fingerprint"

    def search_beginning(self, term: str) -> str:
        return fingerprint_of_error_id(term)
