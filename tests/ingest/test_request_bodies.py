"""The forms in which `POST /api/v1/runs` takes runs, and its limits."""

import gzip
import json
import os
import time
from typing import Any

import pytest

from runs_app.models import OutboxEntry, TaskRun
from tests.conftest import Answer, Workspace, failed

RUNS = "/api/v1/runs"
MOST_BYTES = 5_242_880
NDJSON = "application/x-ndjson"
# Without a time, so that each process of the suite names its tests alike.
PACKED = gzip.compress(b"[]", mtime=0)


def answer_of(accepted: int, unchanged: int = 0) -> dict[str, Any]:
    return {"accepted": accepted, "unchanged": unchanged, "rejected": []}


def run_of_size(size: int, run_id: str = "big") -> bytes:
    """A run whose JSON has exactly `size` bytes."""
    start = json.dumps(failed(run_id))[:-1] + ', "payload": "'
    return start.encode() + b"x" * (size - len(start) - 2) + b'"}'


def is_problem(answer: Answer, status: int, code: str) -> bool:
    return (answer.status, answer.body["error"], answer.body["status"]) == (status, code, status)


@pytest.mark.parametrize(
    ("raw", "content_type", "count"),
    [
        (json.dumps(failed("a")).encode(), "application/json", 1),
        (json.dumps(failed("a")).encode(), "application/json; charset=utf-8", 1),
        (json.dumps([failed("a"), failed("b")]).encode(), "application/json", 2),
        (json.dumps({"runs": [failed("a"), failed("b")]}).encode(), "application/json", 2),
        (json.dumps({"x": [1], "runs": [failed("a")]}).encode(), "application/json", 1),
        (b"\n".join(json.dumps(failed(i)).encode() for i in "abc"), NDJSON, 3),
        (b"\r\n".join([b"", json.dumps(failed("a")).encode(), b" ", b""]), NDJSON, 1),
        (json.dumps(failed("a")).encode(), "application/jsonl", 1),
        (b"[]", "application/json", 0),
        (b" \n[ ]\t", "application/json", 0),
        (b'{"runs": []}', "application/json", 0),
    ],
)
def test_every_form_of_a_body_is_taken(
    prod: Workspace, raw: bytes, content_type: str, count: int
) -> None:
    plain = prod.api.post(RUNS, raw=raw, content_type=content_type)
    packed = prod.api.post(
        RUNS, raw=gzip.compress(raw), content_type=content_type, **{"Content-Encoding": "gzip"}
    )

    assert (plain.status, plain.body) == (200, answer_of(count))
    assert (packed.status, packed.body) == (200, answer_of(0, count))
    assert TaskRun.objects.count() == count


def test_gzip_in_several_members_is_one_body(prod: Workspace) -> None:
    raw = json.dumps([failed("a"), failed("b")]).encode()
    packed = gzip.compress(raw[:20]) + gzip.compress(b"") + gzip.compress(raw[20:])

    answer = prod.api.post(RUNS, raw=packed, **{"Content-Encoding": "gzip"})

    assert (answer.status, answer.body) == (200, answer_of(2))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b" \r\n\t ", "invalid_json"),
        (b"null", "invalid_json"),
        (b"17", "invalid_json"),
        (b"true", "invalid_json"),
        (b'"run"', "invalid_json"),
        (b"\xff\xfe[\x00]\x00", "not_utf8"),
        (b'[{"id": "a\xc3"}]', "not_utf8"),
        (b'{"id": "\xed\xa0\x80"}', "not_utf8"),
        (b"[", "invalid_json"),
        (b'[{"id": "a", "status": "FAI', "invalid_json"),
        (b'{"runs": [{"id": "a"}', "invalid_json"),
        (b'{"runs": [{"id": "a"}]', "invalid_json"),
        (json.dumps(failed("a")).encode()[:-1], "invalid_json"),
        (json.dumps(failed("a")).encode() * 2, "invalid_json"),
        (b'{"id": NaN}', "invalid_json"),
        (b"\x00", "invalid_json"),
    ],
)
def test_a_body_of_which_nothing_can_be_read_is_refused_whole(
    prod: Workspace, raw: bytes, code: str
) -> None:
    answer = prod.api.post(RUNS, raw=raw)

    assert is_problem(answer, 400, "invalid_input")
    assert [detail["code"] for detail in answer.body["details"]] == [code]
    assert TaskRun.objects.count() == OutboxEntry.objects.count() == 0


