"""People. Superusers manage them; staff see those of their own organizations."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest

from runs_app.admin.deletion import Deletion, deletable_with
from runs_app.admin.visibility import OrganizationAdmin, person_of, visible_organizations
from runs_app.models import Membership, PersonalAccessToken, User


@admin.register(User)
class UserAdmin(OrganizationAdmin, DjangoUserAdmin):  # type: ignore[type-arg]
    """Whoever may change people may become anybody: that takes a superuser."""

    list_display = ("username", "email", "first_name", "last_name", "is_staff", "is_superuser")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("^username", "^email", "^last_name")

    def visible_to(self, user: User) -> Q:
        shared = Membership.objects.filter(
            user=OuterRef("pk"), organization__in=visible_organizations(user).values("pk")
        )
        return Q(Exists(shared)) | Q(pk=user.pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return person_of(request).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return person_of(request).is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return person_of(request).is_superuser

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deletion:
        return deletable_with(super().get_deleted_objects(objs, request), PersonalAccessToken)
