"""What ClickHouse refuses, to look at, to try again and to drop."""

from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_permission_codename
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from runs_app.admin.large_lists import COUNTED_ROWS, EnvironmentFilter, LargeTableAdmin
from runs_app.admin.outbox import readable_rows
from runs_app.admin.texts import shown_text
from runs_app.admin.visibility import person_of
from runs_app.models import QuarantinedRow
from runs_app.services import quarantine
from runs_app.services.write_turns import write_turn

REASON_CHARACTERS: Final = 120
# Chosen rows in one field: a form may not have as many fields as rows can be chosen.
CHOSEN: Final = "chosen"
CONFIRMED: Final = "confirmed"


class DroppedFilter(admin.SimpleListFilter):
    """Dropped rows stay as marks; nobody needs to see them every day."""

    title = "dropped"
    parameter_name = "dropped"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Dropped"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        everything, *others = super().choices(changelist)
        return [{**everything, "display": "Not dropped"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(dropped_at__isnull=self.value() != "yes")


@admin.register(QuarantinedRow)
class QuarantinedRowPages(LargeTableAdmin):
    list_display = (
        "id", "run", "short_reason", "quarantined_at", "created_at", "environment", "kind",
    )  # fmt: skip
    list_filter = (DroppedFilter, "kind", EnvironmentFilter)
    ordering = ("-id",)
    actions = ("try_again", "drop")
    large_fields = ("content",)
    fields = (
        "kind", "environment", "run", "row_count", "created_at", "quarantined_at", "dropped_at",
        "whole_reason", "shown_content",
    )  # fmt: skip
    readonly_fields = ("run", "whole_reason", "shown_content")
    change_form_template = "admin/quarantined_row.html"

    @admin.display(empty_value="?")
    def run(self, row: QuarantinedRow) -> SafeString | None:
        if not row.run_id:
            return None
        runs = reverse("admin:runs_app_taskrun_changelist", query={"q": row.run_id})
        return format_html('<a href="{}">{}</a>', runs, row.run_id)

    @admin.display(description="reason")
    def short_reason(self, row: QuarantinedRow) -> str:
        return Truncator(row.reason).chars(REASON_CHARACTERS)

    @admin.display(description="reason")
    def whole_reason(self, row: QuarantinedRow) -> SafeString | str:
        return shown_text(row.reason)

    @admin.display(description="content")
    def shown_content(self, row: QuarantinedRow) -> SafeString | str:
        return shown_text(readable_rows(bytes(row.content)))

    def has_settle_permission(self, request: HttpRequest) -> bool:
        codename = get_permission_codename("change", self.opts)
        return person_of(request).has_perm(f"{self.opts.app_label}.{codename}")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context["original"]
        context["can_settle"] = self.has_settle_permission(request) and row.dropped_at is None
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Try again", permissions=["settle"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[QuarantinedRow]) -> None:
        rows = _chosen(queryset)
        moved = quarantine.try_again([row.pk for row in rows], by=str(request.user))
        self._remember(request, rows, "Tried again.")
        self.message_user(
            request, f"{moved} sent back. What is refused again comes back here, with its reason."
        )

    @admin.action(description="Drop", permissions=["settle"])
    def drop(
        self, request: HttpRequest, queryset: QuerySet[QuarantinedRow]
    ) -> TemplateResponse | None:
        if CONFIRMED not in request.POST:
            return self._ask(request, _chosen(queryset))
        rows = _chosen(queryset.filter(pk__in=_numbers(request.POST.get(CHOSEN, ""))))
        dropped = quarantine.drop([row.pk for row in rows], by=str(request.user))
        self._remember(request, rows, "Dropped.")
        self.message_user(request, f"{dropped} dropped for good.", messages.WARNING)
        return None

    def _ask(self, request: HttpRequest, rows: list[QuarantinedRow]) -> TemplateResponse | None:
        if not rows:
            self.message_user(request, "None of these can be dropped.", messages.WARNING)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Drop what was set aside?",
            "opts": self.opts,
            "media": self.media,
            "rows": rows,
            "chosen": ",".join(str(row.pk) for row in rows),
            "chosen_name": CHOSEN,
            "confirmed_name": CONFIRMED,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/drop_quarantined_rows.html", context)

    def _remember(self, request: HttpRequest, rows: list[QuarantinedRow], words: str) -> None:
        if not rows:
            return
        # There may be thousands: in line with the other writers, not past them.
        with write_turn(), transaction.atomic():
            LogEntry.objects.log_actions(
                user_id=person_of(request).pk,
                queryset=rows,
                action_flag=CHANGE,
                change_message=words,
            )


def _chosen(queryset: QuerySet[QuarantinedRow]) -> list[QuarantinedRow]:
    """The chosen rows that were not dropped: of all of a list, those that it showed and counted."""
    chosen = queryset.filter(dropped_at__isnull=True).select_related("environment__project")
    return list(chosen.defer("content")[:COUNTED_ROWS])


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if word.isdecimal()]
