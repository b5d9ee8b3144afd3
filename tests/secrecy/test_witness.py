"""A witness who hears nothing would always be content."""

import logging

import pytest

from tests.secrecy.witness import Listening, Witness

SECRET = "UnmistakableSecretOfATest"


@pytest.fixture
def knowing() -> Witness:
    witness = Witness()
    witness.knows(it=SECRET)
    return witness


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_a_line_is_heard(knowing: Witness, level: int) -> None:
    with knowing.at_the_log():
        logging.getLogger("some").log(level, "got %s", SECRET)

    with pytest.raises(AssertionError, match="it in a line of some"):
        knowing.insist_on_silence()


def test_the_stack_of_a_line_is_heard(knowing: Witness) -> None:
    with knowing.at_the_log():
        logging.getLogger("some").error("failed", exc_info=ValueError(SECRET))

    with pytest.raises(AssertionError, match="it in a line of some"):
        knowing.insist_on_silence()


def test_what_a_line_carries_is_heard(knowing: Witness) -> None:
    with knowing.at_the_log():
        logging.getLogger("some").info("failed", extra={"digest": SECRET})

    with pytest.raises(AssertionError, match="it in a record of some"):
        knowing.insist_on_silence()


def test_an_answer_is_heard(knowing: Witness, db: None) -> None:
    knowing.knows(detail="No credentials were supplied.")

    Listening(knowing).call("GET", "/api/v1/errors")

    with pytest.raises(AssertionError, match=r"detail in GET /api/v1/errors \(401\)"):
        knowing.insist_on_silence()


def test_a_page_and_its_cookies_are_heard(knowing: Witness, db: None) -> None:
    knowing.knows(cookie="; Path=/; SameSite=Lax")

    Listening(knowing).page("GET", "/admin/login/")

    with pytest.raises(AssertionError, match="cookie in a cookie of GET /admin/login/"):
        knowing.insist_on_silence()


def test_the_signature_of_a_token_is_known_with_it(knowing: Witness) -> None:
    knowing.knows(token=f"head.claims.{'s' * 20}")
    knowing.hears("a page", f"it ends in {'s' * 20}")

    with pytest.raises(AssertionError, match="the signature of token in a page"):
        knowing.insist_on_silence()
