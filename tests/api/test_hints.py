"""What a refusal says to do next, where it knows more than its code."""

from typing import Any

import pytest

from runs_app.domain.callers import CredentialKind
from runs_app.services.credentials import create_api_key
from runs_app.web.hints import KINDS
from tests.api.expectations import failure, faults, refused
from tests.conftest import Answer, Api, Workspace
from tests.people import member_of, token_of_key, token_of_person

ENVIRONMENT = "This address takes API keys and environment tokens."
PERSON = "This address takes personal access tokens and user actor tokens."


def hint(answer: Answer, status: int, code: str) -> str:
    text: str = refused(answer, status, code)["hint"]
    return text


@pytest.mark.parametrize(
    ("path", "kinds"), [("/api/v1/errors", ENVIRONMENT), ("/api/v2/whoami", PERSON)]
)
def test_without_credentials_the_header_is_named_with_what_the_address_takes(
    db: None, path: str, kinds: str
) -> None:
    told = hint(Api(None).get(path), 401, "unauthorized")

    assert told == f"Send the header Authorization: Bearer <credential>, which is missing. {kinds}"


@pytest.mark.parametrize("header", ["Basic dTpw", "Bearer", "tr_prod_key", "Token x", "bearer\t"])
def test_a_header_of_another_form_is_told_the_form(db: None, header: str) -> None:
    answer = Api(None, authorization=header).get("/api/v1/errors")

    assert hint(answer, 401, "unauthorized") == (
        f"The header Authorization is not of the form Bearer <credential>. {ENVIRONMENT}"
    )


def test_a_credential_of_the_wrong_kind_gets_the_hint_of_every_other(prod: Workspace) -> None:
    person = member_of(prod)

    hints = {
        hint(api.get("/api/v1/errors"), 401, "unauthorized")
        for api in (person.api, Api("tr_prod_unknown"), Api("x"))
    }

    assert hints == {
        f"Look whether the credential is whole, active, and of the right kind. {ENVIRONMENT}"
    }


def test_every_kind_of_credential_has_its_words() -> None:
    assert set(KINDS) == set(CredentialKind)


def test_who_lacks_a_scope_is_told_how_their_kind_comes_by_it(prod: Workspace) -> None:
    key = create_api_key(prod.environment, name="narrow", scopes=("read:runs",))
    credentials = {
        "an API key are chosen when it is made": key,
        "Exchange the personal access token again": token_of_person(prod, member_of(prod)),
        "Mint the token again": token_of_key(prod, "read:runs"),
    }

    for words, credential in credentials.items():
        assert words in hint(Api(credential).get("/api/v1/errors"), 403, "insufficient_scope")


def test_too_many_requests_are_told_when_to_come_back(prod: Workspace, settings: Any) -> None:
    settings.RATE_LIMIT = 1
    prod.api.get("/api/v1/errors")

    answer = prod.api.get("/api/v1/errors")

    seconds = int(answer.headers["Retry-After"])
    assert hint(answer, 429, "rate_limited") == (
        f"Send the same request again in {seconds} second{'' if seconds == 1 else 's'}."
    )
    assert answer.body["retryable"] is True


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Content-Type": "application/json", "Content-Encoding": "br"}, "Content-Encoding: gzip"),
        ({"Content-Type": "text/csv"}, "Content-Type: application/json"),
    ],
)
def test_a_body_that_is_not_read_is_told_which_of_its_headers_is_in_the_way(
    prod: Workspace, headers: dict[str, str], words: str
) -> None:
    media_type = headers.pop("Content-Type")

    answer = prod.api.post("/api/v1/runs", raw=b"a", content_type=media_type, **headers)

    assert words in hint(answer, 415, "unsupported_media_type")


# --- lists --------------------------------------------------------------------------------------


def detail(answer: Answer) -> str:
    [only] = refused(answer, 400, "invalid_input")["details"]
    message: str = only["message"]
    return message


def test_an_unknown_filter_is_told_which_there_are(prod: Workspace) -> None:
    told = detail(prod.api.get("/api/v1/errors", {"filter[colour]": "red"}))

    assert "filter[taskIdentifier]" in told
    assert "filter[period]" in told


def test_an_unknown_value_is_told_which_there_are_and_repeated_only_if_it_is_a_word(
    prod: Workspace,
) -> None:
    word = detail(prod.api.get("/api/v1/errors", {"filter[status]": "open,resolved"}))
    secret = detail(prod.api.get("/api/v1/errors", {"filter[status]": "open,tr_prod_sk_123"}))

    assert word == secret == "Unknown: open. Allowed: unresolved, resolved, ignored."


def test_a_key_in_the_place_of_a_name_is_not_repeated(prod: Workspace) -> None:
    answer = prod.api.get("/api/v1/errors", {f"filter[{prod.key}]": "x", "filter[colour]": "red"})

    paths = [each["path"] for each in refused(answer, 400, "invalid_input")["details"]]
    assert paths == ["/query/filter[[masked]]", "/query/filter[colour]"]


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("/api/v1/errors", {"sort": "count"}, "belongs to another sort"),
        ("/api/v1/errors", {"filter[version]": "1"}, "belongs to other filters"),
        ("/api/v1/errors", {"sort": "count", "filter[version]": "1"}, "belongs to another sort"),
        ("/api/v1/runs", {}, "belongs to another list"),
    ],
)
def test_a_cursor_that_does_not_fit_is_told_what_it_belongs_to(
    shared_prod: Workspace, db: None, path: str, query: dict[str, str], words: str
) -> None:
    shared_prod.report(failure("run_a", "AError"), failure("run_b", "BError"))
    first = shared_prod.api.get("/api/v1/errors", {"page[size]": "1"})
    cursor = first.body["pagination"]["next"]

    told = detail(shared_prod.api.get(path, {**query, "page[after]": cursor}))

    assert words in told


def test_what_is_no_cursor_is_told_beside_all_else_that_is_wrong(prod: Workspace) -> None:
    query = {"sort": "worst", "page[size]": "0", "page[after]": "nonsense"}

    answer = prod.api.get("/api/v1/errors", query)

    assert faults(answer) == {
        ("/query/sort", "unknown_value"),
        ("/query/page[size]", "out_of_range"),
        ("/query/page[after]", "invalid_cursor"),
    }


@pytest.mark.parametrize("text", ["nonsense", "eyJ9", "W10", "1.x", "x" * 5_000])
def test_what_is_no_cursor_is_told_so(prod: Workspace, text: str) -> None:
    assert "no cursor" in detail(prod.api.get("/api/v1/errors", {"page[after]": text}))
