"""Tokens that somebody forged, and tokens of ours with contents that we would not write.

None of them opens anything, all are refused in the same bytes, and the log tells the second kind
from the first.
"""

import logging
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest

from tests.api.expectations import refused, without_ids
from tests.api.forgeries import (
    FORGED,
    FORGED_ACTORS,
    MALFORMED,
    MALFORMED_OF_A_PERSON,
    MALFORMED_OF_AN_ENVIRONMENT,
    Attack,
    now,
)
from tests.api.forging import HEADER, Claims, Forge
from tests.conftest import Answer, Api, Workspace, make_workspace
from tests.people import make_person, member_of

OF_AN_ENVIRONMENT: Final = "/api/v1/errors"
OF_A_PERSON: Final = "/api/v2/whoami"


@pytest.fixture(scope="module")
def forge(shared_prod: Workspace, django_db_blocker: Any) -> Iterator[Forge]:
    with django_db_blocker.unblock():
        elsewhere = make_workspace("prod")
        forge = Forge(shared_prod, member_of(shared_prod), elsewhere, make_person())
        yield forge
        for person in (forge.person, forge.stranger):
            person.user.delete()
        project = elsewhere.environment.project
        elsewhere.environment.delete()
        project.delete()
        project.organization.delete()


def lines_of(log: pytest.LogCaptureFixture, token: str) -> list[logging.LogRecord]:
    """What was logged for the security of the service, once it is sure that nothing of the token
    was logged, and no stack."""
    for part in (token, *token.split(".")):
        assert len(part) < 8 or part not in log.text
    assert [record for record in log.records if record.exc_info] == []
    assert [record for record in log.records if record.name == "faultline.errors"] == []
    return [record for record in log.records if record.name == "faultline.security"]


@cache
def refusal_on(route: str) -> tuple[Any, ...]:
    """How anything is refused there that is no credential at all."""
    return without_ids(Api("nonsense").get(route))


def same(answer: Answer, route: str) -> None:
    refused(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert without_ids(answer) == refusal_on(route)


def refused_in_silence(token: str, route: str, log: pytest.LogCaptureFixture) -> None:
    log.set_level(logging.DEBUG)
    log.clear()

    same(Api(token).get(route), route)

    assert lines_of(log, token) == []


def refused_with_a_warning(token: str, route: str, log: pytest.LogCaptureFixture) -> None:
    log.set_level(logging.DEBUG)
    log.clear()

    answer = Api(token).get(route)

    same(answer, route)
    [line] = lines_of(log, token)
    assert line.levelno == logging.WARNING
    assert answer.body["instance"] in line.getMessage()


def test_the_forge_knows_how_good_tokens_are_made(forge: Forge, db: None) -> None:
    ours = (forge.good, forge.token(), forge.token(exp=now(seconds=60)), forge.headed(HEADER))
    people = (forge.good_actor, forge.actor(), forge.actor(exp=now(seconds=60)))

    assert {Api(token).get(OF_AN_ENVIRONMENT).status for token in ours} == {200}
    assert {Api(token).get(OF_A_PERSON).status for token in people} == {200}


@pytest.mark.parametrize("attack", FORGED.values(), ids=FORGED)
def test_a_forged_or_outlived_token_is_refused_in_silence(
    forge: Forge, db: None, attack: Attack, caplog: pytest.LogCaptureFixture
) -> None:
    refused_in_silence(attack(forge), OF_AN_ENVIRONMENT, caplog)


@pytest.mark.parametrize("attack", FORGED_ACTORS.values(), ids=FORGED_ACTORS)
def test_a_forged_or_outlived_token_of_a_person_is_refused_in_silence(
    forge: Forge, db: None, attack: Attack, caplog: pytest.LogCaptureFixture
) -> None:
    refused_in_silence(attack(forge), OF_A_PERSON, caplog)


OURS = {**MALFORMED, **MALFORMED_OF_AN_ENVIRONMENT}
OURS_OF_A_PERSON = {**MALFORMED, **MALFORMED_OF_A_PERSON}


@pytest.mark.parametrize("changes", OURS.values(), ids=OURS)
def test_a_malformed_token_under_our_signature_is_worth_a_warning(
    forge: Forge, db: None, changes: Claims, caplog: pytest.LogCaptureFixture
) -> None:
    refused_with_a_warning(forge.token(**changes), OF_AN_ENVIRONMENT, caplog)


@pytest.mark.parametrize("changes", OURS_OF_A_PERSON.values(), ids=OURS_OF_A_PERSON)
def test_a_malformed_token_of_a_person_under_our_signature_is_worth_a_warning(
    forge: Forge, db: None, changes: Claims, caplog: pytest.LogCaptureFixture
) -> None:
    refused_with_a_warning(forge.actor(**changes), OF_A_PERSON, caplog)
