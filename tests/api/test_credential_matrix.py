"""Which credential opens which route: every route against every kind of credential.

A row is a route, a column a credential (what each stands for is said below its table), a cell the
status of the answer; `-` where such a credential makes no sense for the route.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from tests.api.credential_cast import (
    PEOPLE,
    PEOPLES_TOKENS,
    PUBLIC_TOKENS,
    SENT_TO_ENVIRONMENTS,
    Cast,
    Column,
    Route,
    make_cast,
)
from tests.api.expectations import failure, refused, without_ids
from tests.api.routes import api_routes
from tests.conftest import Answer, Workspace
from tests.throttling.conftest import tells_limits

REPORTED: Final = failure("run_reported", "ReportedError")
KEYS: Final = "v1/projects/{project_ref}/{environment}/api-keys"

ROUTES: Final[Mapping[str, Route]] = {
    "list-errors": Route("GET", "v1/errors", "read:errors"),
    "get-error": Route("GET", "v1/errors/{error_id}", "read:errors"),
    "activity": Route("GET", "v1/errors/{error_id}/activity", "read:errors"),
    "grouping": Route("GET", "v1/errors/{error_id}/grouping", "read:errors"),
    "resolve": Route("POST", "v1/errors/{error_id}/resolve", "write:errors", {}),
    "ignore": Route("POST", "v1/errors/{error_id}/ignore", "write:errors", {}),
    "unresolve": Route("POST", "v1/errors/{error_id}/unresolve", "write:errors", {}),
    "bulk": Route("POST", "v1/errors/bulk", "write:errors", {"action": "resolve", "filter": {}}),
    "undo": Route("POST", "v1/errors/bulk/{operation_id}/undo", "write:errors", {}),
    # Of a group alone there is nothing to merge or to split: whoever may is told so.
    "merge": Route("POST", "v1/errors/merge", "write:errors", {"into": "a", "from": ["b"]}),
    "split": Route(
        "POST", "v1/errors/{error_id}/split", "write:errors", {"fingerprint": "b"}, of_an_id=False
    ),
    "preview": Route("POST", "v1/grouping/preview", "read:errors", {"error": "Boom"}),
    "list-runs": Route("GET", "v1/runs", "read:runs"),
    "report": Route("POST", "v1/runs", "write:runs", [REPORTED]),
    "get-run": Route("GET", "v3/runs/{run_id}", "read:runs"),
    "mint": Route("POST", "v1/auth/public-tokens", body={"scopes": ["read:runs"]}),
    "whoami": Route("GET", "v2/whoami"),
    "projects": Route("GET", "v1/projects"),
    "project": Route("GET", "v1/projects/{project_ref}"),
    "actor-token": Route("POST", "v1/auth/user-actor-token", body={}),
    "exchange": Route("POST", "v1/projects/{project_ref}/{environment}/jwt", body={}),
    "list-keys": Route("GET", KEYS),
    "make-key": Route("POST", KEYS, body={"name": "new"}),
    "revoke-key": Route("DELETE", KEYS + "/{key_id}"),
}

# Where requests are not counted by default.
UNLIMITED: Final = {"report"}
# What everybody may read, with whatever credential or with none.
FOR_EVERYBODY: Final = {("GET", "schema/")}

# --- the routes of an environment ---------------------------------------------------------------

# API keys, and what is no credential of an environment.
BY_KEYS = """
             none junk pat uat revoked expired foreign others other-id this-id scope full
list-errors   401  401 401 401     401     401     200    403      403     403   200  200
get-error     401  401 401 401     401     401     404    403      403     200   200  200
activity      401  401 401 401     401     401     404    403      403     200   200  200
grouping      401  401 401 401     401     401     404    403      403     200   200  200
resolve       401  401 401 401     401     401     404    403      403     200   200  200
ignore        401  401 401 401     401     401     404    403      403     200   200  200
unresolve     401  401 401 401     401     401     404    403      403     200   200  200
bulk          401  401 401 401     401     401     200    403      403     403   200  200
undo          401  401 401 401     401     401     404    403      403     403   200  200
merge         401  401 401 401     401     401     404    403      403     403   404  404
split         401  401 401 401     401     401     404    403      403     403   409  409
preview       401  401 401 401     401     401     200    403      403     403   200  200
list-runs     401  401 401 401     401     401     200    403      403     403   200  200
report        401  401 401 401     401     401     200    403      403     403   200  200
get-run       401  401 401 401     401     401     404    403      403     200   200  200
mint          401  401 401 401     401     401     200    200        -       -     -  200
"""

# Tokens that a person exchanged for a personal access token.
BY_PEOPLES_TOKENS = """
             forged expired revoked left inactive rotated foreign nothing others other-id this-id scope viewer
