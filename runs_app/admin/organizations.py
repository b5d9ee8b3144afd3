"""Organizations, projects, environments.

ClickHouse knows runs by the ids of their organization, project and environment: once made, these
three stay where they are, and nothing that has runs can be deleted here.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from runs_app.admin.deletion import Deletion, deletable_with, forbidden
from runs_app.admin.memberships import MembershipInline
from runs_app.admin.rights import role_in
from runs_app.admin.visibility import LimitedChoices, OrganizationAdmin, person_of
from runs_app.domain.roles import may_manage_keys
from runs_app.domain.tenant import ENVIRONMENT_SLUGS
from runs_app.models import ApiKey, Environment, Organization, Project, SigningSecret
from runs_app.services.signing_secrets import rotate_signing_secret

# The name of the page that asks before a signing secret is rotated.
ROTATE = "runs_app_environment_rotate_signing_secret"
# What goes with an environment.
CREDENTIALS = (ApiKey, SigningSecret)


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
    fieldsets = (
        (None, {"fields": ("organization", "name", "slug", "external_ref", "id", "created_at")}),
        (
            "Grouping",
            {
                "description": (
                    "How failures become groups, from the moment this is saved. Failures that are"
                    " known stay where they are. Before a switch, manage.py regroup --dry-run tells"
                    " which groups would become one, and which would part."
                ),
                "fields": (
                    "grouping_rule", "keyword_grouping", "expected_api_errors",
                    "expected_environment_errors",
                ),
            },
        ),
    )  # fmt: skip
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

    def get_urls(self) -> Any:
        address = path(
            "<uuid:environment_id>/rotate-signing-secret/",
            self.admin_site.admin_view(self.rotate),
            name=ROTATE,
        )
        return [address, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        environment = context["original"]
        if environment is not None and self._may_rotate(request, environment):
            context["rotate_url"] = reverse(f"admin:{ROTATE}", args=[environment.pk])
        return super().render_change_form(request, context, *args, **kwargs)

    def rotate(self, request: HttpRequest, environment_id: Any) -> HttpResponse:
        """Ask whether the signing secret is to be rotated; asked by POST, rotate it."""
        environment = self.get_object(request, str(environment_id))
        if environment is None:
            raise Http404
        if not self._may_rotate(request, environment):
            raise PermissionDenied
        if request.method == "POST":
            rotate_signing_secret(str(environment.pk))
            self.log_change(request, environment, "Rotated the signing secret.")
            self.message_user(
                request, f"Every token of {environment} handed out until now is refused."
            )
            page = reverse("admin:runs_app_environment_change", args=[environment.pk])
            return HttpResponseRedirect(page)
        context = {
            **self.admin_site.each_context(request),
            "title": "Rotate the signing secret?",
            "opts": self.opts,
            "environment": environment,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/rotate_signing_secret.html", context)

    def _may_rotate(self, request: HttpRequest, environment: Environment) -> bool:
        role = role_in(person_of(request), environment.project.organization_id)
        return self.has_change_permission(request, environment) and may_manage_keys(role)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        if not allowed or obj is None:
            return allowed
        # Its keys and its signing secret go with it.
        return may_manage_keys(role_in(person_of(request), obj.project.organization_id))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Deletion:
        return forbidden(objs, _what_it_holds) or deletable_with(
            super().get_deleted_objects(objs, request), *CREDENTIALS
        )


def _what_it_holds(environment: Environment) -> str | None:
    """Why an environment cannot go: its rows would go with it, and leave ClickHouse's alone."""
    for relation in Environment._meta.related_objects:
        related: Any = relation.related_model
        if related in CREDENTIALS:
            continue
        if related.objects.filter(**{relation.field.name: environment}).exists():
            return f"it has {related._meta.verbose_name_plural}"
    return None
