"""Categories that words suggest, and the hashes they make."""

import pytest

from runs_app.domain.grouping.keywords import CATEGORIES, TERMS
from runs_app.domain.grouping.resolve import resolve_error_grouping


def hash_of(message):
    return resolve_error_grouping({"type": "E", "message": message}, "s").hash


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("Liquid and JSON", "liquid"),
        ("Could not parse response of token", "json"),
        ("Theme Check: path", "theme_check"),
        ("theme-check", None),
        ("the author", "authentication"),
        ("UNAUTHORIZED fetch", "authentication"),
        ("sympathy", "file_system"),
        ("ENETUNREACH", "network"),
        ("The operation was aborted", "network"),
        ("EACCES", "file_system"),
        ("insufficient funds", "permission"),
        ("throttled", "rate_limit"),
        ("rate limit of the path", "file_system"),
        ("a required field", "validation"),
        ("nothing", None),
        ("", None),
    ],
)
def test_the_first_category_with_a_word_in_the_message_is_taken(message, category):
    assert resolve_error_grouping({"message": message}, "s").category == category


def test_every_word_of_the_table_leads_to_a_category():
    for category, terms in TERMS.items():
        for term in terms:
            found = resolve_error_grouping(f"x {term.upper()} x", "s").category
            assert found is not None, term
            assert CATEGORIES.index(found) <= CATEGORIES.index(category), term


def test_what_is_dumped_decides_neither_category_nor_signature():
    message = 'Odd answer 7: {"request": {"timeout": 503}}'

    assert hash_of(message) is None
    assert hash_of(f"Fetch of 7: {message}") == "s:network:http-000-fetch-of-7-odd-answer-7"


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        # A number from 100 to 599 that stands alone, and every such number leaves the text.
        ("fetch 404 of 099 and 700 or 4040", "http-404-fetch-of-and-or-4040"),
        ("fetch " + "x" * 60 + " 503", "http-503-fetch-" + "x" * 35),
        # Else three digits behind a word.
        ("socket Error: : 700ab", "http-700-socket-ab"),
        ("socket code0421", "http-042-socket-1"),
        # Else an errno in capitals, which stays in the text.
        ("request EPROTO", "http-000-eproto-request-eproto"),
        ("request E_X ENOx", "http-000-request-e-x-enox"),
        ("fetch failed!", "http-000-fetch-failed"),
    ],
)
def test_a_signature_of_networks_begins_with_a_number(message, signature):
    assert hash_of(message) == f"s:network:{signature[:50]}"


def test_any_other_signature_is_cut_before_it_is_written_in_hyphens():
    assert hash_of("Invalid: " + "é" * 20 + "_" * 25 + "x") == "s:validation:invalid"
    assert hash_of("--Invalid" + "😀" * 20 + "yz") == "s:validation:invalid-y"


def test_without_keywords_words_decide_nothing_and_signals_stay():
    resolution = resolve_error_grouping({"type": "E", "message": "timeout"}, "s", keywords=False)

    assert (resolution.hash, resolution.category) == (None, None)
    assert resolution.signals.error_class == "E"
