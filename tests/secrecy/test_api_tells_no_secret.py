"""What the API answers and logs while credentials are made, used, misused, refused and ended."""

from typing import Any

import pytest

from runs_app.domain.times import utc_now
from runs_app.models import PersonalAccessToken
from runs_app.services.credentials import digest_of
from runs_app.services.installation_secrets import user_actor_signing_key
from runs_app.services.signing_secrets import rotate_signing_secret, signing_secret_of
from runs_app.services.tokens import EnvironmentToken, UserActorToken
from tests.api.expectations import hidden
from tests.conftest import Workspace
from tests.people import Person, token_of_key, token_of_person
from tests.secrecy.conftest import knows_signing
from tests.secrecy.witness import Listening, Witness

ERRORS = "/api/v1/errors"


@pytest.fixture
def api(witness: Witness) -> Listening:
    return Listening(witness)


def project_path(workspace: Workspace) -> str:
    return f"/api/v1/projects/{workspace.environment.project.external_ref}/prod"


def use_and_misuse(api: Listening, credential: str) -> None:
    """What callers do, by mistake, too; whatever is answered."""
    for method, path in (
        ("GET", ERRORS), ("GET", "/api/v1/runs"), ("GET", "/api/v3/runs/run_unknown"),
        ("POST", f"{ERRORS}/error_unknown/resolve"), ("POST", "/api/v1/runs"), ("PUT", ERRORS),
        ("OPTIONS", ERRORS), ("GET", "/api/v2/whoami"), ("GET", "/api/v1/projects"),
        ("POST", "/api/v1/auth/user-actor-token"), ("POST", "/api/v1/auth/public-tokens"),
        ("GET", "/api/v1/nowhere"), ("GET", ERRORS + "/"),
    ):  # fmt: skip
        api.call(method, path, credential)
    api.call("GET", ERRORS, credential[:-1])
    api.call("GET", f"{ERRORS}/{credential}", credential)
    api.call("GET", f"/api/v1/{credential}", credential)
    api.call("GET", "/api/v2/whoami", credential[:-1])
    api.call("GET", ERRORS, query=f"api_key={credential}&token={credential}")
    api.call("GET", ERRORS, query=f"page[after]={credential}&sort={credential}", credential="x")
    api.call("GET", ERRORS, authorization=credential)
    api.call("GET", ERRORS, authorization=f"Basic {credential}")
    api.call("GET", ERRORS, authorization=f"Bearer {credential} {credential}")
    api.call("GET", ERRORS, cookie=f"sessionid={credential}; token={credential}")
    api.call("GET", ERRORS, accept=credential, host=credential[:20] + ".example.com")


