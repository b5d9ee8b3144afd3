"""Whatever is sent: a clear answer, nothing half done, and the next report arrives."""

import json
from typing import Any

import pytest

from runs_app.domain.times import iso, utc_now
from runs_app.models import OutboxEntry, TaskRun
from runs_app.queries import outbox
from runs_app.services.verify import verify_environment
from tests.conftest import Workspace, failed

RUNS = "/api/v1/runs"
NOW = iso(utc_now())


def member(name: str, value: str, run_id: str = "hostile") -> bytes:
    """A failed run with one member given as raw JSON text."""
    return (
        f'{{"id": "{run_id}", "taskIdentifier": "t", "status": "FAILED", "{name}": {value}}}'
    ).encode()


def deep(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + "1" + closing * depth


TAKEN: dict[str, bytes] = {
    "NUL in error": member(
        "error", r'{"message": "a\u0000b", "type": "\u0000", "stack": "\u0000"}'
    ),
    "NUL in an error that is text": member("error", r'"a\u0000b"'),
    "NUL in contents": member("payload", r'{"\u0000": "a\u0000b"}'),
    "NUL in metadata": member("metadata", r'["\u0000"]'),
    "NUL in a fingerprint": member("error", r'{"message": "m", "fingerprint": ["\u0000"]}'),
    "lone surrogate in error": member("error", r'{"message": "a\ud800b", "type": "\udfff"}'),
    "lone surrogate in a name": member("error", r'{"message": "a", "\ud800": "\udc00\ud800"}'),
    "lone surrogate in payload": member("payload", r'"\ud83d"'),
    "lone surrogate in a task's name": member("queue", r'"q\ud83d"'),
    "lone surrogate in a tag": member("tags", r'["\ud83d"]'),
    "a pair in error": member("error", r'{"message": "\ud83d\ude00"}'),
    "surrogate at the cut": member(
        "error", json.dumps({"message": "m", "stack": "\U0001f600" * 30_000})
    ),
    "1e400 in error": member("error", '{"message": 1e400, "x": [-1e999]}'),
    "1e400 in payload": member("payload", '{"x": 1e400}'),
    "1e400 in output": member("output", "1e400"),
    "1e400 in metadata": member("metadata", '{"x": -1e400}'),
    "a number of 5,000 digits in error": member("error", f'{{"message": {"9" * 5000}}}'),
    "a number of 5,000 digits in payload": member("payload", "9" * 5000),
    "dotted name in error": member("error", '{"a": {"b": 1}, "a.b": 2, "message": "m"}'),
    "dotted name around data": member("error", '{"data": {"type": 1}, "data.type": {"x": 2}}'),
    "dotted name in payload": member("payload", '{"a": {"b": 1}, "a.b": 2}'),
    "dotted name in output": member("output", '{"a": {"b": 1}, "a.b": 2}'),
    "duplicate members": member("error", '{"message": "a", "message": {"b": 1}}'),
    "duplicate ids": b'{"id": "first", "id": "hostile", "taskIdentifier": "t", "status": "FAILED"}',
    "a trace of 1 MB": member("error", json.dumps({"message": "m", "stack": "at x\n" * 200_000})),
    "a trace of 1 MB in one line": member("error", json.dumps({"stack": "at (" * 250_000})),
    "a message of 1 MB": member("error", json.dumps({"message": "0x1f-" * 200_000})),
    "a type of 1 MB": member("error", json.dumps({"type": "T" * 1_000_000})),
    "a fingerprint of 1 MB": member("error", json.dumps({"fingerprint": ["f" * 1_000_000]})),
    "100,000 parts of a fingerprint": member("error", json.dumps({"fingerprint": ["f"] * 100_000})),
    "100,000 members": member("error", json.dumps({f"m{n}": n for n in range(100_000)})),
    "error that is empty": member("error", "{}"),
    "error that is an empty text": member("error", '""'),
    "error that is a number": member("error", "17"),
    "error that is a list": member("error", '["a", {"message": "m"}]'),
    "error that is false": member("error", "false"),
    "error of other types": member("error", '{"message": {"a": 1}, "type": [1], "stack": true}'),
    "error nested a hundred deep": member("error", f'{{"message": {deep(100)}}}'),
    "payload nested a hundred deep": member("payload", deep(100, '{"a":', "}")),
    "nearly too deep": member("error", f'{{"message": {deep(700)}}}'),
    "odd characters": member("error", '{"message": "\\u2028\\ufeff\\uffff\\u0085"}'),
    "quotes and SQL": member("error", json.dumps({"message": "'; DROP TABLE runs; --\\'\"`"})),
    "a hundred tags": member("tags", json.dumps(["t"] * 100)),
    "members nobody knows": member("whatever", '{"a": [1, null]}'),
    "null everywhere": json.dumps(
        {"id": "hostile", "taskIdentifier": "t", "status": "FAILED"}
        | dict.fromkeys(
            ["version", "queue", "tags", "depth", "isTest", "createdAt", "failedAt", "error"]
        )
    ).encode(),
    "text in every language": member("taskIdentifier", '"Rechnung-\\u00fc\\u6f22\\ud83d\\ude00"'),
    "the largest numbers": member("durationMs", "1e15"),
    "the largest attempt": member("attemptNumber", "2147483647"),
    "delayed for a century": member("delayedUntil", '"2199-12-31T23:59:59.999Z"'),
    "failed in the far future": member("failedAt", '"2199-12-31T23:59:59Z"'),
    "time without a zone": member("startedAt", f'"{NOW[:19]}"'),
    "time with nanoseconds": member("startedAt", f'"{NOW[:19]}.123456789Z"'),
    "time with an offset": member("failedAt", f'"{NOW[:19]}+05:30"'),
    "an id that is only the prefix": member("id", '"run_"'),
    "an id of 128 characters": member("id", f'"{"i" * 128}"'),
}  # fmt: skip


def bad(name: str, value: str, code: str = "invalid") -> tuple[bytes, str, str]:
    """A run whose member is refused, where, and why."""
    return member(name, value), f"/body/0/{name}", code


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "10,000 deep in payload": (member("payload", deep(10_000)), "/body/0", "too_deep"),
    "10,000 deep in error": (member("error", deep(10_000, '{"a":', "}")), "/body/0", "too_deep"),
    "10,000 deep in a member nobody knows": (member("x", deep(10_000)), "/body/0", "too_deep"),
    "10,000 deep run": (deep(10_000).encode(), "/body/0", "not_an_object"),
    "10,000 deep object": (deep(10_000, '{"a":', "}").encode(), "/body/0", "too_deep"),
    "NaN in error": (member("error", '{"message": NaN}'), "/body/0", "invalid_json"),
    "Infinity in payload": (member("payload", "-Infinity"), "/body/0", "invalid_json"),
    "raw NUL": (member("payload", '"a\x00b"'), "/body/0", "invalid_json"),
    "raw line break": (member("payload", '"a\nb"'), "/body/0", "invalid_json"),
    "leading zero": (member("payload", "[01]"), "/body/0", "invalid_json"),
    "single quotes": (member("payload", "'a'"), "/body/0", "invalid_json"),
    "1e400 as a cost": bad("costInCents", "1e400"),
    "a cost of 5,000 digits": bad("costInCents", "9" * 5000),
    "negative cost": bad("baseCostInCents", "-0.1"),
    "huge depth": bad("depth", "2147483648"),
    "depth of 100 digits": bad("depth", "9" * 100),
    "negative attempt": bad("attemptNumber", "-1"),
    "depth as a float": bad("depth", "3.0"),
    "half an attempt": bad("attemptNumber", "1.5"),
    "year 0": bad("createdAt", '"0000-01-01T00:00:00Z"'),
    "year 1": bad("startedAt", '"0001-01-01T00:00:00+14:00"', "out_of_range"),
    "year 9999": bad("finishedAt", '"9999-12-31T23:59:59.999Z"', "out_of_range"),
    "beyond 9999": bad("failedAt", '"9999-12-31T23:59:59-23:59"', "out_of_range"),
    "the 30th of February": bad("failedAt", '"2025-02-30T00:00:00Z"'),
    "epoch as a time": bad("failedAt", "1735689600000"),
    "empty time": bad("failedAt", '""'),
    "future createdAt": bad("createdAt", '"2190-01-01T00:00:00Z"', "out_of_range"),
    "future updatedAt": bad("updatedAt", '"2190-01-01T00:00:00Z"', "out_of_range"),
    "old createdAt": bad("createdAt", '"2020-01-01T00:00:00Z"', "out_of_range"),
    "101 tags": bad("tags", json.dumps(["t"] * 101)),
    "a long tag": bad("tags", json.dumps(["t" * 256])),
    "tags as text": bad("tags", '"a,b"'),
    "NUL in a tag": (member("tags", r'["a", "\u0000"]'), "/body/0/tags/1", "control_characters"),
    "NUL in a task": bad("taskIdentifier", r'"\u0000"', "control_characters"),
    "line break in a version": bad("version", r'"1\n2"', "control_characters"),
    "empty id": bad("id", '""'),
    "id with a space": bad("id", '"a b"'),
    "id with a control character": bad("id", r'"a\u0007"'),
    "id with a line break at its end": bad("id", r'"a\n"'),
    "id in another script": bad("id", r'"\u00e4"'),
    "id of half a character": bad("id", r'"\ud800"'),
    "id as a path": bad("id", '"../../x"'),
    "id of 129 characters": bad("id", f'"{"i" * 129}"'),
    "id as a number": bad("id", "1"),
    "null id": bad("id", "null", "required"),
    "empty task": bad("taskIdentifier", '""'),
    "unknown status": bad("status", '"failed"', "unknown_status"),
    "no object": (b"[[]]", "/body/0", "not_an_object"),
    "a text": (b'"run"', "/body/0", "not_an_object"),
}


