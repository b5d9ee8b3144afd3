"""What a line in the log says of a failure. Which failures have one: `test_log_policy`."""

import logging

import pytest
from django.test import Client

from tests.envelope.failures import SECRET
from tests.envelope.test_members import PLACES

WARNED = {"insufficient_scope", "access_denied", "permission_denied", "rest_permission_denied"}
LOUD = {
    "of_no_category",
    "bug",
    "rest_bug",
    "no_such_table",
    "unavailable",
    "query_too_big",
    "database_locked",
    "database_gone",
    "connection_closed",
}
OURS = ("faultline.errors", "faultline.security", "django.request")


def _records(log) -> list[logging.LogRecord]:
    return [record for record in log.records if record.name in OURS]


@pytest.mark.parametrize("name", sorted(WARNED))
def test_a_denial_is_one_warning_of_security(http, log, debug, name):
    response = http.get(f"/api/raises/{name}")

    (record,) = _records(log)
    assert record.name == "faultline.security"
    assert record.levelname == "WARNING"
    assert response.json()["instance"] in record.message


def test_a_missing_scope_is_told_without_those_that_name_a_thing(http, log):
    http.get("/api/raises/insufficient_scope")

    (record,) = _records(log)
    assert "the scope write:errors is missing" in record.message
    assert "admin" not in record.message


def test_a_denial_names_actor_owner_and_object_in_the_log_only(http, log):
    response = http.get("/api/raises/access_denied")

    (record,) = _records(log)
    for word in ("actor-1", "owner-2", "object-3", SECRET):
        assert word in record.message
        assert word not in response.content.decode()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", sorted(LOUD))
def test_what_is_our_fault_is_one_error_with_the_id_the_code_and_a_stack(
    http, log, debug, name, place
):
    body = PLACES[place](http, name).json()

    (record,) = _records(log)
    assert record.name == "faultline.errors"
    assert record.levelname == "ERROR"
    assert body["instance"] in record.message
    assert (record.facts["instance"], record.facts["code"]) == (body["instance"], body["code"])
    assert record.exc_info[1] is not None


def test_unavailable_is_logged_with_the_stack_of_the_cause(http, log):
    http.get("/api/raises/unavailable")

    (record,) = _records(log)
    assert record.exc_info[0] is ConnectionRefusedError
    assert SECRET in log.text


def test_a_bug_is_logged_with_its_whole_chain(http, log):
    http.get("/api/raises/bug")

    (record,) = _records(log)
    assert record.exc_info[0] is RuntimeError
    assert "KeyError" in log.text
    assert "The above exception was the direct cause" in log.text


def test_a_domain_error_of_no_category_is_told_to_us_as_a_missing_mapping(http, log):
    response = http.get("/api/raises/of_no_category")

    (record,) = _records(log)
    assert "a mapping is missing: OfNoCategoryError" in record.message
    assert response.json()["detail"] == "The moon is full."


def test_a_signed_token_with_wrong_contents_is_a_warning_on_one_line(http, log):
    http.get("/api/raises/signed_but_malformed")

    (record,) = _records(log)
    assert (record.name, record.levelname) == ("faultline.security", "WARNING")
    assert "no\\nsub claim" in record.message


def test_other_refused_credentials_are_not_logged(http, log):
    http.get("/api/raises/bad_credentials")

    assert _records(log) == []


def test_a_path_cannot_write_a_line_of_its_own_into_the_log(http, log):
    http.get("/api/works%0AERROR%20forged", headers={"X-Break": "before bug"})

    (record,) = _records(log)
    assert "\n" not in record.message


def test_the_query_of_an_address_is_not_logged(http, log):
    http.get("/api/raises/bug?token=abc123")

    assert "abc123" not in _records(log)[0].message


def test_an_error_of_the_server_that_was_answered_by_hand_is_logged_once(http, log, debug):
    response = http.get("/api/answers/502")

    (record,) = _records(log)
    assert record.name == "faultline.errors"
    assert response.json()["instance"] in record.message


def test_a_refusal_that_was_answered_by_hand_is_not_logged(http, log, debug):
    http.get("/api/answers/403")

    assert _records(log) == []


def test_a_failing_page_is_logged_by_django_as_ever(http, log, debug):
    http.get("/pages/raises/bug")

    (record,) = _records(log)
    assert (record.name, record.levelname) == ("django.request", "ERROR")


def test_the_settings_filter_what_django_says_and_tell_facts(settings):
    logging_ = settings.LOGGING
    names = logging_["handlers"]["stderr"]["filters"]

    assert [logging_["filters"][name]["()"] for name in names] == [
        "config.logs.DjangoFilter",
        "config.logs.RequestFactsFilter",
    ]


@pytest.mark.parametrize("name", ["suspicious", "body_too_big", "too_many_fields"])
def test_a_callers_mistake_on_a_page_is_a_warning_without_the_words_of_the_exception(
    http, log, name
):
    http.get(f"/pages/raises/{name}")

    (record,) = [one for one in log.records if one.name.startswith("django.security")]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("GET /pages/raises/<name>: ")
    assert SECRET not in log.text


def test_a_form_from_another_site_is_a_warning_that_quotes_no_header(log):
    http = Client(enforce_csrf_checks=True)

    http.post("/pages/form", headers={"Origin": f"https://{SECRET}"})
    http.post("/pages/form", headers={"Referer": f"https://a/{SECRET}"}, secure=True)

    records = [one for one in log.records if one.name == "django.security.csrf"]
    assert [record.getMessage() for record in records] == [
        "POST /pages/form: Origin checking failed",
        "POST /pages/form: Referer checking failed",
    ]
    assert SECRET not in log.text


def test_why_a_form_of_the_api_is_refused_is_a_warning(log):
    Client(enforce_csrf_checks=True).post("/api/form")

    (record,) = [one for one in log.records if one.name == "django.security.csrf"]
    assert record.getMessage() == "POST /api/form: CSRF cookie not set."
