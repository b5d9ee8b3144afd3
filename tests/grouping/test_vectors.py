"""Errors with the grouping that the reference gives them, exactly."""

import json
from pathlib import Path
from typing import Any

import pytest

from runs_app.domain.grouping.expected import reported_as_unexpected
from runs_app.domain.grouping.fingerprint import fingerprint_of_key
from runs_app.domain.grouping.resolve import group_error, resolve_error_grouping
from runs_app.domain.grouping.settings import GroupingSettings

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vectors.json").read_text())
NOT_AN_ERROR = {"null", "undefined"}
# Expected by their client, and therefore in no group.
ABORTED = {"abort", "wrapped_api_error"}
EVERYTHING = GroupingSettings("v1", keywords=True)

vectors = pytest.mark.parametrize(
    "vector", VECTORS, ids=[f"{vector['n']}: {vector['about']}" for vector in VECTORS]
)


def error_of(vector: dict[str, Any]) -> Any:
    """The vector's input as a run reports it."""
    given = dict(vector["input"])
    kind = given.pop("kind")
    if kind in NOT_AN_ERROR:
        return None
    if kind == "string":
        return given["message"]
    error = {"type": vector["expect"]["error_class"], "message": given.pop("message", "")}
    if kind == "raw_api_error":
        return {**error, "response": given, "request": {"query": "q"}}
    if kind == "wrapped_api_error":
        given = {"statusCode" if name == "status" else name: given[name] for name in given}
        return {**error, **given, "kind": "abort"}
    return {**error, **given, "kind": kind}


@vectors
def test_a_vector_is_resolved_as_the_reference_resolves_it(vector: dict[str, Any]) -> None:
    error, expect = error_of(vector), vector["expect"]

    resolution = resolve_error_grouping(error, vector["slice"])

    signals = resolution.signals
    assert resolution.hash == expect["hash"]
    assert resolution.category == expect["category"]
    assert signals.http_status == expect["http_status"]
    assert signals.code == expect["code"]
    assert signals.error_class == expect["error_class"]
    assert reported_as_unexpected(error) == expect["reported_as_unexpected"]


@vectors
def test_the_hash_of_a_vector_is_the_key_of_its_group(vector: dict[str, Any]) -> None:
    error, expected_hash = error_of(vector), vector["expect"]["hash"]
    if expected_hash is None or vector["input"]["kind"] in ABORTED:
        assert group_error(error, vector["slice"], EVERYTHING).rule == "v1"
        return

    grouping = group_error(error, vector["slice"], EVERYTHING)

    assert grouping.key == expected_hash
    assert grouping.fingerprint == fingerprint_of_key(expected_hash, rule="").value
