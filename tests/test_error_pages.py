"""`/docs/errors/`: what `type` points at exists, and tells the truth."""

import json
import re
from html import unescape

import pytest
from django.test import Client, RequestFactory

from config.error_catalogue import CATALOGUE
from config.error_examples import FAILURES, example_of
from tests.api.expectations import ALWAYS
from tests.envelope.test_members import CONTRACT

# Codes that no domain error has: their contracts are tests of their own.
OF_THE_FRAMEWORK = {
    "method_not_allowed": {"hint"},
    "not_acceptable": {"hint"},
    "unsupported_media_type": {"hint"},
}


@pytest.fixture
def reader() -> Client:
    """Somebody without any credentials, of a service whose stores are not touched."""
    return Client()


def test_the_list_links_every_code(reader: Client) -> None:
    response = reader.get("/docs/errors/")

    assert response.status_code == 200
    linked = re.findall(r'href="/docs/errors/([a-z_]+)"', response.content.decode())
    assert linked == list(CATALOGUE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_has_its_page(reader: Client, code: str) -> None:
    response = reader.get(f"/docs/errors/{code}")

    text = unescape(response.content.decode())
    entry = CATALOGUE[code]
    assert response.status_code == 200
    assert response["Content-Type"] == "text/html; charset=utf-8"
    for words in (entry.title, entry.happened, *entry.why, *entry.todo, f"HTTP/1.1 {entry.status}"):
        assert words in text


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_example_is_an_answer_by_the_contract(reader: Client, code: str) -> None:
    text = unescape(reader.get(f"/docs/errors/{code}").content.decode())

    body = json.loads(text[text.index("{\n") : text.index("</pre>")])

    assert body["error"] == body["code"] == code
    assert body["status"] == CATALOGUE[code].status
    assert body["type"] == f"http://testserver/docs/errors/{code}"
    allowed = [members for _, one, members, _ in CONTRACT.values() if one == code]
    assert set(body) - ALWAYS in (allowed or [OF_THE_FRAMEWORK[code]])
    assert f"x-request-id: {body['request_id']}" in text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("service_unavailable", "yes, unless retryable is false"),
        ("conflict", "no, unless retryable is true"),
        ("ambiguous_error_id", "no"),
        ("internal_error", "not known"),
    ],
)
def test_list_and_page_say_whether_the_same_request_may_succeed_later(
    reader: Client, code: str, words: str
) -> None:
    page = reader.get(f"/docs/errors/{code}").content.decode()
    row = reader.get("/docs/errors/").content.decode().partition(f"<code>{code}</code>")[2]

    assert f"unchanged</dt><dd>{words}</dd>" in page
    assert f"<td>{words}</td>" in row.partition("</tr>")[0]


def test_there_is_an_example_for_each_code_and_no_other() -> None:
    assert set(FAILURES) == set(CATALOGUE)


def test_an_example_has_the_headers_of_the_real_answer(rf: RequestFactory) -> None:
    headers = example_of("rate_limited", rf.get("/")).headers

    assert headers["Retry-After"] == "17"


@pytest.mark.parametrize("address", ["/docs/errors/no_such_code", "/docs/errors/no-such-code"])
def test_a_code_nobody_has_is_not_found(reader: Client, address: str) -> None:
    assert reader.get(address).status_code == 404


def test_the_list_without_its_slash_leads_to_it(reader: Client) -> None:
    assert reader.get("/docs/errors").headers["Location"] == "/docs/errors/"


def test_the_pages_are_only_read(reader: Client) -> None:
    assert reader.post("/docs/errors/not_found").status_code == 405
    assert reader.head("/docs/errors/not_found").status_code == 200
