"""Who sees what: superusers everything, other staff what belongs to their organizations.

One rule serves lists, single pages, autocompletion and the choices of foreign keys, because all of
them start from `get_queryset` of the model's admin.
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from runs_app.models import Environment, Organization, User


def person_of(request: HttpRequest) -> User:
    """The person at an admin page. Admin pages have no anonymous visitors."""
    if not isinstance(request.user, User):
        raise TypeError("An admin page was asked for by nobody.")
    return request.user


def visible_organizations(user: User) -> QuerySet[Organization]:
    organizations = Organization.objects.order_by()
    return organizations if user.is_superuser else organizations.filter(memberships__user=user)


def visible_environments(user: User) -> QuerySet[Environment]:
    environments = Environment.objects.select_related("project")
    if user.is_superuser:
        return environments
    return environments.filter(project__organization__in=visible_organizations(user))


class LimitedChoices:
    """Foreign keys offer, and accept, only what the person sees. For admins and inlines."""

    admin_site: admin.AdminSite

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        related: type[Model] = db_field.remote_field.model
        if self.admin_site.is_registered(related):
            kwargs["queryset"] = self.admin_site.get_model_admin(related).get_queryset(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class OrganizationAdmin(LimitedChoices, admin.ModelAdmin):  # type: ignore[type-arg]
    """The base of every admin here.

    `organization_path` is the lookup from the model to its organization; empty for the
    organization itself. Lists never count the whole table.
    """

    organization_path: ClassVar[str]
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset(request)
        user = person_of(request)
        return queryset if user.is_superuser else queryset.filter(self.visible_to(user))

    def visible_to(self, user: User) -> Q:
        """What staff see of this model."""
        lookup = f"{self.organization_path}__in" if self.organization_path else "pk__in"
        return Q(**{lookup: visible_organizations(user).values("pk")})


class ReadOnlyAdmin(OrganizationAdmin):
    """Pages to read: what they show changes through services alone."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
