"""Organizations with their members, projects with their environments.

ClickHouse knows runs by the ids of their organization, project and environment: once made, these
three stay where they are, and nothing that has runs can be deleted here.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from runs_app.admin.deletion import Deletion, deletable_with, forbidden
from runs_app.admin.visibility import LimitedChoices, OrganizationAdmin, person_of
from runs_app.domain.tenant import ENVIRONMENT_SLUGS
from runs_app.models import ApiKey, Environment, Membership, Organization, Project


class MembershipInline(LimitedChoices, admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "organization")


@admin.register(Organization)
class OrganizationPages(OrganizationAdmin):
    organization_path = ""
    list_display = ("slug", "title", "created_at")
    search_fields = ("^slug", "^title")
    readonly_fields = ("id", "created_at")
    inlines = (MembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Staff would not see the organization they made: they are no members of it yet.
        return person_of(request).is_superuser


@admin.register(Membership)
class MembershipPages(OrganizationAdmin):
    organization_path = "organization"
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("^user__username", "^user__email", "^organization__slug")
    autocomplete_fields = ("organization", "user")
    readonly_fields = ("created_at",)
    ordering = ("organization", "user")


class EnvironmentInline(LimitedChoices, admin.TabularInline):  # type: ignore[type-arg]
    """The environments of a project, to look at: a new project gets all of them."""

    model = Environment
    fields = readonly_fields = ("slug", "type", "id", "created_at")
    show_change_link = True
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("project")


@admin.register(Project)
class ProjectPages(OrganizationAdmin):
    organization_path = "organization"
    list_display = ("name", "slug", "external_ref", "organization", "grouping_rule", "created_at")
    list_select_related = ("organization",)
    search_fields = ("^slug", "^name", "=external_ref")
    autocomplete_fields = ("organization",)
    fields = ("organization", "name", "slug", "grouping_rule", "external_ref", "id", "created_at")
    inlines = (EnvironmentInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fixed = ("external_ref", "id", "created_at")
        return fixed if obj is None else ("organization", *fixed)

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        return () if obj is None else self.inlines

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change:
            Environment.objects.bulk_create(
                Environment(project=form.instance, slug=slug, type=type_.value)
                for slug, type_ in ENVIRONMENT_SLUGS.items()
            )


class EnvironmentForm(forms.ModelForm):  # type: ignore[type-arg]
    """The slug decides the type."""

    slug = forms.ChoiceField(choices=[(slug, slug) for slug in ENVIRONMENT_SLUGS])

    class Meta:
        model = Environment
        fields = ("project", "slug")


@admin.register(Environment)
class EnvironmentPages(OrganizationAdmin):
    organization_path = "project__organization"
    form = EnvironmentForm
    list_display = ("slug", "type", "project", "organization", "created_at")
    list_filter = ("type",)
    search_fields = ("=slug", "^project__slug", "^project__name", "=project__external_ref")
    autocomplete_fields = ("project",)
    ordering = ("project", "slug")

    @admin.display(ordering="project__organization")
    def organization(self, environment: Environment) -> Organization:
        return environment.project.organization

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Its name tells the project's, wherever it is shown.
        return super().get_queryset(request).select_related("project__organization")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return ("project", "slug")
        return ("project", "slug", "type", "id", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.type = ENVIRONMENT_SLUGS[obj.slug].value
        super().save_model(request, obj, form, change)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deletion:
        return forbidden(objs, _what_it_holds) or deletable_with(
            super().get_deleted_objects(objs, request), ApiKey
        )


def _what_it_holds(environment: Environment) -> str | None:
    """Why an environment cannot go: its rows would go with it, and leave ClickHouse's alone."""
    for relation in Environment._meta.related_objects:
        related: Any = relation.related_model
        if related is ApiKey:
            continue
        if related.objects.filter(**{relation.field.name: environment}).exists():
            return f"it has {related._meta.verbose_name_plural}"
    return None
