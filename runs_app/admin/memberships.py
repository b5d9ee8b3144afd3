"""Who belongs to which organization, in which role.

Nobody rises by their own hand: members are managed by owners and admins, and owners by owners.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from runs_app.admin.rights import manages_any, role_in
from runs_app.admin.visibility import LimitedChoices, OrganizationAdmin, person_of
from runs_app.domain.roles import OWNER, may_manage_member
from runs_app.models import Membership, Organization, User


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    # Whoever fills it in; each request has a class of its own.
    person: ClassVar[User]

    class Meta:
        model = Membership
        fields = ("organization", "user", "role")

    def clean(self) -> Any:
        cleaned = super().clean()
        # Not touched by the form yet: it has the role from before.
        membership = self.instance
        is_new = membership.pk is None
        organization = self.cleaned_data.get("organization") if is_new else membership.organization
        roles = {self.cleaned_data.get("role", "")} | (set() if is_new else {membership.role})
        if organization and not may_manage_member(role_in(self.person, organization.pk), *roles):
            # About this field: what is wrong with one is not written into the instance, by which
            # the page is drawn again.
            self.add_error(
                "role",
                "Only owners and admins of an organization manage its members, and only owners"
                " make somebody an owner.",
            )
        return cleaned


@admin.register(Membership)
class MembershipPages(OrganizationAdmin):
    organization_path = "organization"
    form = MembershipForm
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("^user__username", "^user__email", "^organization__slug")
    autocomplete_fields = ("organization", "user")
    fields = ("organization", "user", "role", "created_at")
    ordering = ("organization", "user")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        # Somebody else in another organization is another membership.
        return ("created_at",) if obj is None else ("organization", "user", "created_at")

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        form.person = person_of(request)  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
        # A plain save would bring back a member who was removed since the form was read.
        elif not Membership.objects.filter(pk=obj.pk).update(role=obj.role):
            raise Http404

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and manages_any(person_of(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _manages(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _manages(request, obj)


class MembershipInline(LimitedChoices, admin.TabularInline):  # type: ignore[type-arg]
    """The members on the page of their organization: to change for owners, whom no rule holds back,
    for others to look at, with links to where the rules are."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "organization")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and _owns(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _owns(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _owns(request, obj)


def _manages(request: HttpRequest, membership: Membership | None) -> bool:
    if membership is None:
        return True
    own = role_in(person_of(request), membership.organization_id)
    return may_manage_member(own, membership.role)


def _owns(request: HttpRequest, organization: Organization | None) -> bool:
    person = person_of(request)
    if organization is None:
        return person.is_superuser
    return role_in(person, organization.pk) == OWNER
