"""Clients that stall, break off, send nonsense or do not listen, over real connections."""

import contextlib
import http.client
import json
import socket
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from config.error_catalogue import CATALOGUE
from config.failures import INTERNAL
from errors_app.services.supervisor.listener import STALLED_SECONDS
from errors_app.services.supervisor.web import DEFAULT_THREADS
from errors_app.services.supervisor.web_worker import DETAILS, STATUSES, refusal
from tests.api.expectations import ALWAYS
from tests.serve.conftest import Start
from tests.serve.family import Answer, Family

SECRET = "s3cr3t-of-the-client"
CHUNKED = "Transfer-Encoding: chunked"
MEGABYTE = 1_048_576


@pytest.fixture(scope="module")
def family(start: Start) -> Family:
    return start("--port", "0", "--workers", "2", FAULTLINE_LOG_FORMAT="json").wait_until_ready()


@pytest.fixture(scope="module")
def key(family: Family) -> str:
    told = json.loads(family.manage("bootstrap", "--new-keys", "--json"))
    return str(told["environments"]["prod"]["apiKey"])


@contextlib.contextmanager
def connected(family: Family) -> Iterator[socket.socket]:
    host, _, port = family.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        yield connection


def post(key: str, header: str, body: bytes = b"") -> bytes:
    lines = ["POST /api/v1/runs HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}"]
    lines += ["Content-Type: application/json", header, "", ""]
    return "\r\n".join(lines).encode() + body


def answer_to(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response.status, json.loads(response.read()), dict(response.headers))


def lines_since(family: Family, before: int) -> list[dict[str, Any]]:
    """What the log says behind its first `before` characters."""
    return [json.loads(line) for line in family.log.read_text()[before:].splitlines()]


def is_envelope(answer: Answer, status: int, code: str) -> bool:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.body["request_id"]
    assert set(answer.body) >= ALWAYS
    assert SECRET not in json.dumps(answer.body)
    return (answer.status, answer.body["status"], answer.body["error"]) == (status, status, code)


def test_a_body_that_breaks_off_may_be_sent_again(family: Family, key: str) -> None:
    with connected(family) as connection:
        connection.sendall(post(key, "Content-Length: 100", b'{"id": "run_1"'))
        connection.shutdown(socket.SHUT_WR)

        answer = answer_to(connection)

    assert is_envelope(answer, 408, "request_timeout")
    assert answer.body["retryable"] is True


def test_a_body_that_stalls_may_be_sent_again(family: Family, key: str) -> None:
    with connected(family) as plain, connected(family) as chunked:
        plain.sendall(post(key, "Content-Length: 100", b'{"id": "run_1"'))
        chunked.sendall(post(key, CHUNKED, b"64\r\n{"))
        began = time.monotonic()

        answers = [answer_to(plain), answer_to(chunked)]

    assert time.monotonic() - began < STALLED_SECONDS + 5
    for answer in answers:
        assert is_envelope(answer, 408, "request_timeout")
        assert answer.body["retryable"] is True


@pytest.mark.parametrize(
    "body",
    [
        f"{SECRET}\r\n{{}}\r\n0\r\n\r\n",
        "\r\n{}\r\n0\r\n\r\n",
        f"2\r\n{{}}{SECRET}",
        f"2; {SECRET}=\x01\r\n{{}}\r\n0\r\n\r\n",
        f"2\r\n{{}}\r\n0\r\n{SECRET}\r\n\r\n",
        "64\r\n{",
        "2\r\n{}\r\n",
        "2\r\n{}\r\n0\r\n",
        "",
    ],
)
def test_a_broken_chunked_body_is_invalid_input(family: Family, key: str, body: str) -> None:
    before = len(family.log.read_text())
    with connected(family) as connection:
        connection.sendall(post(key, CHUNKED, body.encode()))
        connection.shutdown(socket.SHUT_WR)

        answer = answer_to(connection)

    assert is_envelope(answer, 400, "invalid_input")
    [detail] = answer.body["details"]
    assert (detail["path"], detail["code"]) == ("/body", "broken_body")
    [line] = lines_since(family, before)
    assert (line["logger"], line["status"]) == ("faultline.requests", 400)
    assert SECRET not in str(line)


def test_a_whole_chunked_body_is_taken(family: Family, key: str) -> None:
    with connected(family) as connection:
        connection.sendall(post(key, CHUNKED, b"2\r\n[]\r\n0\r\n\r\n"))

        answer = answer_to(connection)

    assert answer.status == 200