list-errors     401     401     401  401      401     401     200     403    403      403     403   200    200
get-error       401     401     401  401      401     401     404     403    403      403     200   200    200
activity        401     401     401  401      401     401     404     403    403      403     200   200    200
grouping        401     401     401  401      401     401     404     403    403      403     200   200    200
resolve         401     401     401  401      401     401     404     403    403      403     200   200    403
ignore          401     401     401  401      401     401     404     403    403      403     200   200    403
unresolve       401     401     401  401      401     401     404     403    403      403     200   200    403
bulk            401     401     401  401      401     401     200     403    403      403     403   200    403
undo            401     401     401  401      401     401     404     403    403      403     403   200    403
merge           401     401     401  401      401     401     404     403    403      403     403   404    403
split           401     401     401  401      401     401     404     403    403      403     403   409    403
preview         401     401     401  401      401     401     200     403    403      403     403   200    200
list-runs       401     401     401  401      401     401     200     403    403      403     403   200    200
report          401     401     401  401      401     401     200     403    403      403     403   200    403
get-run         401     401     401  401      401     401     404     403    403      403     200   200    200
mint            401     401     401  401      401     401     401     401      -        -       -     -    401
"""  # noqa: E501

# Public tokens that were minted with an API key.
BY_PUBLIC_TOKENS = """
             expired revoked key-expired foreign nothing others other-id this-id scope narrowed
list-errors      401     401         401     200     403    403      403     403   200      403
get-error        401     401         401     404     403    403      403     200   200      403
activity         401     401         401     404     403    403      403     200   200      403
grouping         401     401         401     404     403    403      403     200   200      403
resolve          401     401         401     404     403    403      403     200   200      403
ignore           401     401         401     404     403    403      403     200   200      403
unresolve        401     401         401     404     403    403      403     200   200      403
bulk             401     401         401     200     403    403      403     403   200      403
undo             401     401         401     404     403    403      403     403   200      403
merge            401     401         401     404     403    403      403     403   404      403
split            401     401         401     404     403    403      403     403   409      403
preview          401     401         401     200     403    403      403     403   200      403
list-runs        401     401         401     200     403    403      403     403   200      403
report           401     401         401     200     403    403      403     403   200      403
get-run          401     401         401     404     403    403      403     200   200      403
mint             401     401         401     401     401      -        -       -     -      401
"""

# --- the routes of a person ---------------------------------------------------------------------

# Personal access tokens by role, user actor tokens, and what speaks for nobody.
BY_PEOPLE = """
             none junk key token revoked expired inactive no-member viewer member admin owner
whoami        401  401 401   401     401     401      401       200    200    200   200   200
projects      401  401 401   401     401     401      401       200    200    200   200   200
project       401  401 401   401     401     401      401       404    200    200   200   200
actor-token   401  401 401   401     401     401      401       200    200    200   200   200
exchange      401  401 401   401     401     401      401       404    200    200   200   200
list-keys     401  401 401   401     401     401      401       404    403    403   200   200
make-key      401  401 401   401     401     401      401       404    403    403   201   201
revoke-key    401  401 401   401     401     401      401       404    403    403   204   204
"""
BY_ACTORS = """
             uat-owner uat-no-member uat-expired uat-revoked uat-inactive uat-forged