@pytest.mark.parametrize("separator", [b"", b"\n", b","])
def test_a_second_list_behind_the_first_is_not_lost_without_a_word(
    prod: Workspace, separator: bytes
) -> None:
    lists = [json.dumps([failed(run_id)]).encode() for run_id in "ab"]
    wrapped = [b'{"runs":' + runs + b"}" for runs in lists]

    for bodies in (lists, wrapped):
        answer = prod.api.post(RUNS, raw=separator.join(bodies))

        assert is_problem(answer, 400, "invalid_input")
    assert TaskRun.objects.count() == 0


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data"])
def test_another_content_type_is_415(prod: Workspace, content_type: str) -> None:
    answer = prod.api.post(RUNS, raw=b"[]", content_type=content_type)

    assert is_problem(answer, 415, answer.body["error"])


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
def test_another_content_encoding_is_415(prod: Workspace, encoding: str) -> None:
    answer = prod.api.post(RUNS, raw=b"[]", **{"Content-Encoding": encoding})

    assert answer.status == 415


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        PACKED[:-1],
        PACKED[:-9] + b"\x00" * 9,
        PACKED + b"more",
        b"\x1f\x8b",
    ],
)
def test_broken_gzip_is_refused(prod: Workspace, raw: bytes) -> None:
    answer = prod.api.post(RUNS, raw=raw, **{"Content-Encoding": "gzip"})

    assert is_problem(answer, 400, "invalid_input")
    assert answer.body["details"][0]["code"] == "invalid_gzip"


@pytest.mark.parametrize("form", ["list", "runs", "lines"])
def test_a_thousand_runs_are_taken_and_one_more_is_too_large(prod: Workspace, form: str) -> None:
    runs = [{"id": f"r{n}", "taskIdentifier": "t", "status": "QUEUED"} for n in range(1001)]

    def post(count: int) -> Answer:
        if form == "lines":
            lines = "\n".join(json.dumps(run) for run in runs[:count])
            return prod.api.post(RUNS, raw=lines.encode(), content_type=NDJSON)
        some = runs[:count]
        return prod.api.post(RUNS, {"runs": some} if form == "runs" else some)

    refused = post(1001)
    assert is_problem(refused, 413, "payload_too_large")
    assert TaskRun.objects.count() == 0

    taken = post(1000)

    assert (taken.status, taken.body) == (200, answer_of(1000))
    assert TaskRun.objects.count() == 1000


@pytest.mark.parametrize("packed", [False, True])
def test_bytes_after_decompression_are_limited(prod: Workspace, packed: bool) -> None:
    def post(size: int) -> Answer:
        raw = run_of_size(size)
        headers = {"Content-Encoding": "gzip"} if packed else {}
        return prod.api.post(RUNS, raw=gzip.compress(raw, 1) if packed else raw, **headers)

    refused = post(MOST_BYTES + 1)
    assert is_problem(refused, 413, "payload_too_large")
    assert TaskRun.objects.count() == 0

    taken = post(MOST_BYTES)

    assert (taken.status, taken.body) == (200, answer_of(1))
    payload = TaskRun.objects.get().payload
    assert payload is not None
    assert len(payload) > MOST_BYTES - 300


def test_a_body_that_cannot_be_packed_may_still_have_the_full_size(prod: Workspace) -> None:
    raw = run_of_size(MOST_BYTES - 2_000_000, "x")
    noise = os.urandom(1_000_000).hex().encode()
    raw = raw[: -len(noise) - 2] + noise + b'"}'

    answer = prod.api.post(RUNS, raw=gzip.compress(raw, 0), **{"Content-Encoding": "gzip"})

    assert (answer.status, answer.body) == (200, answer_of(1))


