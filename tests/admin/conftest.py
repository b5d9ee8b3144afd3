"""Two organizations with one object of every kind, and people who look at them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from errors_app.domain.groups import Action, ActorKind, Status
from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.domain.report_bodies import split_body
from runs_app.models import (
    ApiKey,
    Environment,
    Membership,
    Organization,
    OutboxEntry,
    PersonalAccessToken,
    Project,
    TaskRun,
    User,
)
from runs_app.services.credentials import create_api_key, create_personal_access_token
from runs_app.services.ingest import ingest

XSS = "<script>alert('x')</script>"
FINGERPRINT = "abcdefabcdefabcd"


@dataclass(frozen=True)
class World:
    """One organization and what belongs to it, by model."""

    name: str
    objects: dict[type[Model], Any]

    def __getitem__(self, model: type[Model]) -> Any:
        return self.objects[model]


def make_world(name: str) -> World:
    organization = Organization.objects.create(slug=name, title=f"{name} limited")
    project = Project.objects.create(organization=organization, name=f"{name}-shop", slug=name)
    environment = Environment.objects.create(project=project, slug="prod", type="PRODUCTION")
    user = User.objects.create_user(f"{name}-member")
    membership = Membership.objects.create(organization=organization, user=user)
    key_secret = create_api_key(environment, name=f"{name}-key")
    token_secret = create_personal_access_token(user, name=f"{name}-token")
    report_failure(environment, f"run_{name}1")
    now = datetime.now(UTC)
    state = ErrorGroupState.objects.create(
        environment=environment,
        task_identifier=f"{name}-task",
        error_fingerprint=FINGERPRINT,
        status=Status.RESOLVED,
        resolved_by=user,
        version=1,
        created_at=now,
        updated_at=now,
    )
    activity = ErrorGroupActivity.objects.create(
        state=state,
        state_version=1,
        action=Action.RESOLVE,
        from_status=Status.UNRESOLVED,
        to_status=Status.RESOLVED,
        actor_kind=ActorKind.USER,
        user=user,
        reason=f"{name}-reason",
        created_at=now,
    )
    return World(
        name,
        {
            User: user,
            Organization: organization,
            Project: project,
            Environment: environment,
            Membership: membership,
            ApiKey: ApiKey.objects.get(last_four=key_secret[-4:], environment=environment),
            PersonalAccessToken: PersonalAccessToken.objects.get(
                last_four=token_secret[-4:], user=user
            ),
            TaskRun: TaskRun.objects.get(environment=environment),
            OutboxEntry: OutboxEntry.objects.get(environment=environment),
            ErrorGroupState: state,
            ErrorGroupActivity: activity,
        },
    )


def report_failure(environment: Environment, run_id: str) -> None:
    run = {
        "id": run_id,
        "taskIdentifier": f"task-of-{run_id}",
        "status": "FAILED",
        "version": "20260101.1",
        "payload": {"text": XSS, "long": "p" * 50_000},
        "error": {"type": XSS, "message": XSS, "stack": f"{XSS}\n    at {XSS}"},
    }
    ingest(environment.tenant(), split_body(json.dumps([run]).encode(), lines=False))


MODELS = (
    User,
    Organization,
    Project,
    Environment,
    Membership,
    ApiKey,
    PersonalAccessToken,
    TaskRun,
    OutboxEntry,
    ErrorGroupState,
    ErrorGroupActivity,
)
READ_ONLY = (TaskRun, OutboxEntry, ErrorGroupState, ErrorGroupActivity)


def page_of(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ours(db: None) -> World:
    return make_world("ours")


@pytest.fixture
def theirs(db: None) -> World:
    return make_world("theirs")


@pytest.fixture
def superuser(db: None) -> Client:
    return client_of(User.objects.create_superuser("root"))


@pytest.fixture
def staff(ours: World) -> Client:
    """An admin of our organization with every permission there is, but no superuser."""
    Membership.objects.filter(pk=ours[Membership].pk).update(role=Membership.Role.ADMIN)
    user = ours[User]
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.all())
    return client_of(user)
