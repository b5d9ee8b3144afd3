"""The examples of the document are real answers: kept once, and compared with fresh ones.

They are written anew with `make examples`.
"""

import json
import os
import re
from typing import Any

import pytest

from config.openapi import EXAMPLES
from runs_app.models import Membership
from tests.conftest import Workspace
from tests.openapi.reading import breaches, members_of, members_promised, operations
from tests.openapi.story import Told, story
from tests.people import member_of

SECRET = re.compile(r"^(tr_[a-z]+_sk_|tr_uat_|eyJ)[\w.-]+$")
SITE = "https://faultline.example"


@pytest.fixture
def told(prod: Workspace) -> list[Told]:
    return list(story(prod, member_of(prod, Membership.Role.OWNER)))


def test_the_kept_examples_look_like_fresh_answers(told: list[Told]) -> None:
    fresh: dict[str, dict[str, Any]] = {}
    for each in told:
        fresh.setdefault(each.operation, example_of(each))
    if os.environ.get("KEEP_EXAMPLES"):
        keep(fresh)

    kept = {place.stem: json.loads(place.read_text()) for place in EXAMPLES.glob("*.json")}

    assert {name: shape(example) for name, example in kept.items()} == {
        name: shape(example) for name, example in fresh.items()
    }
    assert kept.keys() == operations().keys()


def test_answers_are_what_the_document_says(told: list[Told]) -> None:
    for each in told:
        schema = answer_schema(each)
        body = each.answer.body
        assert body is None if schema is None else breaches(schema, body) == [], each


def test_requests_of_the_examples_are_what_the_document_says(told: list[Told]) -> None:
    for each in told:
        if each.request is not None and each.operation != "reportRuns":
            body = operations()[each.operation].content["requestBody"]
            assert breaches(body["content"]["application/json"]["schema"], each.request) == []


def test_every_documented_member_is_in_some_answer(told: list[Told]) -> None:
    """One that is in none is promised and never kept, or has another name by now."""
    seen: set[str] = set()
    promised: set[str] = set()
    for each in told:
        schema = answer_schema(each)
        if schema is not None:
            seen.update(members_of(schema, each.answer.body))
            promised.update(members_promised(schema))

    assert promised - seen == set()


def answer_schema(each: Told) -> Any:
    """None: the operation answers without a body."""
    response = operations()[each.operation].response(each.answer.status)
    content = response.get("content")
    return None if content is None else content["application/json"]["schema"]


def example_of(each: Told) -> dict[str, Any]:
    example: dict[str, Any] = {"status": each.answer.status}
    if each.request is not None:
        example["request"] = each.request
    if each.answer.body is not None:
        example["response"] = each.answer.body
    return example


def shape(value: Any) -> Any:
    """Names and types, without values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else "text"


def keep(fresh: dict[str, dict[str, Any]]) -> None:
    EXAMPLES.mkdir(exist_ok=True)
    for place in EXAMPLES.glob("*.json"):
        place.unlink()
    for name, example in fresh.items():
        text = json.dumps(without_secrets(example), indent=2, ensure_ascii=False)
        text = text.replace("http://testserver", SITE)
        (EXAMPLES / f"{name}.json").write_text(text + "\n")


def without_secrets(value: Any) -> Any:
    """Nothing that lets anybody in stands in the repository, even of a database that is gone."""
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        name: SECRET.sub(r"\1...", inner)
        if name in {"token", "key"} and isinstance(inner, str)
        else without_secrets(inner)
        for name, inner in value.items()
    }
