"""What was decided about groups, to read: decisions are made through the lifecycle service."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from errors_app.admin.actors import newest_changes, who
from errors_app.admin.reasons import resolved_in
from errors_app.models import ErrorGroupState
from runs_app.admin.large_lists import EnvironmentFilter, LargeTableAdmin
from runs_app.domain.ids import error_id, fingerprint_of_error_id

# The last change of a group, as a list of one or none.
NEWEST: Final = "newest_activity"


@admin.register(ErrorGroupState)
class ErrorGroupStatePages(LargeTableAdmin):
    list_display = (
        "group", "task_identifier", "environment", "status", "last_changed_by",
        "updated_at", "resolved_in", "ignored_until",
    )  # fmt: skip
    list_filter = ("status", EnvironmentFilter)
    ordering = ("environment", "error_fingerprint", "task_identifier")
    search_fields = ("error_fingerprint",)
    search_help_text = "The id of a group, its fingerprint, or its beginning."
    searched = "error_fingerprint"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "group", "task_identifier", "environment", "status", "merged",
                    "last_changed_by", "trail", "updated_at", "created_at", "version",
                )
            },
        ),
        ("Resolved", {"fields": ("resolved_at", "resolved_in", "resolved_by")}),
        (
            "Ignored",
            {
                "fields": (
                    "ignored_at", "ignored_by", "ignored_reason", "ignored_until",
                    "ignored_until_occurrence_rate", "ignored_until_total_occurrences",
                    "ignored_at_occurrence_count",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = ("group", "merged", "last_changed_by", "trail", "resolved_in")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return _with_newest_change(super().get_queryset(request))

    def read_rows(self, keys: list[Any]) -> QuerySet[Any]:
        return _with_newest_change(super().read_rows(keys))

    def search_beginning(self, term: str) -> str:
        return fingerprint_of_error_id(term)

    @admin.display
    def group(self, state: ErrorGroupState) -> str:
        return error_id(state.error_fingerprint)

    @admin.display(description="merged into")
    def merged(self, state: ErrorGroupState) -> str:
        return "-" if state.merged_into is None else error_id(state.merged_into)

    @admin.display
    def last_changed_by(self, state: ErrorGroupState) -> str:
        return next((who(entry) for entry in getattr(state, NEWEST)), "-")

    @admin.display(description="resolved in")
    def resolved_in(self, state: ErrorGroupState) -> str:
        return resolved_in(state)

    @admin.display(description="changes")
    def trail(self, state: ErrorGroupState) -> SafeString:
        query = {"state__id__exact": state.pk}
        page = reverse("admin:errors_app_errorgroupactivity_changelist", query=query)
        return format_html('<a href="{}">All that was done to this group</a>', page)


def _with_newest_change(states: QuerySet[Any]) -> QuerySet[Any]:
    return states.prefetch_related(Prefetch("activity", queryset=newest_changes(), to_attr=NEWEST))
