"""Rotating signing secrets: tokens die at once, what they come from lives on."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from runs_app.models import Environment, SigningSecret
from runs_app.services.signing_secrets import signing_secret_of
from tests.api.expectations import refused
from tests.conftest import Api, Workspace
from tests.people import member_of, token_of_key, token_of_person


def rotate(*arguments: str) -> str:
    """What the command says."""
    said = StringIO()
    call_command("rotate_signing_secret", *arguments, stdout=said)
    return said.getvalue()


def name_of(workspace: Workspace) -> str:
    return f"{workspace.environment.project.external_ref}/{workspace.environment.slug}"


def is_good(credential: str) -> bool:
    answer = Api(credential).get("/api/v1/runs")
    if answer.status == 200:
        return True
    refused(answer, 401, "unauthorized")
    return False


def test_every_token_of_the_environment_is_refused_at_once(prod: Workspace) -> None:
    person = member_of(prod)
    tokens = [token_of_key(prod, "read:runs"), token_of_person(prod, person, "read:runs")]
    assert [is_good(token) for token in tokens] == [True, True]

    said = rotate(name_of(prod))

    assert said == f"{name_of(prod)}: every token handed out until now is refused.\n"
    assert [is_good(token) for token in tokens] == [False, False]


def test_what_tokens_come_from_stays_good(prod: Workspace) -> None:
    person = member_of(prod)

    rotate(name_of(prod))

    assert is_good(prod.key)
    assert person.api.get("/api/v1/projects").status == 200
    assert is_good(token_of_key(prod, "read:runs"))
    assert is_good(token_of_person(prod, person, "read:runs"))


def test_tokens_of_other_environments_stay_good(prod: Workspace, staging: Workspace) -> None:
    token = token_of_key(staging, "read:runs")

    rotate(name_of(prod))

    assert is_good(token)


def test_all_means_every_environment(prod: Workspace, staging: Workspace) -> None:
    tokens = [token_of_key(prod, "read:runs"), token_of_key(staging, "read:runs")]

    said = rotate("--all")

    names = [line.partition(":")[0] for line in said.splitlines()]
    assert names == [name_of(prod), name_of(staging)]
    assert [is_good(token) for token in tokens] == [False, False]


def test_an_environment_that_never_signed_anything_gets_its_secret(prod: Workspace) -> None:
    rotate(name_of(prod))

    assert SigningSecret.objects.filter(environment=prod.environment).exists()


def test_secrets_of_an_earlier_secret_key_are_mended(prod: Workspace) -> None:
    with override_settings(SECRET_KEY="another-one"):
        signing_secret_of(str(prod.environment.id))

    rotate("--all")

    assert is_good(token_of_key(prod, "read:runs"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("prod", "REF/SLUG"),
        ("proj_abcdefghijklmnopqrst/prod", "There is no environment"),
        ("0b7d4f5e-6a8c-4e0b-9d53-2f1c7a9be001", "REF/SLUG"),
    ],
)
def test_an_environment_nobody_knows_is_told_in_a_sentence(
    prod: Workspace, name: str, sentence: str
) -> None:
    before = signing_secret_of(str(prod.environment.id))

    with pytest.raises(CommandError, match=sentence):
        rotate(name)

    assert signing_secret_of(str(prod.environment.id)) == before


@pytest.mark.parametrize("arguments", [(), ("proj_x/prod", "--all")])
def test_it_takes_one_environment_or_all(db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="argument"):
        rotate(*arguments)


def test_an_installation_without_environments_is_told_so(db: None) -> None:
    assert not Environment.objects.exists()

    assert rotate("--all") == "There is no environment yet, and nothing to rotate.\n"


def test_the_secret_itself_is_never_told(prod: Workspace) -> None:
    said = rotate(name_of(prod))

    secret = SigningSecret.objects.get(environment=prod.environment)
    assert signing_secret_of(str(prod.environment.id)) not in said
    assert secret.encrypted not in said
