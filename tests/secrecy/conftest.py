"""Through the life of every credential: no log line, answer, page, cookie, file or text of an
object tells a secret, but the one answer that is there to show it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from runs_app.models import Membership, SigningSecret
from runs_app.services.credentials import digest_of
from runs_app.services.installation_secrets import user_actor_signing_key
from runs_app.services.signing_secrets import signing_secret_of
from tests.conftest import Workspace
from tests.people import Person, member_of
from tests.secrecy.witness import Witness

PASSWORD = "a-long-password-of-the-owner"


@pytest.fixture
def witness(settings: Any) -> Iterator[Witness]:
    """Every test ends with the question whether a secret was told."""
    witness = Witness()
    witness.knows(secret_key=settings.SECRET_KEY, actor_signing_key=user_actor_signing_key())
    with witness.at_the_log():
        yield witness
    witness.insist_on_silence()


@pytest.fixture
def owner(prod: Workspace, witness: Witness) -> Person:
    person = member_of(prod, Membership.Role.OWNER)
    # Quickly made; the text is of the same form as ever.
    person.user.password = PBKDF2PasswordHasher().encode(PASSWORD, salt="s" * 22, iterations=1)
    person.user.save(update_fields=["password"])
    witness.knows(
        password=PASSWORD,
        password_hash=person.user.password,
        owners_token=person.token,
        owners_digest=digest_of(person.token),
        key=prod.key,
        digest=digest_of(prod.key),
    )
    return person


def knows_signing(witness: Witness, workspace: Workspace) -> None:
    environment_id = str(workspace.environment.id)
    secret = signing_secret_of(environment_id)
    kept = SigningSecret.objects.get(environment_id=environment_id).encrypted
    # Of encrypted texts the first letters are alike: the time of making.
    witness.knows(signing_secret=secret, kept_signing_secret=kept[20:])
