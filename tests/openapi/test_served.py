"""`/api/schema/` and `/docs/api/`: for everybody, and from this server alone."""

import re

import pytest
import yaml
from django.test import Client

from tests.api.expectations import refused
from tests.conftest import Answer, Api

ADDRESS = re.compile(r'(?:src|href|url)\s*[=:]\s*"([^"]+)"')


def document(**headers: str) -> Answer:
    return Api(None).get("/api/schema/", **headers)


def test_everybody_reads_it_as_json() -> None:
    answer = document()

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body["openapi"].startswith("3.1.")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("media_type", ["application/yaml", "application/vnd.oai.openapi"])
def test_it_is_the_same_in_yaml(media_type: str) -> None:
    answer = document(Accept=media_type)

    assert answer.headers["Content-Type"] == media_type
    # The same reader as that of safe_load, in C.
    assert yaml.load(answer.body, Loader=yaml.CSafeLoader) == document().body


def test_a_credential_is_neither_needed_nor_looked_at() -> None:
    assert document(authorization="Bearer nonsense").status == 200
    assert "x-ratelimit-limit" not in document(authorization="Bearer nonsense").headers


def test_it_names_nothing_of_the_machine_it_is_made_on() -> None:
    text = str(document().body)

    assert "testserver" not in text
    assert "127.0.0.1" not in text


def test_other_methods_and_media_types_are_refused_in_the_envelope() -> None:
    answer = Api(None).post("/api/schema/", {})

    refused(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    refused(document(Accept="text/html"), 406, "not_acceptable")


def test_options_name_the_methods_and_nothing_of_our_code() -> None:
    response = Client().options("/api/schema/")

    assert (response.status_code, response.content) == (200, b"")


def test_the_page_loads_everything_from_this_server() -> None:
    client = Client()
    response = client.get("/docs/api/")
    page = response.content.decode()
    addresses = set(ADDRESS.findall(page))

    assert response.status_code == 200
    assert addresses
    for address in addresses:
        assert re.match("/[^/]", address), address
        assert client.get(address).status_code == 200, address
    assert "://" not in page
    [script] = [address for address in addresses if address.startswith("/docs/api/")]
    assert "/api/schema/" in client.get(script).content.decode()
