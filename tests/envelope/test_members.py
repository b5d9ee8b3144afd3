"""The contract of every code: status, exact members, headers."""

import re
import uuid

import pytest

from config.error_catalogue import CATALOGUE
from config.failures import CATEGORIES
from runs_app.domain.errors import DomainError
from tests.api.expectations import ALWAYS
from tests.envelope.failures import FAILURES, SECRET

# name of the failure -> status, code, members beside those that are always there, headers
CONTRACT = {
    "invalid_input": (400, "invalid_input", {"details"}, {}),
    "of_no_category": (400, "invalid_input", set(), {}),
    "bad_request": (400, "invalid_input", {"details"}, {}),
    "suspicious": (400, "invalid_input", {"details"}, {}),
    "no_credentials": (401, "unauthorized", {"hint"}, {"WWW-Authenticate": "Bearer"}),
    "bad_credentials": (
        401,
        "unauthorized",
        {"hint"},
        {"WWW-Authenticate": 'Bearer error="invalid_token"'},
    ),
    "rest_not_authenticated": (401, "unauthorized", {"hint"}, {"WWW-Authenticate": "Bearer"}),
    "rest_authentication_failed": (
        401,
        "unauthorized",
        {"hint"},
        {"WWW-Authenticate": 'Bearer error="invalid_token"'},
    ),
    "insufficient_scope": (
        403,
        "insufficient_scope",
        {"hint", "permissions"},
        {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="write:errors admin"'},
    ),
    "access_denied": (403, "forbidden", {"hint"}, {}),
    "permission_denied": (403, "forbidden", {"hint"}, {}),
    "rest_permission_denied": (403, "forbidden", {"hint"}, {}),
    "not_found": (404, "not_found", {"hint"}, {}),
    "http404": (404, "not_found", {"hint"}, {}),
    "rest_not_found": (404, "not_found", {"hint"}, {}),
    "interrupted": (408, "request_timeout", {"hint", "retryable"}, {"x-should-retry": None}),
    "client_went_away": (408, "request_timeout", {"hint", "retryable"}, {}),
    "conflict": (409, "conflict", set(), {"x-should-retry": "false"}),
    "retryable_conflict": (409, "conflict", {"retryable"}, {"x-should-retry": None}),
    "ambiguous_error_id": (
        409,
        "ambiguous_error_id",
        {"hint", "retryable"},
        {"x-should-retry": "false"},
    ),
    "bulk_too_large": (409, "bulk_too_large", {"hint", "retryable"}, {"x-should-retry": "false"}),
    "documented_conflict": (409, "a_code_of_tomorrow", {"docs"}, {"x-should-retry": "false"}),
    "too_large": (413, "payload_too_large", {"hint"}, {}),
    "body_too_big": (413, "payload_too_large", {"hint"}, {}),
    "too_many_fields": (413, "payload_too_large", {"hint"}, {}),
    "rest_own_status": (418, "invalid_input", {"details"}, {}),
    "rate_limited": (429, "rate_limited", {"hint", "retryable"}, {"Retry-After": "3"}),
    "rest_throttled": (429, "rate_limited", {"hint", "retryable"}, {"Retry-After": "3"}),
    "rest_throttled_for_ever": (429, "rate_limited", {"hint", "retryable"}, {"Retry-After": "60"}),
    "bug": (500, "internal_error", {"hint"}, {}),
    "rest_bug": (500, "internal_error", {"hint"}, {}),
    "no_such_table": (500, "internal_error", {"hint"}, {}),
    "unavailable": (503, "service_unavailable", {"hint", "retryable"}, {"Retry-After": "5"}),
    "database_locked": (503, "service_unavailable", {"hint", "retryable"}, {"Retry-After": "5"}),
    "database_gone": (503, "service_unavailable", {"hint", "retryable"}, {"Retry-After": "5"}),
    "connection_closed": (503, "service_unavailable", {"hint", "retryable"}, {"Retry-After": "5"}),
    "refusing": (503, "service_unavailable", {"hint", "retryable"}, {"Retry-After": "30"}),
    "query_too_big": (
        503,
        "service_unavailable",
        {"hint", "retryable"},
        {"Retry-After": None, "x-should-retry": "false"},
    ),
}
PLACES = {
    "a view of REST framework": lambda http, name: http.get(f"/api/raises/{name}"),
    "a plain view": lambda http, name: http.get(f"/api/plain/{name}"),
    "middleware before the view": lambda http, name: http.get(
        "/api/works", headers={"X-Break": f"before {name}"}
    ),
    "middleware after the view": lambda http, name: http.get(
        "/api/works", headers={"X-Break": f"after {name}"}
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CONTRACT)
def test_every_failure_has_its_status_members_and_headers_wherever_it_is_raised(
    http, debug, name, place
):
    status, code, members, headers = CONTRACT[name]

    response = PLACES[place](http, name)

    body = response.json()
    assert response.status_code == body["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert set(body) == ALWAYS | members
    assert body["error"] == body["code"] == code
    assert {header: response.get(header) for header in headers} == headers
    assert SECRET not in response.content.decode()
    assert SECRET not in str(response.headers)


@pytest.mark.parametrize("name", CONTRACT)
def test_the_members_that_are_always_there_have_their_forms(http, name):
    response = http.get(f"/api/raises/{name}")

    body = response.json()
    assert re.fullmatch(r"http://testserver/docs/errors/[a-z_]+", body["type"])
    assert body["title"] == CATALOGUE[body["type"].rpartition("/")[2]].title
    assert 0 < len(body["detail"]) <= 1024
    assert uuid.UUID(body["instance"].removeprefix("urn:uuid:")).version == 4
    assert body["request_id"] == response["x-request-id"]
    assert None not in body.values()


def test_all_codes_of_the_catalogue_are_held_by_a_contract(http):
    by_other_tests = {"method_not_allowed", "not_acceptable", "unsupported_media_type"}

    assert {code for _, code, _, _ in CONTRACT.values()} | by_other_tests >= set(CATALOGUE)


def test_every_failure_that_is_defined_is_held_by_a_contract_or_a_test_of_its_own():
    of_their_own = {
        "invalid_input_fifty",
        "invalid_input_many",
        "endless_path",
        "signed_but_malformed",
        "leaky_detail",
        "long_detail",
        "surrogate_detail",
    }

    assert set(FAILURES) == set(CONTRACT) | of_their_own


def test_each_category_is_in_the_catalogue_and_codes_keep_the_status_of_their_category():
    for category in CATEGORIES:
        status = CATALOGUE[category.code].status
        for kind in _with_subclasses(category):
            if not kind.__module__.startswith("tests."):
                assert CATALOGUE[kind.code].status == status, kind


def test_an_error_has_a_fresh_id_each_time(http):
    instances = {http.get("/api/raises/conflict").json()["instance"] for _ in range(3)}

    assert len(instances) == 3


def test_refused_credentials_get_the_same_bytes_but_for_the_ids(http, debug):
    answers = [
        http.get(f"/api/raises/{name}")
        for name in ("bad_credentials", "signed_but_malformed", "rest_authentication_failed")
    ]

    assert len({_without_ids(answer) for answer in answers}) == 1
    assert len({answer["WWW-Authenticate"] for answer in answers}) == 1


def test_missing_and_refused_credentials_are_told_apart(http):
    missing = http.get("/api/raises/no_credentials").json()
    refused = http.get("/api/raises/bad_credentials").json()

    assert missing["detail"] == "No credentials were supplied."
    assert refused["detail"] == "The credentials were not accepted."


def test_denials_of_all_origins_say_the_constant(http):
    for name in ("access_denied", "permission_denied", "rest_permission_denied"):
        assert http.get(f"/api/raises/{name}").json()["detail"] == "Forbidden"


def test_a_missing_scope_names_the_scopes_any_of_which_would_do(http):
    body = http.get("/api/raises/insufficient_scope").json()

    assert body["permissions"] == ["write:errors", "admin"]


def test_fifty_failing_fields_are_all_listed(http):
    details = http.get("/api/raises/invalid_input_fifty").json()["details"]

    assert [detail["path"] for detail in details] == [f"/body/{n}" for n in range(50)]


def test_more_than_fifty_failing_fields_end_in_one_entry_that_counts_the_rest(http):
    details = http.get("/api/raises/invalid_input_many").json()["details"]

    assert len(details) == 51
    assert details[49]["path"] == "/body/49"
    assert details[50] == {
        "message": "23 more failures are not listed.",
        "path": "/",
        "code": "more_failures",
    }


def test_a_code_of_no_page_points_at_the_page_of_its_category_and_at_its_own_docs(http):
    body = http.get("/api/raises/documented_conflict").json()

    assert body["type"] == "http://testserver/docs/errors/conflict"
    assert body["docs"] == "http://testserver/docs/tomorrow"


def test_the_own_hint_of_an_error_stands_before_that_of_its_code(http):
    assert http.get("/api/raises/query_too_big").json()["hint"] == "Ask for a shorter window."


def test_a_detail_is_cleaned_on_its_way_out(http, debug):
    assert http.get("/api/raises/leaky_detail").json()["detail"] == (
        "In the way\npassword=[masked]"
    )


def test_a_long_detail_is_cut_to_1024_characters(http):
    detail = http.get("/api/raises/long_detail").json()["detail"]

    assert detail == "x" * 1023 + "…"


def test_half_a_character_in_a_detail_does_not_break_the_answer(http):
    response = http.get("/api/raises/surrogate_detail")

    assert response.status_code == 409
    assert response.json()["detail"] == "broken \ufffd text"


def test_the_type_is_on_the_site_that_settings_name(http, settings):
    settings.SITE_URL = "https://errors.example.org"

    body = http.get("/api/raises/conflict").json()

    assert body["type"] == "https://errors.example.org/docs/errors/conflict"


def test_the_type_is_on_the_host_of_the_request_when_settings_name_no_site(http, settings):
    settings.ALLOWED_HOSTS = ["one.example.org"]

    body = http.get("/api/raises/conflict", headers={"Host": "one.example.org"}).json()

    assert body["type"] == "http://one.example.org/docs/errors/conflict"


def _with_subclasses(kind: type[DomainError]) -> list[type[DomainError]]:
    deeper = (_with_subclasses(subclass) for subclass in kind.__subclasses__())
    return [kind, *(one for several in deeper for one in several)]


def _without_ids(response) -> bytes:
    body = response.json()
    for name in ("instance", "request_id"):
        response.content = response.content.replace(body[name].encode(), b"<id>")
    return response.content