def test_a_gzip_bomb_is_refused_quickly_and_without_its_memory(prod: Workspace) -> None:
    bomb = gzip.compress(b"[" * 60_000_000, 6)
    started = time.perf_counter()

    answer = prod.api.post(RUNS, raw=bomb, **{"Content-Encoding": "gzip"})

    assert is_problem(answer, 413, "payload_too_large")
    assert time.perf_counter() - started < 10


def test_gzip_that_unpacks_to_nothing_has_an_end_too(prod: Workspace) -> None:
    nothing = gzip.compress(b"") * 300_000

    answer = prod.api.post(RUNS, raw=nothing, **{"Content-Encoding": "gzip"})

    assert is_problem(answer, 413, "payload_too_large")


@pytest.mark.parametrize(
    ("bad", "code", "path"),
    [
        ('{"id": "bad", "taskIdentifier": "t"}', "required", "/body/50/status"),
        (
            '{"id": "bad", "taskIdentifier": "t", "status": "DONE"}',
            "unknown_status",
            "/body/50/status",
        ),
        ('{"id": "bad", "taskIdentifier": "t", "status": NaN}', "invalid_json", "/body/50"),
        ('{"id": "bad", "taskIdentifier": "t" "status": "FAILED"}', "invalid_json", "/body/50"),
        ("nonsense", "invalid_json", "/body/50"),
        ("", "invalid_json", "/body/50"),
        ("null", "not_an_object", "/body/50"),
        ("[" * 10_000 + "]" * 10_000, "not_an_object", "/body/50"),
        ('{"id": "bad", "payload": ' + "[" * 10_000 + "]" * 10_000 + "}", "too_deep", "/body/50"),
        ('{"id": "bad", "taskIdentifier": "\\x", "status": "FAILED"}', "invalid_json", "/body/50"),
    ],
)
def test_one_bad_run_does_not_sink_a_hundred(
    prod: Workspace, bad: str, code: str, path: str
) -> None:
    runs = [json.dumps(failed(f"r{n}")) for n in range(100)]
    runs[50] = bad

    answer = prod.api.post(RUNS, raw=f"[{','.join(runs)}]".encode())

    assert answer.status == 200
    assert (answer.body["accepted"], answer.body["unchanged"]) == (99, 0)
    [refused] = answer.body["rejected"]
    assert refused["index"] == 50
    assert refused["error"] == "invalid_input"
    assert refused["detail"] == refused["details"][0]["message"]
    assert refused["details"][0]["code"] == code
    assert refused["details"][0]["path"] == path
    # The id of a run that is no JSON is not known.
    assert refused.get("id") == ("bad" if code in {"required", "unknown_status"} else None)
    assert TaskRun.objects.count() == 99


def test_a_bad_run_inside_runs_and_lines_is_found_by_its_place(prod: Workspace) -> None:
    good = json.dumps(failed("good"))

    wrapped = prod.api.post(RUNS, raw=f'{{"a": 1, "runs": [{good}, bad], "z": {{}}}}'.encode())
    lines = prod.api.post(RUNS, raw=f"{good}\nbad\n".encode(), content_type=NDJSON)

    [refused] = wrapped.body["rejected"]
    assert (refused["index"], refused["details"][0]["path"]) == (1, "/body/runs/1")
    assert wrapped.body["accepted"] == 1
    [refused] = lines.body["rejected"]
    assert (refused["index"], refused["details"][0]["path"]) == (1, "/body/1")
    assert lines.body["unchanged"] == 1


def test_a_bad_member_is_told_what_it_takes_in_words_of_json(prod: Workspace) -> None:
    answer = prod.api.post(RUNS, {"id": 5, "taskIdentifier": "t", "status": "DONE", "depth": 1.5})

    told = {each["path"]: each["message"] for each in answer.body["rejected"][0]["details"]}
    assert told["/body/id"] == "Expected string, got whole number."
    assert told["/body/depth"] == "Expected whole number, got number."
    assert "FAILED" in told["/body/status"]
    assert "DONE" not in told["/body/status"]
