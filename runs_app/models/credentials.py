"""API keys and personal access tokens: only SHA-256 digests are kept, a secret is shown once. And
the secrets that tokens are signed with."""

import uuid
from datetime import datetime

from django.db import models

from runs_app.models.tenancy import Environment, User


class Credential(models.Model):
    """What every stored secret has. A credential is active until it expires or is revoked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

    def is_active(self, now: datetime) -> bool:
        expired = self.expires_at is not None and self.expires_at <= now
        return self.revoked_at is None and not expired


class ApiKey(Credential):
    """A key of one environment. No scopes means full access to that environment."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="api_keys")
    scopes = models.JSONField(default=list, blank=True)
    created_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    revoked_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"


class PersonalAccessToken(Credential):
    """A token that speaks for a person."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_tokens")

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} of {self.user} (…{self.last_four})"


class SigningSecret(models.Model):
    """What the tokens of one environment are signed with, encrypted under the installation's own
    secret. Another one makes every earlier token worthless."""

    environment = models.OneToOneField(
        Environment, on_delete=models.CASCADE, primary_key=True, related_name="signing_secret"
    )
    encrypted = models.TextField(editable=False)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"the signing secret of {self.environment}"
