"""The trail of changes of groups, to read."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import Q

from errors_app.models import ErrorGroupActivity
from runs_app.admin.large_lists import LargeTableAdmin
from runs_app.admin.visibility import visible_environments
from runs_app.models import User


@admin.register(ErrorGroupActivity)
class ErrorGroupActivityPages(LargeTableAdmin):
    list_display = (
        "created_at", "action", "from_status", "to_status", "state", "actor_kind", "user", "rule",
        "reason",
    )  # fmt: skip
    list_filter = ("action", "actor_kind")
    list_select_related: ClassVar[tuple[str, ...]] = ("state", "user")
    ordering = ("-id",)

    def visible_to(self, user: User) -> Q:
        return Q(state__environment__in=visible_environments(user).values("pk"))
