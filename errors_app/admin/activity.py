"""The trail of changes of groups, to read."""

from django.contrib import admin
from django.db.models import Q

from errors_app.models import ErrorGroupActivity
from runs_app.admin.large_lists import BoundedPaginator
from runs_app.admin.visibility import ReadOnlyAdmin, visible_environments
from runs_app.models import User


@admin.register(ErrorGroupActivity)
class ErrorGroupActivityPages(ReadOnlyAdmin):
    list_display = (
        "created_at", "action", "from_status", "to_status", "state", "actor_kind", "user", "rule",
        "reason",
    )  # fmt: skip
    list_filter = ("action", "actor_kind")
    list_select_related = ("state", "user")
    ordering = ("-id",)
    paginator = BoundedPaginator
    sortable_by = ()

    def visible_to(self, user: User) -> Q:
        return Q(state__environment__in=visible_environments(user).values("pk"))
