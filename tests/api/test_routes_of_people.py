"""Methods, slashes, media types and credentials: the same on every route that is not opened by
each credential of an environment."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client

from runs_app.domain.times import utc_now
from runs_app.models import PersonalAccessToken
from runs_app.services.credentials import create_api_key, create_personal_access_token
from tests.api.expectations import refused, without_ids
from tests.api.routes import api_routes
from tests.conftest import Answer, Api, Workspace, make_workspace
from tests.people import (
    Person,
    actor_token_of,
    make_person,
    member_of,
    token_of_key,
    token_of_person,
)

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"}
PERSON, ACTOR, KEY, TOKEN, PUBLIC = "person", "actor", "key", "token", "public"
OPENED_BY: dict[str, set[str]] = {
    "v1/auth/public-tokens": {KEY},
    "v1/auth/user-actor-token": {PERSON},
    "v1/projects": {PERSON, ACTOR},
    "v1/projects/<str:project_ref>": {PERSON, ACTOR},
    "v1/projects/<str:project_ref>/<str:environment>/jwt": {PERSON, ACTOR},
    "v2/whoami": {PERSON, ACTOR},
}


POSTED = {pattern for pattern in OPENED_BY if api_routes()[pattern] == {"POST"}}


@dataclass(frozen=True)
class Route:
    """A route at somebody's own things, and a credential of each kind."""

    pattern: str
    workspace: Workspace
    person: Person

    @property
    def method(self) -> str:
        [method] = api_routes()[self.pattern]
        return method

    @property
    def allowed(self) -> set[str]:
        return {self.method, "OPTIONS"} | ({"HEAD"} if self.method == "GET" else set())

    @property
    def credentials(self) -> dict[str, str]:
        return {
            PERSON: self.person.token,
            ACTOR: actor_token_of(self.person, cap=("admin",)),
            KEY: self.workspace.key,
            TOKEN: token_of_person(self.workspace, self.person, "admin"),
            PUBLIC: token_of_key(self.workspace, "admin"),
        }

    def call(
        self, credential: str | None = None, method: str = "", after: str = "", **headers: str
    ) -> Answer:
        """With a good credential where none is given; an empty one is none at all."""
        environment = self.workspace.environment
        path = "/api/" + self.pattern.replace("<str:environment>", environment.slug).replace(
            "<str:project_ref>", environment.project.external_ref
        )
        used = self.credentials[min(OPENED_BY[self.pattern])] if credential is None else credential
        response = Client(raise_request_exception=False).generic(
            method or self.method,
            path + after,
            b"" if method else b'{"scopes": ["read:runs"]}',
            content_type="application/json",
            headers={"authorization": f"Bearer {used}", **headers} if used else headers,
        )
        return Api(None)._answer(response)


@pytest.fixture(params=sorted(OPENED_BY))
def route(request: pytest.FixtureRequest, db: None) -> Route:
    workspace = make_workspace("prod")
    return Route(request.param, workspace, member_of(workspace))


def test_exactly_the_credentials_of_its_kinds_open_a_route(route: Route) -> None:
    answers = {name: route.call(credential) for name, credential in route.credentials.items()}

    opened = {name for name, answer in answers.items() if answer.status == 200}
    others = [without_ids(answers[name]) for name in sorted(answers.keys() - opened)]
    assert opened == OPENED_BY[route.pattern]
    for name in answers.keys() - opened:
        refused(answers[name], 401, "unauthorized")
    assert others == [without_ids(route.call("nonsense"))] * len(others)


def test_every_bad_credential_is_refused_in_the_same_bytes(route: Route) -> None:
    revoked, unlucky = make_person(), make_person()
    actor = actor_token_of(revoked)
    PersonalAccessToken.objects.filter(user=revoked.user).update(revoked_at=utc_now())
    past = utc_now() - timedelta(seconds=1)
    good = route.person.token
    bad = [
        revoked.token, actor, good[:-1], good + "x", good.upper(), "tr_pat_", "tr_pat_" + "0" * 40,
        create_personal_access_token(unlucky.user, name="expired", expires_at=past),
        actor_token_of(route.person, lifetime=timedelta(seconds=-5)),
        actor_token_of(route.person) + "x", "tr_uat_a.b.c", "tr_uat_", "eyJhbGciOiJub25lIn0.e30.",
        create_api_key(route.workspace.environment, name="expired", expires_at=past),
        "tr_prod_sk_" + "0" * 24, "é", "x" * 10_000,
    ]  # fmt: skip

    answers = [route.call(credential) for credential in bad]

    for answer in answers:
        refused(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert [without_ids(answer) for answer in answers] == [without_ids(answers[0])] * len(bad)


def test_without_a_credential_not_even_the_methods_are_told(route: Route) -> None:
    for method in (*METHODS, "OPTIONS"):
        answer = route.call("", method)

        refused(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_wrong_method_is_refused_and_told_the_right_ones(route: Route) -> None:
    for method in (*sorted(METHODS - {route.method}), "BREW"):
        answer = route.call(method=method)

        refused(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == route.allowed


def test_a_head_is_a_get_without_its_body(route: Route) -> None:
    answer = route.call(method="HEAD")

    assert answer.status == (200 if route.method == "GET" else 405)
    assert answer.body is None


def test_options_name_the_methods_and_nothing_of_our_code(route: Route) -> None:
    answer = route.call(method="OPTIONS")

    assert (answer.status, answer.body) == (200, None)
    assert set(answer.headers["Allow"].split(", ")) == route.allowed


def test_a_slash_at_the_end_is_another_address(route: Route) -> None:
    body = refused(route.call(after="/"), 404, "not_found")

    assert body["detail"] == "There is nothing at this address."


def test_only_json_is_answered_whatever_is_asked_for(route: Route) -> None:
    formatted = route.call(after="?format=xml")

    assert formatted.status == 200
    assert formatted.headers["Content-Type"] == "application/json"
    refused(route.call(Accept="text/html"), 406, "not_acceptable")


@pytest.mark.parametrize("route", sorted(POSTED), indirect=True)
def test_only_json_is_read(route: Route) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    refused(route.call(**form), 415, "unsupported_media_type")