def check_the_house_stands(prod: Workspace) -> None:
    """Everything arrives, nothing is set aside, and the next report works."""
    prod.report(failed("afterwards", task="after", error={"message": "Afterwards"}))

    assert OutboxEntry.objects.count() == 0
    [after] = prod.errors(taskIdentifier="after")
    assert after["count"] == 1
    assert verify_environment(prod.tenant, repair=False).found == []


@pytest.mark.parametrize("name", TAKEN)
def test_a_strange_run_is_taken_and_shown(prod: Workspace, name: str) -> None:
    answer = prod.api.post(RUNS, raw=b"[" + TAKEN[name] + b"]")
    again = prod.api.post(RUNS, raw=TAKEN[name])

    assert answer.status == 200, answer.body
    assert answer.body == {"accepted": 1, "unchanged": 0, "rejected": []}
    assert again.body == {"accepted": 0, "unchanged": 1, "rejected": []}
    run_id = TaskRun.objects.get().friendly_id
    shown = prod.api.get(f"/api/v3/runs/{run_id}")
    assert shown.status == 200
    # Python reads no number of so many digits, which is JSON nevertheless.
    assert name == "a number of 5,000 digits in payload" or shown.body["id"] == run_id


def test_all_strange_runs_arrive_in_one_batch_and_are_listed(prod: Workspace) -> None:
    contents = [
        content.replace(b'"hostile"', b'"h%d"' % number)
        for number, content in enumerate(TAKEN.values())
    ]

    for content in contents:
        assert prod.api.post(RUNS, raw=content).body["accepted"] == 1
    check_the_house_stands(prod)

    assert len(prod.runs(**{"page[size]": "100"})) == len(contents) + 1
    groups = prod.errors(**{"page[size]": "100"})
    failures = TaskRun.objects.exclude(error_fingerprint="").count()
    assert sum(group["count"] for group in groups) == failures > 20
    for group in groups:
        query = {"taskIdentifier": group["taskIdentifier"]}
        detail = prod.api.get(f"/api/v1/errors/{group['id']}", query)
        assert (detail.status, detail.body["count"]) == (200, group["count"])