@pytest.mark.parametrize("debug", [False, True])
def test_of_an_api_key(
    api: Listening, witness: Witness, prod: Workspace, owner: Person, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    path = project_path(prod) + "/api-keys"
    made = api.call("POST", path, owner.token, {"name": "new"}, showing="key")
    key = made.body["key"]
    witness.knows(new_key=key, new_digest=digest_of(key))

    use_and_misuse(api, key)
    listed = api.call("GET", path, owner.token)
    misplaced = {"name": key * 9, "scopes": [key], "expiresAt": key}
    refused = api.call("POST", path, owner.token, misplaced)
    api.call("DELETE", f"{path}/{made.body['id']}", owner.token)
    use_and_misuse(api, key)

    assert (made.status, listed.status, refused.status) == (201, 200, 400)
    assert {detail["path"] for detail in refused.body["details"]} >= {
        "/body/name",
        "/body/scopes/0",
    }
    assert api.call("GET", ERRORS, key).status == 401


def test_of_a_public_token(
    api: Listening, witness: Witness, prod: Workspace, owner: Person
) -> None:
    knows_signing(witness, prod)
    path, asked = "/api/v1/auth/public-tokens", {"scopes": ["read:errors"]}
    token = api.call("POST", path, prod.key, asked, showing="token").body["token"]
    witness.knows(public_token=token)

    opened = api.call("GET", ERRORS, token)
    use_and_misuse(api, token)
    api.call("POST", path, prod.key, {"scopes": [token], "expirationTime": token})
    rotate_signing_secret(str(prod.environment.id))
    knows_signing(witness, prod)
    use_and_misuse(api, token)

    assert opened.status == 200
    assert api.call("GET", ERRORS, token).status == 401


def test_of_what_stands_in_the_place_of_an_id_and_may_not_be_read(
    api: Listening, witness: Witness, prod: Workspace, owner: Person
) -> None:
    narrow = token_of_key(prod, "read:queues")
    witness.knows(narrow=narrow)

    for secret in (prod.key, owner.token, narrow):
        for path in (f"{ERRORS}/{secret}", f"{ERRORS}/{secret}/activity", f"/api/v3/runs/{secret}"):
            assert api.call("GET", path, narrow).status == 403
        api.call("GET", ERRORS, prod.key, query=f"filter[{secret}]=x&filter[status]={secret}")


def test_of_a_persons_tokens(
    api: Listening, witness: Witness, prod: Workspace, owner: Person
) -> None:
    knows_signing(witness, prod)
    minting, exchanging = "/api/v1/auth/user-actor-token", project_path(prod) + "/jwt"
    actor = api.call("POST", minting, owner.token, {"cap": ["admin"]}, showing="token").body[
        "token"
    ]
    witness.knows(actor_token=actor)
    asked = {"claims": {"scopes": ["admin"]}}
    tokens = [
        api.call("POST", exchanging, credential, asked, showing="token").body["token"]
        for credential in (owner.token, actor)
    ]
    witness.knows(token_of_token=tokens[0], token_of_actor=tokens[1])

    opened = [api.call("GET", ERRORS, token).status for token in tokens]
    for credential in (owner.token, actor, *tokens):
        use_and_misuse(api, credential)
        api.call("POST", minting, owner.token, {"cap": [credential], "client": credential * 9})
        api.call("POST", exchanging, owner.token, {"expirationTime": credential})
    PersonalAccessToken.objects.filter(user=owner.user).update(revoked_at=utc_now())
    for credential in (owner.token, actor, *tokens):
        use_and_misuse(api, credential)

    assert opened == [200, 200]
    assert api.call("GET", ERRORS, tokens[1]).status == 401


def test_of_tokens_that_are_ours_and_malformed(
    api: Listening, witness: Witness, prod: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    knows_signing(witness, prod)
    environment = EnvironmentToken(signing_secret_of(str(prod.environment.id)))
    environment["sub"] = str(prod.environment.id)
    actor = UserActorToken(user_actor_signing_key())
    sent = {ERRORS: str(environment), "/api/v2/whoami": f"tr_uat_{actor}"}

    for path, token in sent.items():
        witness.knows(**{f"token for {path}": token})
        assert api.call("GET", path, token).status == 401

    assert caplog.text.count("a signed token is malformed") == len(sent)


@pytest.mark.parametrize("debug", [False, True])
def test_of_whoever_meets_a_bug(
    api: Listening, witness: Witness, prod: Workspace, owner: Person, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    knows_signing(witness, prod)
    tokens = (
        prod.key,
        token_of_key(prod, "read:errors"),
        token_of_person(prod, owner, "read:errors"),
    )
    witness.knows(public_token=tokens[1], persons_token=tokens[2])
    with hidden("error_occurrences_v1"):
        statuses = [api.call("GET", ERRORS, token).status for token in tokens]
    settings.SECRET_KEY = "another secret key, and a long one, since yesterday"
    witness.knows(other_key=settings.SECRET_KEY, other_actor_key=user_actor_signing_key())

    minted = api.call("POST", "/api/v1/auth/public-tokens", prod.key, {"scopes": ["read:runs"]})
    exchanged = api.call("POST", project_path(prod) + "/jwt", owner.token, {})
    refused = api.call("GET", ERRORS, tokens[1])

    assert statuses == [500, 500, 500]
    assert (minted.status, exchanged.status, refused.status) == (500, 500, 401)
