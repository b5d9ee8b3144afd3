"""The trail of changes of groups, to read."""

import json
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from errors_app.admin.actors import who, with_keys
from errors_app.admin.reasons import in_words
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.admin.large_lists import EnvironmentFilter, LargeTableAdmin
from runs_app.admin.texts import shown_json
from runs_app.admin.visibility import person_of, visible_environments
from runs_app.domain.ids import error_id, fingerprint_of_error_id, friendly_run_id
from runs_app.models import ApiKey, Environment, User

# More would make the rows of the list high: the page of a change has all of it.
REASON_CHARACTERS: Final = 60


class GroupEnvironmentFilter(EnvironmentFilter):
    """The environment of the group."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = {key for key, _ in self.lookup_choices}
        value = self.value()
        return queryset.filter(state__environment_id=value) if value in chosen else queryset


@admin.register(ErrorGroupActivity)
class ErrorGroupActivityPages(LargeTableAdmin):
    list_display = (
        "created_at", "who", "change", "how", "group", "task", "environment", "short_reason",
    )  # fmt: skip
    list_filter = ("action", "actor_kind", GroupEnvironmentFilter)
    list_select_related: ClassVar[tuple[str, ...]] = ("state__environment__project", "user")
    ordering = ("-id",)
    search_fields = ("state__error_fingerprint",)
    search_help_text = (
        "The id of a group or its beginning, a person's username or email address,"
        " or a key's name or last four characters."
    )
    fields = (
        "created_at", "who", "action", "change", "how", "group", "task", "environment",
        "reason", "run", "task_version", "operation", "shown_details",
    )  # fmt: skip
    readonly_fields = (
        "who", "change", "how", "group", "task", "environment", "shown_details", "run",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_keys(super().get_queryset(request))

    def read_rows(self, keys: list[Any]) -> QuerySet[Any]:
        return with_keys(super().read_rows(keys))

    def visible_to(self, user: User) -> Q:
        return Q(state__environment__in=visible_environments(user).values("pk"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What was done to groups whose id begins with the term, by people, or with keys."""
        term = search_term.strip()
        if not term:
            return queryset, False
        environments = list(visible_environments(person_of(request)).order_by())
        people = User.objects.filter(Q(username__iexact=term) | Q(email__iexact=term))
        keys = ApiKey.objects.filter(
            Q(name__iexact=term) | Q(last_four=term), environment__in=environments
        )
        found = Q(state__in=_groups(environments, term))
        found |= Q(user__in=list(people)) | Q(
            api_key_id__in=list(keys.values_list("pk", flat=True))
        )
        return queryset.filter(found), False

    @admin.display(description="who")
    def who(self, entry: ErrorGroupActivity) -> str:
        return who(entry)

    @admin.display(description="change")
    def change(self, entry: ErrorGroupActivity) -> str:
        return f"{entry.from_status} → {entry.to_status}"

    @admin.display
    def how(self, entry: ErrorGroupActivity) -> str:
        return in_words(entry)

    @admin.display
    def group(self, entry: ErrorGroupActivity) -> SafeString:
        page = reverse("admin:errors_app_errorgroupstate_change", args=(entry.state_id,))
        return format_html('<a href="{}">{}</a>', page, error_id(entry.state.error_fingerprint))

    @admin.display
    def task(self, entry: ErrorGroupActivity) -> str:
        return entry.state.task_identifier

    @admin.display
    def environment(self, entry: ErrorGroupActivity) -> Environment:
        return entry.state.environment

    @admin.display(description="reason")
    def short_reason(self, entry: ErrorGroupActivity) -> str:
        return Truncator(entry.reason).chars(REASON_CHARACTERS)

    @admin.display(description="details")
    def shown_details(self, entry: ErrorGroupActivity) -> SafeString | str:
        return shown_json(json.dumps(entry.details) if entry.details else None)

    @admin.display(description="caused by run")
    def run(self, entry: ErrorGroupActivity) -> SafeString | str:
        if not entry.run_id:
            return "-"
        run_id = friendly_run_id(entry.run_id)
        runs = reverse("admin:runs_app_taskrun_changelist", query={"q": run_id})
        return format_html('<a href="{}">{}</a>', runs, run_id)


def _groups(environments: list[Environment], term: str) -> QuerySet[Any]:
    """The range is for the index, the second condition makes it exact."""
    beginning = fingerprint_of_error_id(term)
    return ErrorGroupState.objects.filter(
        environment__in=environments,
        error_fingerprint__gte=beginning,
        error_fingerprint__lt=beginning + "\uffff",
        error_fingerprint__startswith=beginning,
    ).values("pk")
