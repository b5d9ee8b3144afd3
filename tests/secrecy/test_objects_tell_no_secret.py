"""What the texts of objects, the database, the data directory and commands tell."""

import dataclasses
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command

from runs_app.domain.callers import ENVIRONMENT_KINDS, PERSONAL_KINDS
from runs_app.domain.errors import Unauthenticated
from runs_app.domain.ids import UAT_PREFIX
from runs_app.models import ApiKey, Environment, PersonalAccessToken, SigningSecret, User
from runs_app.services import api_keys, bootstrap, exchange
from runs_app.services.authentication import authenticate
from runs_app.services.credentials import digest_of
from runs_app.services.installation_secrets import user_actor_signing_key
from runs_app.services.signing_secrets import signing_secret_of
from runs_app.services.tokens import (
    EnvironmentToken,
    UserActorToken,
    read_environment_token,
    read_user_actor_token,
)
from tests.conftest import Api, Workspace, failed
from tests.people import Person, actor_token_of, token_of_key, token_of_person
from tests.secrecy.conftest import PASSWORD, knows_signing
from tests.secrecy.witness import Witness

ALL = exchange.AskedToken(scopes=("admin",))


def hear(witness: Witness, *objects: object) -> None:
    """Their texts, as they would stand in a log line, a trace, or a test report."""
    for one in objects:
        witness.hears(f"the text of a {type(one).__name__}", f"{one!r} {one}")
        if dataclasses.is_dataclass(one):
            held = (getattr(one, field.name) for field in dataclasses.fields(one))
            hear(witness, *(part for part in held if dataclasses.is_dataclass(part)))


def test_the_texts_of_models(witness: Witness, prod: Workspace, owner: Person) -> None:
    knows_signing(witness, prod)

    for model in (ApiKey, PersonalAccessToken, SigningSecret, User, Environment):
        found = list(model._default_manager.all())
        hear(witness, *found, found)
        assert found


def test_the_texts_of_callers_and_claims(witness: Witness, prod: Workspace, owner: Person) -> None:
    knows_signing(witness, prod)
    public, exchanged = token_of_key(prod, "admin"), token_of_person(prod, owner, "admin")
    actor = actor_token_of(owner, cap=("admin",))
    witness.knows(public=public, exchanged=exchanged, actor=actor)
    secret, installation = signing_secret_of(str(prod.environment.id)), user_actor_signing_key()

    hear(witness, *(authenticate(one, ENVIRONMENT_KINDS) for one in (prod.key, public, exchanged)))
    hear(witness, *(authenticate(one, PERSONAL_KINDS) for one in (owner.token, actor)))
    hear(witness, read_environment_token(public, secret), read_user_actor_token(actor))
    # Their text is the token, for the library that makes them; what a trace shows is not.
    for token in (
        EnvironmentToken(secret, public),
        UserActorToken(installation, actor.removeprefix(UAT_PREFIX)),
    ):
        witness.hears("the form of a token in a trace", repr(token))


@pytest.mark.parametrize("credential", ["tr_prod_sk_{}", "tr_pat_{}", "tr_uat_{}", "{}", "e.{}.e"])
def test_the_texts_of_refusals(witness: Witness, db: None, credential: str) -> None:
    secret = credential.format("UnmistakableSecret")
    witness.knows(credential=secret.replace("e.", "").replace(".e", ""))

    with pytest.raises(Unauthenticated) as refusal:
        authenticate(secret, ENVIRONMENT_KINDS | PERSONAL_KINDS)

    hear(witness, refusal.value)
    witness.hears("the cause of a refusal", repr(refusal.value.__cause__))


def test_the_texts_of_what_services_give(witness: Witness, prod: Workspace, owner: Person) -> None:
    knows_signing(witness, prod)
    person = authenticate(owner.token, PERSONAL_KINDS)
    key = authenticate(prod.key, ENVIRONMENT_KINDS)
    ref = prod.environment.project.external_ref

    made = api_keys.create_key(
        prod.tenant, name="new", scopes=(), expires_at=None, created_by=owner.id
    )
    actor = exchange.mint_actor_token(person, exchange.AskedActorToken())
    tokens = (
        exchange.mint_public_token(key, ALL),
        exchange.exchange_for_environment(person, ref, "prod", ALL),
    )
    witness.knows(made=made.secret, digest_of_made=digest_of(made.secret), actor=actor.token)
    witness.knows(public=tokens[0].token, exchanged=tokens[1].token)

    hear(witness, made, actor, *tokens)


def test_what_bootstrap_and_the_data_directory_tell(
    witness: Witness, settings: Any, tmp_path: Path, db: None, clickhouse_tables: None
) -> None:
    settings.FAULTLINE_DATA = tmp_path
    first = bootstrap.bootstrap()
    witness.knows(**secrets_of(first))
    again = bootstrap.bootstrap(new_keys=True)
    witness.knows(**{f"second {name}": text for name, text in secrets_of(again).items()})
    later, as_json, rotated = StringIO(), StringIO(), StringIO()

    Api(again.secrets.api_keys["prod"]).get("/api/v1/errors")
    call_command("bootstrap", stdout=later)
    call_command("bootstrap", "--json", stdout=as_json)
    environment_id = str(again.installation.environments["prod"].id)
    witness.knows(signing_secret=signing_secret_of(environment_id))
    call_command("rotate_signing_secret", "--all", stdout=rotated)
    witness.knows(new_signing_secret=signing_secret_of(environment_id))

    hear(witness, first, again, bootstrap.bootstrap())
    for output in (later, as_json, rotated):
        witness.hears("a command", output.getvalue())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert tmp_path / "credentials.json" in files
    for path in files:
        if path.name != "credentials.json":
            witness.hears(path.name, path.read_bytes().decode("latin-1"))


def secrets_of(made: bootstrap.Bootstrapped) -> dict[str, str]:
    assert made.secrets is not None
    password = made.secrets.password
    keys = {f"key of {slug}": key for slug, key in made.secrets.api_keys.items()}
    assert password is not None
    return {**keys, "token": made.secrets.personal_access_token, "password": password}


def test_the_database_keeps_no_secret_as_it_is(prod: Workspace, owner: Person) -> None:
    # Not the fixture, which knows the digests: those are here to be kept.
    witness = Witness()
    signing_secret = signing_secret_of(str(prod.environment.id))
    witness.knows(key=prod.key, pat=owner.token, password=PASSWORD, signing=signing_secret)
    tokens = {"public": token_of_key(prod, "admin"), "exchanged": token_of_person(prod, owner)}
    witness.knows(**tokens, actor=actor_token_of(owner))
    for credential in (prod.key, *tokens.values()):
        Api(credential).post("/api/v1/runs", [failed("run_a")])

    rows = [
        (model, row)
        for model in apps.get_models()
        if model._meta.managed
        for row in model._default_manager.values()
    ]
    for model, row in rows:
        witness.hears(f"a row of {model.__name__}", str(row))

    assert {ApiKey, PersonalAccessToken, SigningSecret, User} <= {model for model, _ in rows}
    witness.insist_on_silence()
