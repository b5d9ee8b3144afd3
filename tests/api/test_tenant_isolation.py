"""Every route under /api/ with the credentials of somebody else, and with none that are good.

A route without an entry in `CALLS` fails the first test: add the call that would reach another
tenant's things, were the route careless.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from errors_app.models import ErrorGroupActivity, ErrorGroupState
from runs_app.domain.times import utc_now
from runs_app.models import ApiKey, OutboxEntry, TaskRun
from runs_app.services.credentials import create_api_key
from tests.api.expectations import failure, refused, the_group, without_ids
from tests.api.routes import api_routes
from tests.conftest import Answer, Api, Workspace, make_workspace

SECRET = "UnmistakableSecret"


@dataclass(frozen=True)
class Call:
    """How a route is called at another tenant's things. `scope`: the scope it asks for, and
    `found`: what a caller of another tenant gets."""

    method: str
    scope: str
    found: int
    body: Any = None
    of_an_id: bool = False


CALLS: dict[tuple[str, str], Call] = {
    ("GET", "v1/errors"): Call("GET", "read:errors", 200),
    ("GET", "v1/errors/<str:error_id>"): Call("GET", "read:errors", 404, of_an_id=True),
    ("GET", "v1/errors/<str:error_id>/activity"): Call("GET", "read:errors", 404, of_an_id=True),
    ("GET", "v1/errors/<str:error_id>/grouping"): Call("GET", "read:errors", 404, of_an_id=True),
    ("POST", "v1/errors/<str:error_id>/resolve"): Call("POST", "write:errors", 404, {}, True),
    ("POST", "v1/errors/<str:error_id>/ignore"): Call("POST", "write:errors", 404, {}, True),
    ("POST", "v1/errors/<str:error_id>/unresolve"): Call("POST", "write:errors", 404, {}, True),
    ("POST", "v1/errors/bulk"): Call(
        "POST", "write:errors", 200, {"action": "resolve", "filter": {"search": SECRET}}
    ),
    # Says that a group exists where it does: of its own environment, which has none.
    ("POST", "v1/grouping/preview"): Call(
        "POST", "read:errors", 200, {"error": {"type": "Nobodys", "message": "Nothing"}}
    ),
    ("GET", "v1/runs"): Call("GET", "read:runs", 200),
    ("POST", "v1/runs"): Call("POST", "write:runs", 200, [failure("run_theirs", "TheirError")]),
    ("GET", "v3/runs/<str:run_id>"): Call("GET", "read:runs", 404, of_an_id=True),
}
# Routes tested for the same elsewhere, because no environment's key opens them: the reason.
ELSEWHERE: dict[str, str] = {
    "schema/": "for everybody, and the same for everybody: tests.openapi.test_served",
    "v1/auth/public-tokens": "needs no scope and names nothing: test_public_tokens",
    "v1/auth/user-actor-token": "for people's tokens: test_user_actor_token",
    "v1/errors/bulk/<str:operation_id>/undo": "of one operation: tests.bulk.test_undo",
    "v1/errors/merge": "of several groups: tests.merging.test_tenants",
    "v1/errors/<str:error_id>/split": "of several groups: tests.merging.test_tenants",
    "v1/projects": "for people's tokens: test_projects",
    "v1/projects/<str:project_ref>": "for people's tokens: test_projects",
    "v1/projects/<str:project_ref>/<str:environment>/api-keys": "for people: test_api_keys",
    "v1/projects/<str:project_ref>/<str:environment>/api-keys/<str:key_id>": (
        "for people's tokens: test_api_keys"
    ),
    "v1/projects/<str:project_ref>/<str:environment>/jwt": "for people's tokens: test_exchange",
    "v2/whoami": "for people's tokens: test_whoami",
}


@dataclass(frozen=True)
class Owned:
    """What one tenant has, for others to reach for."""

    workspace: Workspace
    group: dict[str, Any]
    run_id: str

    def path(self, route: str) -> str:
        path = "/api/" + route.replace("<str:error_id>", self.group["id"])
        return path.replace("<str:run_id>", self.run_id)

    def call(self, api: Api, key: tuple[str, str]) -> Answer:
        path = self.path(key[1])
        if key[0] == "GET":
            return api.get(path)
        return api.post(path, CALLS[key].body)


@pytest.fixture(scope="module")
def owned(shared_prod: Workspace) -> Owned:
    shared_prod.report(
        failure(
            f"run_{SECRET}",
            f"{SECRET}Error",
            message=SECRET,
            task=SECRET,
            version=SECRET,
            tags=[SECRET],
            payload=SECRET,
        )
    )
    return Owned(shared_prod, the_group(shared_prod), f"run_{SECRET}")


@pytest.fixture(params=sorted(CALLS), ids=lambda key: f"{key[0]} {key[1]}")
def route(request: pytest.FixtureRequest, owned: Owned, db: None) -> tuple[str, str]:
    key: tuple[str, str] = request.param
    return key


def untouched(owned: Owned) -> bool:
    return (
        ErrorGroupState.objects.count() == 0
        and ErrorGroupActivity.objects.count() == 0
        and TaskRun.objects.filter(environment=owned.workspace.environment).count() == 1
    )


def test_every_route_has_its_entry_here() -> None:
    known = {
        (method, route)
        for route, methods in api_routes().items()
        if route not in ELSEWHERE
        for method in methods
    }

    assert known == set(CALLS)


def test_the_owners_key_opens_every_route(owned: Owned, route: tuple[str, str]) -> None:
    answer = owned.call(owned.workspace.api, route)

    assert answer.status == 200, answer.body


@pytest.mark.parametrize("whose", ["another environment", "another project"])
def test_another_tenants_key_never_sees_or_changes_anything(
    owned: Owned, route: tuple[str, str], whose: str
) -> None:
    project = owned.workspace.environment.project if whose == "another environment" else None
    other = make_workspace("dev" if project else "prod", project)

    answer = owned.call(other.api, route)

    assert answer.status == CALLS[route].found, answer.body
    assert SECRET not in str(answer.body)
    assert owned.group["fingerprint"] not in str(answer.body)
    assert untouched(owned)


@pytest.mark.parametrize("name", ["error", "taskIdentifier", "version", "tag", "search"])
def test_another_tenants_key_finds_nothing_by_naming_it(
    owned: Owned, prod: Workspace, name: str
) -> None:
    value = owned.group["id"] if name == "error" else SECRET
    for path in ("/api/v1/errors", "/api/v1/runs"):
        answer = prod.api.get(path, {f"filter[{name}]": value})

        assert answer.status in {200, 400}
        if answer.status == 200:
            assert answer.body["data"] == []


def test_the_same_report_under_two_keys_makes_two_runs(owned: Owned, prod: Workspace) -> None:
    prod.report(
        failure(owned.run_id, f"{SECRET}Error", message=SECRET, task=SECRET),
        failure("run_more", f"{SECRET}Error", message=SECRET, task=SECRET),
    )

    mine = the_group(owned.workspace)
    theirs = the_group(prod)

    assert (mine["count"], theirs["count"]) == (1, 2)
    assert mine["id"] == theirs["id"]
    assert mine["lastSeen"] == owned.group["lastSeen"]
    assert [run["version"] for run in owned.workspace.runs(error=mine["id"])] == [SECRET]
    assert all("version" not in run for run in prod.runs(error=mine["id"]))


# --- credentials that are not good --------------------------------------------------------------


def test_without_a_key_a_route_says_so(owned: Owned, route: tuple[str, str]) -> None:
    answer = owned.call(Api(None), route)

    refused(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert untouched(owned)


def test_every_bad_key_is_refused_in_the_same_bytes(owned: Owned, route: tuple[str, str]) -> None:
    environment = owned.workspace.environment
    revoked = create_api_key(environment, name="revoked")
    ApiKey.objects.filter(name="revoked").update(revoked_at=utc_now())
    expired = create_api_key(environment, name="expired", expires_at=utc_now())
    both = create_api_key(environment, name="both", expires_at=utc_now() - timedelta(days=1))
    ApiKey.objects.filter(name="both").update(revoked_at=utc_now())
    narrow = create_api_key(environment, name="narrow", scopes=("none:none",))
    ApiKey.objects.filter(name="narrow").update(revoked_at=utc_now())
    unknown = "tr_prod_sk_" + "0" * 24
    good = owned.workspace.key
    bad = [
        revoked, expired, both, narrow, unknown, "x", good[:-1], good + "x", good.upper(),
        "tr_pat_" + "0" * 40, "tr_uat_a.b.c", "eyJhbGciOiJub25lIn0.e30.", "é", "x" * 10_000,
    ]  # fmt: skip

    answers = [owned.call(Api(key), route) for key in bad]

    for answer in answers:
        refused(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert [without_ids(answer) for answer in answers] == [without_ids(answers[0])] * len(bad)
    assert untouched(owned)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "bearer",
        "Basic dTpw",
        "{key}",
        "Token {key}",
        "Bearer {key} x",
        "Bearer\t",
    ],
)
def test_a_header_that_is_no_bearer_is_refused(owned: Owned, db: None, header: str) -> None:
    value = header.format(key=owned.workspace.key)

    answer = Api(None, authorization=value).get("/api/v1/errors")

    refused(answer, 401, "unauthorized")


@pytest.mark.parametrize("header", ["bearer {key}", "BEARER   {key}  "])
def test_the_scheme_is_taken_in_any_case(owned: Owned, db: None, header: str) -> None:
    value = header.format(key=owned.workspace.key)

    assert Api(None, authorization=value).get("/api/v1/errors").status == 200


def test_a_key_in_the_query_or_a_cookie_is_no_key(owned: Owned, db: None) -> None:
    key = owned.workspace.key

    refused(Api(None).get("/api/v1/errors", {"api_key": key, "token": key}), 401, "unauthorized")
    refused(Api(None, cookie=f"token={key}").get("/api/v1/errors"), 401, "unauthorized")


# --- scopes -------------------------------------------------------------------------------------


def permissions(owned: Owned, key: tuple[str, str]) -> list[str]:
    call = CALLS[key]
    if not call.of_an_id:
        return [call.scope]
    own = owned.group["id"] if "error_id" in key[1] else owned.run_id
    return [call.scope, f"{call.scope}:{own}"]


def test_a_key_without_the_scope_is_told_which_would_do(
    owned: Owned, route: tuple[str, str]
) -> None:
    wanted = permissions(owned, route)
    action, type_ = CALLS[route].scope.split(":")
    others = {"read", "write"} - {action}
    held = (
        *(f"{other}:{type_}" for other in others),
        f"{action}:other",
        f"{action}:{type_}:elsewhere",
        "nonsense",
    )
    api = Api(create_api_key(owned.workspace.environment, name="narrow", scopes=held))

    answer = owned.call(api, route)

    body = refused(answer, 403, "insufficient_scope")
    assert body["permissions"] == wanted
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer error="insufficient_scope", scope="{" ".join(wanted)}"'
    )
    assert all(scope not in str(body) for scope in held)
    assert untouched(owned)


def test_each_scope_that_is_named_would_do(owned: Owned, route: tuple[str, str]) -> None:
    for scope in permissions(owned, route):
        key = create_api_key(owned.workspace.environment, name="narrow", scopes=(scope,))

        assert owned.call(Api(key), route).status == 200


def test_another_tenants_key_with_a_scope_for_the_very_id_finds_nothing(
    owned: Owned, route: tuple[str, str]
) -> None:
    other = make_workspace("prod")
    scopes = tuple(permissions(owned, route))
    api = Api(create_api_key(other.environment, name="narrow", scopes=scopes))

    answer = owned.call(api, route)

    assert answer.status == CALLS[route].found
    assert SECRET not in str(answer.body)
    assert untouched(owned)


def test_nothing_waits_in_the_outbox_for_the_owner(owned: Owned, db: None) -> None:
    assert not OutboxEntry.objects.filter(environment=owned.workspace.environment).exists()
