"""The first things of an installation, and the file that keeps their secrets.

Secrets are written to disk before they are committed, and get their final name after. Whatever a
crash leaves in between, the next call mends: a draft whose keys were committed becomes the file,
another one goes.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from runs_app.domain.errors import Conflict
from runs_app.domain.ids import new_password
from runs_app.domain.tenant import ENVIRONMENT_SLUGS
from runs_app.domain.times import utc_now
from runs_app.models import (
    ApiKey,
    Environment,
    Membership,
    Organization,
    PersonalAccessToken,
    Project,
    User,
)
from runs_app.services.credentials import create_api_key, create_personal_access_token, digest_of
from runs_app.services.stores import setup_turn

FILE: Final = "credentials.json"
SLUG: Final = "default"
USERNAME: Final = "admin"
# How the credentials made here are recognised later.
CREDENTIAL_NAME: Final = "bootstrap"


class Outcome(Enum):
    CREATED = "everything was created"
    NEW_KEYS = "the keys and the token were replaced"
    UNCHANGED = "nothing was changed"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is known of the secrets. `api_keys` by environment; a password of None is unknown."""

    api_keys: Mapping[str, str] = field(repr=False)
    personal_access_token: str = field(repr=False)
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """What bootstrap works on, as it stands in the database."""

    organization: Organization
    project: Project
    environments: Mapping[str, Environment]
    superuser: User


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """`secrets` only where they were made by this call; `file` only where there is one."""

    outcome: Outcome
    installation: Installation
    secrets: Secrets | None
    file: Path | None


def bootstrap(*, new_keys: bool = False) -> Bootstrapped:
    """Create the first organization and its credentials, or find that they are there.

    With `new_keys` the credentials of an earlier call are revoked and replaced. Raises Conflict
    where there is an organization, but nothing that bootstrap could work on.
    """
    with setup_turn():
        file = _CredentialsFile(settings.FAULTLINE_DATA / FILE)
        file.recover()
        if Organization.objects.exists():
            installation = _find()
            if not new_keys:
                return Bootstrapped(Outcome.UNCHANGED, installation, None, file.path_if_there())
            outcome = Outcome.NEW_KEYS
            with transaction.atomic():
                _revoke(installation)
                password = _known_password(installation.superuser, file)
                secrets = _create_credentials(installation, password)
                file.draft(installation, secrets)
        else:
            outcome = Outcome.CREATED
            with transaction.atomic():
                installation, secrets = _create(new_password())
                file.draft(installation, secrets)
        file.publish()
        return Bootstrapped(outcome, installation, secrets, file.path)


def kept_credentials() -> dict[str, Any]:
    """The document in credentials.json; empty where there is none."""
    return _read(settings.FAULTLINE_DATA / FILE)


def document(installation: Installation, secrets: Secrets | None) -> dict[str, Any]:
    """The JSON form; without `secrets` the members that are secret are left out."""
    environments: dict[str, dict[str, str]] = {}
    for slug, environment in installation.environments.items():
        environments[slug] = {"id": str(environment.id)}
        if secrets is not None:
            environments[slug]["apiKey"] = secrets.api_keys[slug]
    superuser = {"username": installation.superuser.get_username()}
    if secrets is not None and secrets.password is not None:
        superuser["password"] = secrets.password
    content: dict[str, Any] = {
        "organization": {
            "id": str(installation.organization.id),
            "slug": installation.organization.slug,
        },
        "project": {
            "id": str(installation.project.id),
            "ref": installation.project.external_ref,
        },
        "environments": environments,
        "superuser": superuser,
    }
    if secrets is not None:
        content["personalAccessToken"] = secrets.personal_access_token
    return content


def _create(password: str) -> tuple[Installation, Secrets]:
    organization = Organization.objects.create(slug=SLUG, title="Default organization")
    project = Project.objects.create(organization=organization, name="Default project", slug=SLUG)
    environments = {
        slug: Environment.objects.create(project=project, slug=slug, type=type_.value)
        for slug, type_ in ENVIRONMENT_SLUGS.items()
    }
    superuser = User.objects.filter(username=USERNAME).first()
    known_password = None
    if superuser is None:
        known_password = password
        superuser = User.objects.create_superuser(USERNAME, password=password)
    elif not superuser.is_superuser:
        raise Conflict(f"The user {USERNAME} exists and is no superuser: rename it first.")
    Membership.objects.create(organization=organization, user=superuser, role=Membership.Role.OWNER)
    installation = Installation(organization, project, environments, superuser)
    return installation, _create_credentials(installation, known_password)


def _find() -> Installation:
    """What an earlier call created, under whatever names it goes by now: the oldest of each."""
    project = Project.objects.select_related("organization").order_by("created_at").first()
    superuser = (
        User.objects.filter(username=USERNAME, is_superuser=True).first()
        or User.objects.filter(is_superuser=True).order_by("date_joined").first()
    )
    if project is None or superuser is None:
        raise Conflict(
            "There is an organization, but no project or no superuser: create them in the admin"
            " or with `manage.py createsuperuser`."
        )
    found = {each.slug: each for each in project.environments.all()}
    environments = {slug: found[slug] for slug in ENVIRONMENT_SLUGS if slug in found}
    return Installation(project.organization, project, environments, superuser)


def _create_credentials(installation: Installation, password: str | None) -> Secrets:
    return Secrets(
        api_keys={
            slug: create_api_key(environment, name=CREDENTIAL_NAME)
            for slug, environment in installation.environments.items()
        },
        personal_access_token=create_personal_access_token(
            installation.superuser, name=CREDENTIAL_NAME
        ),
        password=password,
    )


def _revoke(installation: Installation) -> None:
    now = utc_now()
    ApiKey.objects.filter(
        environment__project=installation.project, name=CREDENTIAL_NAME, revoked_at=None
    ).update(revoked_at=now)
    PersonalAccessToken.objects.filter(
        user=installation.superuser, name=CREDENTIAL_NAME, revoked_at=None
    ).update(revoked_at=now)


def _known_password(superuser: User, file: "_CredentialsFile") -> str | None:
    """The password the file tells, where it is still the right one."""
    told = file.read().get("superuser", {}).get("password")
    return told if isinstance(told, str) and superuser.check_password(told) else None


class _CredentialsFile:
    """`credentials.json`, and its draft while a transaction is on its way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._draft = path.with_suffix(".draft")

    def path_if_there(self) -> Path | None:
        return self.path if self.path.exists() else None

    def read(self) -> dict[str, Any]:
        return _read(self.path)

    def draft(self, installation: Installation, secrets: Secrets) -> None:
        self._draft.unlink(missing_ok=True)
        descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as draft:
            json.dump(document(installation, secrets), draft, indent=2)
            draft.write("\n")
            draft.flush()
            os.fsync(draft.fileno())
        self._sync_directory()

    def publish(self) -> None:
        self._draft.replace(self.path)
        self._sync_directory()

    def recover(self) -> None:
        """Finish, or undo, what a crash around the commit left behind."""
        token = _read(self._draft).get("personalAccessToken")
        if isinstance(token, str) and _is_stored(token):
            self.publish()
        else:
            self._draft.unlink(missing_ok=True)

    def _sync_directory(self) -> None:
        descriptor = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _read(path: Path) -> dict[str, Any]:
    """Empty where there is no such file, or where it was cut off or edited into something else."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        content = json.loads(path.read_text())
        if isinstance(content, dict):
            return content
    return {}


def _is_stored(token: str) -> bool:
    return PersonalAccessToken.objects.filter(digest=digest_of(token), revoked_at=None).exists()
