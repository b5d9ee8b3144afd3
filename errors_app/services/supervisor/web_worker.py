"""Gunicorn's threaded worker, where it would speak for itself or wait in the wrong place.

A request that it cannot parse never reaches Django. Gunicorn answers it in HTML and quotes what
was sent, into the answer and the log: here it gets the API's envelope and one bare line.
"""

import json
import traceback
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from gunicorn.http.errors import (
    ConfigurationProblem,
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.util import write_nonblock
from gunicorn.workers import gthread

# A client's first bytes usually come with its connection. Gunicorn would give a thread to one
# that says nothing for five seconds; here it soon waits where it costs none.
FIRST_BYTES_SECONDS: Final = 0.05
# Stands in `type` when no site is set: the host of the request is not known.
NO_SITE: Final = "http://localhost"
STATUSES: Final[Mapping[type[Exception], HTTPStatus]] = {
    LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    ConfigurationProblem: HTTPStatus.INTERNAL_SERVER_ERROR,
    InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
}
DETAILS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "The request line or a header is not valid HTTP.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The request line is too long.",
    HTTPStatus.EXPECTATION_FAILED: "The header Expect asks for something unknown.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too many or too long.",
    HTTPStatus.NOT_IMPLEMENTED: "This service does not know that transfer coding.",
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "Something broke inside; it has been logged under the id of this error."
    ),
}


class WebWorker(gthread.ThreadWorker):  # type: ignore[misc]
    """The same worker, which names nothing that was submitted and lets idle clients wait."""

    def handle(self, conn: Any) -> Any:
        is_new = not conn.initialized and not conn.data_ready
        if is_new and self.alive and not conn.wait_for_data(FIRST_BYTES_SECONDS):
            return gthread._DEFER
        return super().handle(conn)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except ParseException:
            # The rest of a body that nobody wanted is broken. The request has its answer.
            return False

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Instead of gunicorn's, which is called for every failure outside of Django."""
        status, instance, request_id = status_of(exc), uuid.uuid4().urn, str(uuid.uuid4())
        facts = {"requestId": request_id, "instance": instance, "status": int(status)}
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            # Where it broke, and not its words: those may quote the request.
            frames = "".join(traceback.format_tb(exc.__traceback__))
            kind = type(exc).__qualname__
            message = "Broke with %s outside of Django (%s)\n%s"
            self.log.error(message, kind, instance, frames, extra={"facts": facts})
        else:
            message = "Answered %d to a request that is not HTTP (%s)"
            self.log.warning(message, status, instance, extra={"facts": facts})
        try:
            write_nonblock(client, refusal(status, instance, request_id))
        except OSError:
            self.log.debug("The client of %s did not wait for its answer.", instance)


def status_of(error: BaseException) -> HTTPStatus:
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return status
    if isinstance(error, ParseException):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.INTERNAL_SERVER_ERROR


def refusal(status: HTTPStatus, instance: str, request_id: str) -> bytes:
    """A whole answer in the API's envelope, in words that do not depend on the request."""
    code, title = (
        ("invalid_input", "Invalid input") if status < 500 else ("internal_error", "Internal error")
    )
    body = {
        "type": f"{settings.SITE_URL or NO_SITE}/docs/errors/{code}",
        "title": title,
        "status": int(status),
        "detail": DETAILS[status],
        "instance": instance,
        "error": code,
        "code": code,
        "request_id": request_id,
    }
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {int(status)} {status.phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(content)}\r\n"
        f"x-request-id: {request_id}\r\n"
        "\r\n"
    )
    return head.encode() + content