def test_runs_that_do_not_fit_among_others_arrive_when_they_are_repaired(prod: Workspace) -> None:
    contents = [
        content.replace(b'"hostile"', b'"h%d"' % number)
        for number, content in enumerate(TAKEN.values())
        if len(content) < 50_000
    ]

    answer = prod.api.post(RUNS, raw=b"[" + b",".join(contents) + b"]")
    assert (answer.body["accepted"], answer.body["rejected"]) == (len(contents), [])
    outbox.claim_batch(OutboxEntry.Kind.RUNS)
    check_the_house_stands(prod)

    assert len(prod.runs(**{"page[size]": "100"})) == len(contents) + 1


@pytest.mark.parametrize("name", REFUSED)
def test_an_unusable_run_is_refused_alone_with_the_place_and_the_reason(
    prod: Workspace, name: str
) -> None:
    content, path, code = REFUSED[name]
    good = json.dumps(failed("good")).encode()

    alone = prod.api.post(RUNS, raw=content)
    answer = prod.api.post(RUNS, raw=b"[" + content + b"," + good + b"]")

    if alone.status == 200:
        assert [refused["index"] for refused in alone.body["rejected"]] == [0]
    else:
        assert (alone.status, alone.body["error"]) == (400, "invalid_input")
        assert alone.body["details"]
    assert answer.status == 200, answer.body
    assert (answer.body["accepted"], answer.body["unchanged"]) == (1, 0)
    [refused] = answer.body["rejected"]
    assert refused["index"] == 0
    assert {"path": path, "code": code}.items() <= refused["details"][0].items()
    assert [run.friendly_id for run in TaskRun.objects.all()] == ["run_good"]