def test_a_broken_body_that_nobody_reads_gets_no_second_answer(family: Family) -> None:
    head = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{CHUNKED}\r\n\r\n"
    with connected(family) as connection:
        connection.sendall(head.encode() + b"nonsense\r\n")
        connection.shutdown(socket.SHUT_WR)

        received = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "/api/v1/runs", {"Authorization": "Bearer wrong"}, 401, "unauthorized"),
        ("POST", "/api/v1/runs", {}, 401, "unauthorized"),
        ("POST", "/api/nothing", {}, 404, "not_found"),
        ("PUT", "/api/v1/runs", None, 405, "method_not_allowed"),
        ("POST", "/api/v1/runs", {"Content-Encoding": "br"}, 415, "unsupported_media_type"),
        ("POST", "/api/v1/runs", {"Host": "evil.example.org"}, 400, "invalid_input"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_five_megabytes_reads_its_refusal(
    family: Family,
    key: str,
    method: str,
    path: str,
    headers: dict[str, str] | None,
    status: int,
    code: str,
    chunked: bool,
) -> None:
    sent = {"Content-Type": "application/json", **(headers or {})}
    if status in {405, 415}:
        sent["Authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection(family.address, timeout=30)
    with contextlib.closing(connection):
        body = iter([b"x" * MEGABYTE] * 5) if chunked else b"x" * 5 * MEGABYTE
        connection.request(method, path, body, sent, encode_chunked=chunked)
        response = connection.getresponse()
        answer = Answer(response.status, json.loads(response.read()), dict(response.headers))

    assert is_envelope(answer, status, code)


def test_a_refused_client_that_sends_nothing_more_is_answered_soon(family: Family) -> None:
    with connected(family) as connection:
        connection.sendall(post("wrong", f"Content-Length: {5 * MEGABYTE}", b"{"))
        began = time.monotonic()

        answer = answer_to(connection)

    assert is_envelope(answer, 401, "unauthorized")
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (f"GET /?{SECRET}{'x' * 9000} HTTP/1.1\r\n\r\n", 414, "invalid_input"),
        (f"GET / HTTP/1.1\r\nX-Long: {SECRET}{'x' * 9000}\r\n\r\n", 431, "invalid_input"),
        (
            "GET / HTTP/1.1\r\n" + f"X-A: {SECRET}\r\n" * 70 + "\r\n",
            431,
            "invalid_input",
        ),
        (f"{SECRET}\r\n\r\n", 400, "invalid_input"),
        (f"GET / {SECRET}\r\n\r\n", 400, "invalid_input"),
        (f"GET / HTTP/1.1\r\nAuthorization Bearer {SECRET}\r\n\r\n", 400, "invalid_input"),
        (f"GET / HTTP/1.1\r\nAuthorization : {SECRET}\r\n\r\n", 400, "invalid_input"),
        (f"GET / HTTP/1.1\r\nX-A: a\r\n {SECRET}\r\n\r\n", 400, "invalid_input"),
        (f"GET / HTTP/1.1\r\nContent-Length: {SECRET}\r\n\r\n", 400, "invalid_input"),
        (f"GET / HTTP/1.1\r\nExpect: {SECRET}\r\n\r\n", 417, "invalid_input"),
        (f"GET / HTTP/1.1\r\nTransfer-Encoding: {SECRET}\r\n\r\n", 501, "internal_error"),
    ],
)
def test_what_is_not_http_is_refused_in_the_envelope_and_quoted_nowhere(
    family: Family, request_: str, status: int, code: str
) -> None:
    before = len(family.log.read_text())
    with connected(family) as connection:
        connection.sendall(request_.encode())

        answer = answer_to(connection)

    assert is_envelope(answer, status, code)
    assert set(answer.body) == ALWAYS
    assert answer.headers["Connection"] == "close"
    uuid.UUID(answer.body["instance"].removeprefix("urn:uuid:"))
    [line] = lines_since(family, before)
    assert (line["logger"], line["status"]) == ("gunicorn.error", status)
    assert line["instance"] == answer.body["instance"]
    assert line["requestId"] == answer.body["request_id"]
    assert SECRET not in str(line)


def test_all_processes_write_lines_of_one_form(family: Family) -> None:
    with connected(family) as connection:
        connection.sendall(b"no HTTP\r\n\r\n")
        answer_to(connection)
    family.get("/api/v1/errors")

    assert {line["logger"] for line in lines_since(family, 0)} >= {
        "errors_app.services.supervisor.static_files", "errors_app.services.worker",
        "faultline.requests", "gunicorn.error", "runs_app.clickhouse.embedded",
    }  # fmt: skip


def test_the_servers_own_refusals_use_the_words_of_the_catalogue() -> None:
    assert {*STATUSES.values()} <= set(DETAILS)
    for status, detail in DETAILS.items():
        body = json.loads(refusal(status, "urn:uuid:1", "2").partition(b"\r\n\r\n")[2])
        assert body["title"] == CATALOGUE[body["code"]].title
        assert detail == INTERNAL or status != 500


def test_idle_connections_stall_nobody(family: Family) -> None:
    with contextlib.ExitStack() as idle:
        # More than all threads of both processes, by which gunicorn alone would wait for them.
        for _ in range(4 * DEFAULT_THREADS):
            idle.enter_context(connected(family))
        began = time.monotonic()

        answers = [family.get("/healthz") for _ in range(20)]

    assert {answer.status for answer in answers} == {200}
    # Each that waits for a silent client waits for seconds.
    assert time.monotonic() - began < 5


def test_an_idle_connection_is_answered_when_it_speaks_at_last(family: Family) -> None:
    with connected(family) as connection:
        time.sleep(0.3)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")

        assert answer_to(connection).body == {"status": "ok"}


def test_slow_clients_on_half_the_threads_stall_nobody(family: Family) -> None:
    with contextlib.ExitStack() as slow:
        for _ in range(DEFAULT_THREADS - 1):
            slow.enter_context(connected(family)).sendall(b"GET /healthz HTTP/1.1\r\nHost: l")
        began = time.monotonic()

        answers = [family.get("/healthz") for _ in range(20)]

    assert {answer.status for answer in answers} == {200}
    # Each that waits for a silent client waits for seconds.
    assert time.monotonic() - began < 5