whoami             200           200         401         401          401        401
projects           200           200         401         401          401        401
project            200           404         401         401          401        401
actor-token        401           401         401         401          401        401
exchange           200           404         401         401          401        401
list-keys          401           401         401         401          401        401
make-key           401           401         401         401          401        401
revoke-key         401           401         401         401          401        401
"""

Row = dict[str, str]


def rows_of(table: str) -> dict[str, Row]:
    head, *lines = table.strip().splitlines()
    columns = head.split()
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    return {label: dict(zip(columns, cells, strict=True)) for label, cells in rows.items()}


TABLES: Final = {
    "keys": (BY_KEYS, SENT_TO_ENVIRONMENTS),
    "people's tokens": (BY_PEOPLES_TOKENS, PEOPLES_TOKENS),
    "public tokens": (BY_PUBLIC_TOKENS, PUBLIC_TOKENS),
    "people": (BY_PEOPLE, PEOPLE),
    "actors": (BY_ACTORS, PEOPLE),
}
CASES: Final = [
    pytest.param(label, row, columns, id=f"{label} by {title}")
    for title, (table, columns) in TABLES.items()
    for label, row in rows_of(table).items()
]


@pytest.fixture(scope="module")
def cast(shared_prod: Workspace, django_db_blocker: Any) -> Iterator[Cast]:
    with django_db_blocker.unblock():
        yield from make_cast(shared_prod)


def test_every_route_has_its_rows() -> None:
    known = {(method, path) for path, methods in api_routes().items() for method in methods}
    named = {(route.method, path_of(route)) for route in ROUTES.values()}
    of_environments = set(rows_of(BY_KEYS))
    of_people = set(rows_of(BY_PEOPLE))

    assert named | FOR_EVERYBODY == known
    assert of_environments | of_people == set(ROUTES)
    assert set(rows_of(BY_PEOPLES_TOKENS)) == set(rows_of(BY_PUBLIC_TOKENS)) == of_environments
    assert set(rows_of(BY_ACTORS)) == of_people


def path_of(route: Route) -> str:
    return route.path.replace("{", "<str:").replace("}", ">")


@pytest.mark.parametrize(("label", "row", "columns"), CASES)
def test_the_table_says_what_opens_a_route(
    cast: Cast, db: None, label: str, row: Row, columns: Mapping[str, Column]
) -> None:
    route = ROUTES[label]
    asked = [name for name, cell in row.items() if cell != "-"]

    answers = {name: cast.ask(route, columns[name](cast, route)) for name in asked}

    assert {name: str(answer.status) for name, answer in answers.items()} == {
        name: row[name] for name in asked
    }
    insist_on_one_refusal(answers)
    assert {name for name, answer in answers.items() if tells_limits(answer)} == {
        name for name, answer in answers.items() if answer.status != 401 and label not in UNLIMITED
    }
    for answer in answers.values():
        if answer.status == 403 and route.scope is not None:
            insist_on_permissions(cast, route, answer)
        elif answer.status == 403:
            assert refused(answer, 403, "forbidden")["detail"] == "Forbidden"


def insist_on_one_refusal(answers: Mapping[str, Answer]) -> None:
    """Nobody learns from the answer what was wrong with a credential."""
    without = answers.get("none")
    if without is not None:
        refused(without, 401, "unauthorized")
        assert without.headers["WWW-Authenticate"] == "Bearer"
    sent = [a for name, a in answers.items() if name != "none" and a.status == 401]
    for answer in sent:
        refused(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert without_ids(answer) == without_ids(sent[0])


def insist_on_permissions(cast: Cast, route: Route, answer: Answer) -> None:
    """The scopes that would do are told, the wider first."""
    wanted = cast.scopes_for(route)
    body = refused(answer, 403, "insufficient_scope")
    assert body["permissions"] == wanted
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer error="insufficient_scope", scope="{" ".join(wanted)}"'
    )


@pytest.mark.parametrize(("method", "path"), FOR_EVERYBODY)
def test_what_is_for_everybody_asks_for_no_credential(
    cast: Cast, db: None, method: str, path: str
) -> None:
    credentials = (None, "nonsense", cast.workspace.key, cast.person().token)

    answers = [cast.ask(Route(method, path), credential) for credential in credentials]

    assert [answer.status for answer in answers] == [200] * len(credentials)
    assert all(answer.body == answers[0].body for answer in answers)


@pytest.mark.parametrize("id_", ["a%0D%0ASet-Cookie:%20a=b", "a%22,%20b=%22c", "%E6%BC%A2", "a%00"])
@pytest.mark.parametrize("path", ["v1/errors/{}", "v1/errors/{}/activity", "v3/runs/{}"])
def test_an_id_that_is_none_stays_out_of_the_refusal(
    cast: Cast, db: None, path: str, id_: str
) -> None:
    route = Route("GET", path.format(id_), "read:runs" if "runs" in path else "read:errors")
    held = SENT_TO_ENVIRONMENTS["others"](cast, route)

    answer = cast.ask(route, held)

    insist_on_permissions(cast, route, answer)
    assert "Set-Cookie" not in answer.headers
