"""API keys and personal access tokens: made here and shown once, then renamed or revoked."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from runs_app.admin.rights import managed_organizations, manages_any, role_in
from runs_app.admin.visibility import OrganizationAdmin, person_of
from runs_app.domain.roles import may_manage_keys
from runs_app.domain.scopes import is_scope
from runs_app.models import ApiKey, PersonalAccessToken, User
from runs_app.services import credentials

NOT_YOURS: Final = "only owners and admins of an organization manage its keys."


class CredentialAdmin(OrganizationAdmin):
    """A credential is never deleted: revoked, it still tells who had what, and when."""

    actions = ("revoke",)
    ordering = ("-created_at",)
    # Whom the credential speaks for, and what can be changed later.
    owner_field: ClassVar[str]
    editable: ClassVar[tuple[str, ...]] = ("name", "expires_at")
    history: ClassVar[tuple[str, ...]] = (
        "id", "last_four", "created_at", "last_used_at", "revoked_at",
    )  # fmt: skip
    # Where the secret works.
    purpose: ClassVar[str]

    def manageable(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the queryset that the person may revoke."""
        return queryset

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # A digest is not to be guessed letter by letter through the address line.
        if lookup.startswith("digest"):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        asked = (self.owner_field, *self.editable)
        return asked if obj is None else (*asked, *self.history)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return () if obj is None else (self.owner_field, *self.history)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # The page that follows shows the secret, and has to be the only one.
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **buttons})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            # Nothing but what was filled in: the rest was read before, and somebody may have
            # revoked the credential since.
            obj.save(update_fields=form.changed_data)
            return
        obj.shown_once = credentials.give_secret(obj)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The one page with the secret. Nothing else gets it: a message would lie in a cookie, or
        in the session, until the next page is drawn. Admin pages are stored by no browser."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"{capfirst(self.opts.verbose_name)} made",
            "opts": self.opts,
            "credential": obj,
            "secret": obj.shown_once,
            "purpose": self.purpose,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/new_credential.html", context)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        codename = get_permission_codename("change", self.opts)
        return person_of(request).has_perm(f"{self.opts.app_label}.{codename}")

    @admin.action(description="Revoke the selected ones for good", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        revocable = self.manageable(request, queryset)
        others = queryset.count() - revocable.count()
        revoked = credentials.revoke(revocable, by=str(person_of(request).pk))
        for credential in revoked:
            self.log_change(request, credential, "Revoked.")
        if revoked or not others:
            self.message_user(request, f"{len(revoked)} revoked; they open nothing from now on.")
        if others:
            self.message_user(request, f"{others} left alone: {NOT_YOURS}", messages.WARNING)


class ScopesField(forms.CharField):
    """Scopes, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 40})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        scopes = list(dict.fromkeys(_words(text)))
        if text.strip() and not scopes:
            raise ValidationError("There is no scope in this.")
        for scope in scopes:
            if not is_scope(scope):
                raise ValidationError(f"{scope} is no scope. One is read:errors, or admin.")
        return scopes

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (initial or []) != _words(data or "")


def _words(text: str) -> list[str]:
    """Written one a line, or with spaces or commas between them."""
    return text.replace(",", " ").split()


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = ScopesField(
        required=False,
        help_text=(
            "What the key may do, one a line: action:type, or action:type:id for one thing, such as"
            " read:errors, write:runs or read:runs:run_abc. read:all reads everything. Empty: the"
            " key may do everything in its environment."
        ),
    )

    class Meta:
        model = ApiKey
        fields = ("environment", "name", "scopes", "expires_at")


@admin.register(ApiKey)
class ApiKeyPages(CredentialAdmin):
    organization_path = "environment__project__organization"
    owner_field = "environment"
    editable = ("name", "scopes", "expires_at")
    history = (*CredentialAdmin.history, "created_by", "revoked_by")
    form = ApiKeyForm
    purpose = "Programs send it to the API of this environment as their bearer token."
    list_display = (
        "name", "environment", "last_four", "created_at", "created_by", "expires_at",
        "last_used_at", "revoked_at",
    )  # fmt: skip
    list_select_related = ("environment__project", "created_by")
    search_fields = ("^name", "=last_four")
    autocomplete_fields = ("environment",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and manages_any(person_of(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        if not allowed or obj is None:
            return allowed
        organization_id = obj.environment.project.organization_id
        return may_manage_keys(role_in(person_of(request), organization_id))

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return super().has_revoke_permission(request) and manages_any(person_of(request))

    def manageable(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        managed = managed_organizations(person_of(request))
        return queryset.filter(environment__project__organization__in=managed)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "environment" and field is not None:
            managed = managed_organizations(person_of(request))
            field.queryset = field.queryset.filter(project__organization__in=managed)
            field.error_messages["invalid_choice"] = f"Choose another: {NOT_YOURS}"
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = person_of(request)
        super().save_model(request, obj, form, change)


@admin.register(PersonalAccessToken)
class PersonalAccessTokenPages(CredentialAdmin):
    """A token speaks for its person: staff make and see only their own. Who made or revoked one is
    in its history."""

    owner_field = "user"
    purpose = "It speaks for its person: the command line and the API take it as a bearer token."
    list_display = (
        "name", "user", "last_four", "created_at", "expires_at", "last_used_at", "revoked_at",
    )  # fmt: skip
    list_select_related = ("user",)
    search_fields = ("^name", "=last_four", "^user__username")
    autocomplete_fields = ("user",)

    def visible_to(self, user: User) -> Q:
        return Q(user=user)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        user = person_of(request)
        if field is not None and not user.is_superuser:
            field.queryset = User.objects.filter(pk=user.pk)
        return field
