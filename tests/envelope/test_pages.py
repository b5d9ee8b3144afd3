"""Outside of /api/ people get pages, with the request id to report."""

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/pages/nothing", 404, "There is nothing at this address."),
        ("/pages/raises/permission_denied", 403, "You may not do this."),
        ("/pages/raises/suspicious", 400, "could not be understood"),
        ("/pages/raises/bug", 500, "The failure has been logged."),
    ],
)
def test_a_failure_is_a_page_with_the_request_id(http, address, status, words):
    response = http.get(address, headers={"x-request-id": "mine<b>"})

    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert words in response.content.decode()
    assert "<code>mine&lt;b&gt;</code>" in response.content.decode()


def test_a_page_names_no_inner_thing(http):
    text = http.get("/pages/raises/bug").content.decode()

    assert "RuntimeError" not in text
    assert "inside" not in text


@pytest.mark.parametrize("name", ["unavailable", "database_gone"])
def test_a_store_that_is_away_is_a_page_of_status_503(http, debug, log, name):
    response = http.get(f"/pages/raises/{name}", headers={"x-request-id": "mine"})

    text = response.content.decode()
    assert response.status_code == 503
    assert response["Content-Type"].startswith("text/html")
    assert response["Retry-After"] == "5"
    assert "is not available right now." in text
    assert "<code>mine</code>" in text
    (record,) = [one for one in log.records if one.name == "faultline.errors"]
    assert record.facts["instance"] in text


def test_a_store_that_is_away_in_middleware_is_the_same_page(http):
    response = http.get("/pages/works", headers={"X-Break": "after database_gone"})

    assert response.status_code == 503
    assert "The database is not available right now." in response.content.decode()


def test_django_keeps_its_debug_pages_outside_of_the_api(http, settings):
    settings.DEBUG = True

    assert "RuntimeError" in http.get("/pages/raises/bug").content.decode()


def test_a_csrf_failure_of_a_page_is_djangos_own_page():
    response = Client(enforce_csrf_checks=True).post("/pages/form")

    assert response.status_code == 403
    assert response["Content-Type"].startswith("text/html")
    assert "CSRF" in response.content.decode()


def test_an_address_that_only_looks_like_the_api_has_pages(http):
    response = http.get("/apis/nothing")

    assert response["Content-Type"].startswith("text/html")
