"""API keys and personal access tokens: made here and shown once, then renamed or revoked."""

import re
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from runs_app.admin.visibility import OrganizationAdmin, person_of
from runs_app.domain.ids import new_api_key, new_personal_access_token
from runs_app.domain.scopes import parse_scope
from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, PersonalAccessToken, User
from runs_app.services.credentials import digest_of

# What stands before and after the first colon of a scope.
PLAIN: Final = re.compile(r"[a-z*_-]+", re.IGNORECASE)


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

    def new_secret(self, credential: Any) -> str:
        raise NotImplementedError

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

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        secret = self.new_secret(obj)
        obj.digest = digest_of(secret)
        obj.last_four = secret[-4:]
        super().save_model(request, obj, form, change)
        self.message_user(
            request, f"Copy this now, it is not shown again: {secret}", messages.WARNING
        )

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        codename = get_permission_codename("change", self.opts)
        return person_of(request).has_perm(f"{self.opts.app_label}.{codename}")

    @admin.action(description="Revoke the selected ones for good", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        active = list(queryset.filter(revoked_at=None))
        queryset.filter(pk__in=[one.pk for one in active]).update(revoked_at=utc_now())
        for credential in active:
            self.log_change(request, credential, "Revoked.")
        self.message_user(request, f"{len(active)} revoked; they open nothing from now on.")


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
            known = parse_scope(scope)
            if scope != "admin" and not (known and PLAIN.fullmatch(known.action + known.type)):
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
        help_text="One a line, such as read:errors or write:runs. None: everything.",
    )

    class Meta:
        model = ApiKey
        fields = ("environment", "name", "scopes", "expires_at")


@admin.register(ApiKey)
class ApiKeyPages(CredentialAdmin):
    organization_path = "environment__project__organization"
    owner_field = "environment"
    editable = ("name", "scopes", "expires_at")
    form = ApiKeyForm
    list_display = (
        "name", "environment", "last_four", "created_at", "expires_at", "last_used_at",
        "revoked_at",
    )  # fmt: skip
    list_select_related = ("environment__project",)
    search_fields = ("^name", "=last_four")
    autocomplete_fields = ("environment",)

    def new_secret(self, credential: ApiKey) -> str:
        return new_api_key(credential.environment.slug)


@admin.register(PersonalAccessToken)
class PersonalAccessTokenPages(CredentialAdmin):
    """A token speaks for its person: staff make and see only their own."""

    owner_field = "user"
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

    def new_secret(self, credential: PersonalAccessToken) -> str:
        return new_personal_access_token()
