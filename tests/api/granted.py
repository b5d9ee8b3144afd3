"""Exchanging tokens, and what is in one that was granted, as the server reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from runs_app.domain.callers import Caller, CredentialKind, EnvironmentCaller, PersonalCaller
from runs_app.services.authentication import authenticate
from tests.conftest import Answer, Api, Workspace

EVERY_KIND = frozenset(CredentialKind)


def path_to(workspace: Workspace) -> str:
    environment = workspace.environment
    return f"/api/v1/projects/{environment.project.external_ref}/{environment.slug}/jwt"


def exchange(api: Api, workspace: Workspace, *scopes: str, **members: Any) -> Answer:
    return api.post(path_to(workspace), {"claims": {"scopes": list(scopes)}, **members})


def claims_of(answer: Answer) -> dict[str, Any]:
    """The claims of a token that was just granted."""
    assert answer.status == 200, answer.body
    bare = answer.body["token"].removeprefix("tr_uat_")
    claims: dict[str, Any] = jwt.decode(bare, options={"verify_signature": False})
    return claims


def environment_caller(answer: Answer) -> EnvironmentCaller:
    caller = _caller(answer)
    assert isinstance(caller, EnvironmentCaller)
    return caller


def personal_caller(answer: Answer) -> PersonalCaller:
    caller = _caller(answer)
    assert isinstance(caller, PersonalCaller)
    return caller


def lifetime_of(answer: Answer) -> timedelta:
    """How long the token lives from now, to a few seconds."""
    return ends_at(answer) - datetime.now(UTC)


def ends_at(answer: Answer) -> datetime:
    return datetime.fromtimestamp(claims_of(answer)["exp"], UTC)


def about(found: timedelta, wanted: timedelta) -> bool:
    """Within a minute: the requests of a test take some time."""
    return abs(found - wanted) < timedelta(minutes=1)


def _caller(answer: Answer) -> Caller:
    assert answer.status == 200, answer.body
    return authenticate(answer.body["token"], EVERY_KIND)