def test_after_refusals_of_every_kind_the_house_stands(prod: Workspace) -> None:
    good = json.dumps(failed("good")).encode()
    bad = [content for content, _, _ in REFUSED.values()]

    answer = prod.api.post(RUNS, raw=b"[" + b",".join([*bad, good]) + b"]")

    assert answer.body["accepted"] == 1
    assert [refused["index"] for refused in answer.body["rejected"]] == list(range(len(bad)))
    check_the_house_stands(prod)


def test_wrong_types_in_every_member_are_all_reported(prod: Workspace) -> None:
    texts = [
        "id", "taskIdentifier", "status", "version", "queue", "schedule", "batch",
        "idempotencyKey", "machine", "region", "ttl", "slice",
    ]  # fmt: skip
    numbers = ["attemptNumber", "depth", "durationMs", "costInCents", "baseCostInCents"]
    times = [
        "createdAt", "updatedAt", "queuedAt", "delayedUntil", "startedAt", "finishedAt",
        "failedAt", "expiredAt",
    ]  # fmt: skip
    run: dict[str, Any] = {
        **dict.fromkeys(texts, 17),
        **dict.fromkeys(numbers, "many"),
        **dict.fromkeys(times, "yesterday"),
        "isTest": "no",
        "tags": {"a": 1},
    }

    answer = prod.api.post(RUNS, [run])

    [refused] = answer.body["rejected"]
    assert {detail["path"] for detail in refused["details"]} == {f"/body/0/{name}" for name in run}
    assert all(detail["message"].endswith(".") for detail in refused["details"])
    assert "yesterday" not in json.dumps(refused)


def test_faults_of_different_kinds_are_reported_together(prod: Workspace) -> None:
    run = {
        "id": "a b",
        "status": "DONE",
        "version": "1\n",
        "depth": "deep",
        "createdAt": "2190-01-01T00:00:00Z",
    }

    answer = prod.api.post(RUNS, [run])

    [refused] = answer.body["rejected"]
    assert {(detail["path"], detail["code"]) for detail in refused["details"]} == {
        ("/body/0/id", "invalid"),
        ("/body/0/taskIdentifier", "required"),
        ("/body/0/status", "unknown_status"),
        ("/body/0/version", "control_characters"),
        ("/body/0/depth", "invalid"),
        ("/body/0/createdAt", "out_of_range"),
    }


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("taskIdentifier", 255), ("version", 100), ("queue", 255), ("schedule", 128),
        ("batch", 128), ("idempotencyKey", 255), ("machine", 64), ("region", 64), ("ttl", 32),
        ("slice", 255),
    ],
)  # fmt: skip
def test_a_text_is_taken_up_to_its_limit_counted_in_characters(
    prod: Workspace, name: str, most: int
) -> None:
    answer = prod.api.post(
        RUNS,
        [
            failed("a", **{name: "\U0001f600" * most}),
            failed("b", **{name: "x" * (most + 1)}),
            failed("c", **{name: "x" * 1_000_000}),
        ],
    )

    assert answer.body["accepted"] == 1
    assert [
        (refused["id"], refused["details"][0]["path"]) for refused in answer.body["rejected"]
    ] == [("b", f"/body/1/{name}"), ("c", f"/body/2/{name}")]
