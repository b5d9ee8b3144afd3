"""Categories that status and code decide, and how both are found."""

import json

import pytest

from runs_app.domain.grouping.resolve import resolve_error_grouping
from runs_app.domain.grouping.signals import codes_of, routable_code
from runs_app.domain.grouping.slugs import first_units, slugify


def resolved(error):
    return resolve_error_grouping(error, "jobs", keywords=False)


def raw(status=None, errors=None, **more):
    response = {"status": status, "errors": errors}
    told = {name: value for name, value in response.items() if value is not None}
    return {"type": "ClientError", "response": told, "request": {}, **more}


def coded(*codes):
    return [{"extensions": {"code": code}} for code in codes]


@pytest.mark.parametrize(
    ("status", "code", "category"),
    [
        (429, None, "rate_limit"),
        (401, "THROTTLED", "rate_limit"),
        (500, "429", "rate_limit"),
        (401, "ACCESS_DENIED", "authentication"),
        (500, "ACCESS_DENIED", "permission"),
        (None, "access_denied", "permission"),
        (403, "UNAUTHENTICATED", "permission"),
        (500, None, "server"),
        (999, None, "server"),
        (70_000, None, "server"),
        (499, "FORBIDDEN", None),
        (400, "throttled", None),
        (None, "UNAUTHENTICATED", None),
        (-1, None, None),
    ],
)
def test_the_first_line_of_the_table_that_applies_decides(status, code, category):
    assert resolved(raw(status, coded(code) if code else None)).category == category


@pytest.mark.parametrize(
    ("status", "read"),
    [("503", 503), (503.0, 503), (0, 0), ("5xx", None), ("50", None), ("5000", None), (True, None),
     (503.5, None), ([503], None), (10**400, None), (1e300, None), ("٥٠٣", None)],
)  # fmt: skip
def test_a_status_is_a_whole_number_or_three_digits_of_text(status, read):
    assert resolved(raw(status)).signals.http_status == read
    assert resolved({"statusCode": status}).signals.http_status == read


def test_a_response_counts_beside_a_request_alone():
    response = {"status": 503}

    assert resolved({"response": response, "request": None}).category == "server"
    assert resolved({"response": response}).category is None
    assert resolved({"response": "503", "request": {}}).category is None


def test_what_the_error_says_wins_and_what_it_lacks_is_filled_in_field_by_field():
    dump = json.dumps({"response": {"status": 502, "errors": coded("INTERNAL")}})
    message = f"HTTP status 500: {dump}"

    full = resolved(raw(403, coded("OTHER"), statusCode=504, message=message)).signals
    status_only = resolved({"statusCode": 504, "message": message}).signals
    nothing = resolved({"message": message}).signals

    assert (full.http_status, full.code) == (403, "OTHER")
    assert (status_only.http_status, status_only.code) == (504, "INTERNAL")
    assert (nothing.http_status, nothing.code) == (500, "INTERNAL")


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("HTTP status 5000", 500),
        ("http STATUS 502, later HTTP status 503", 502),
        ("(code: 404) and (Code: 503)", 404),
        ("HTTP  status 503", None),
        ("HTTP ſtatus 503", None),
        ("Code: 503", None),
        ('oops: {"response": {"status": 503}}', 503),
        ('oops: {"response": {"status": "503"}}  \n', 503),
        ('oops {x}: {"response": {"status": 503}}', None),
        ('oops: {"response": {"status": 503}} Request ID: 1', None),
        ('oops: {"\\u0072esponse": {"status": 503}}', 503),
        ('oops: {"response": {"status": 503, "odd": "\\ud800", "big": 1e999}}', 503),
        ('oops: {"response": [503]}', None),
        ('oops: ["response", {"status": 503}]', None),
    ],
)
def test_a_status_is_read_from_sentences_and_dumps(message, status):
    assert resolved({"message": message}).signals.http_status == status
    assert resolved(message).signals.http_status == status


def test_codes_are_texts_in_document_order_and_nothing_malformed_raises():
    errors = [
        None,
        "x",
        {"extensions": {"code": 429, "app_errors": {"errors": {"category": "no list"}}}},
        {"extensions": {"app_errors": {"errors": [5, {"category": "inner"}, {"category": 1}]}}},
        {"extensions": {"code": "outer", "app_errors": {"errors": [{"category": "last"}]}}},
        {"extensions": {"app_errors": [1]}},
    ]

    assert [*codes_of(errors)] == ["inner", "outer", "last"]
    assert routable_code(errors) == "inner"
    assert routable_code(coded("a", "access_denied", "ACCESS_DENIED")) == "access_denied"
    assert routable_code(coded("ACCESS_DENIED", "429")) == "429"
    assert routable_code({"extensions": {"code": "THROTTLED"}}) is None


def test_an_empty_code_is_told_and_stays_out_of_the_signature():
    resolution = resolved(raw(500, coded("")))

    assert resolution.signals.code == ""
    assert resolution.hash == "jobs:server:http-500"


def test_a_signature_is_cut_last_and_may_end_in_a_hyphen():
    code = "x" * 40 + "_" + "y" * 20

    assert resolved(raw(500, coded(code))).hash == f"jobs:server:http-500-{'x' * 40}-"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("  A.b/C:d  e_f--G ", "abcd-e-f-g"),
        ("Überlänge ß", "berlnge"),
        ("a\u2028b\u00a0c\ufeffd\u0085e", "a-b-c-de"),
        ("\u212aelvin", "kelvin"),
        ("---", ""),
    ],
)
def test_a_slug_keeps_ascii_and_joins_with_single_hyphens(text, slug):
    assert slugify(text) == slug


def test_characters_are_counted_as_javascript_does():
    assert first_units("ab😀cd", 4) == "ab😀"
    assert first_units("ab😀cd", 3) == "ab"
    assert first_units("äöü", 2) == "äö"


def test_a_class_alone_makes_no_group():
    resolution = resolved({"type": "ServerError", "message": "boom"})

    assert (resolution.hash, resolution.category) == (None, None)
    assert resolution.signals.error_class == "ServerError"


@pytest.mark.parametrize("error", [{}, {"message": "x"}, "x", None, 5, [], {"type": ""}])
def test_what_names_no_class_has_none(error):
    assert resolved(error).signals.error_class is None
