"""The two outermost layers: every request has an id and a line, every failure of the API one
shape."""

import contextlib
import re
import time
import uuid
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

from config.api_paths import is_api_request
from config.errors import answer, answer_raised, answer_status, failure_page
from config.logs import REQUEST_ID_KEY, hold_request, let_go_of_request
from config.problems import is_problem
from config.request_lines import bytes_of, log_request
from runs_app.domain.correlation import reset_request_id, set_request_id
from runs_app.web.bodies import discard_body

GetResponse = Callable[[HttpRequest], HttpResponseBase]

REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
FAILURE_KEY: Final = "faultline.failure"
# Headers that speak of the body that is replaced, and the one that only we word.
REPLACED_HEADERS: Final = (
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "WWW-Authenticate",
)


class RequestIdMiddleware:
    """Outermost: takes or makes the request's id, sets it on whatever is answered, and logs one
    line of each request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        request_id = accepted_request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
        request.META[REQUEST_ID_KEY] = request_id
        with _at_hand(request, request_id):
            response = self.get_response(request)
        response.headers["x-request-id"] = request_id
        if isinstance(response, StreamingHttpResponse) and not _is_left_to_the_server(response):
            chunks = iter(response)
            response.streaming_content = _Chunks(request, request_id, response, chunks, began)
        else:
            log_request(request, response, began, bytes_of(response))
        return response


class ApiErrorMiddleware:
    """Whatever fails under /api/ and is not yet a problem becomes one, with DEBUG on or off."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api_request(request):
            return self.get_response(request)
        request.exception_reporter_class = KeepingReporter
        response = self.get_response(request)
        if response.status_code < 400:
            return response
        discard_body(request)
        if is_problem(response):
            return response
        failure = request.META.pop(FAILURE_KEY, None)
        if failure is not None:
            return _rewritten(response, answer(request, failure))
        retry_after = response.headers.get("Retry-After", "")
        return _rewritten(response, answer_status(request, response.status_code, retry_after))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if is_api_request(request):
            return answer_raised(request, exception)
        return failure_page(request, exception)


class KeepingReporter(ExceptionReporter):
    """With DEBUG on Django draws a page from this; the API's answer replaces that page, and
    only the exception is wanted of it."""

    def __init__(
        self,
        request: HttpRequest | None,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
        is_email: bool = False,
    ) -> None:
        super().__init__(request, exc_type, exc_value, tb, is_email)
        if request is not None:
            request.META[FAILURE_KEY] = exc_value

    def get_traceback_html(self) -> SafeString:
        return SafeString("")

    def get_traceback_text(self) -> SafeString:
        return SafeString("")


def accepted_request_id(given: str) -> str:
    """`given`, trimmed, when it is 1 to 128 visible ASCII characters; else a fresh UUID."""
    trimmed = given.strip()
    return trimmed if REQUEST_ID.fullmatch(trimmed) else str(uuid.uuid4())


def _is_left_to_the_server(response: StreamingHttpResponse) -> bool:
    """Files the server may send without us, and streams of another kind."""
    return isinstance(response, FileResponse) or response.is_async


@contextlib.contextmanager
def _at_hand(request: HttpRequest, request_id: str) -> Iterator[None]:
    token, held = set_request_id(request_id), hold_request(request)
    try:
        yield
    finally:
        let_go_of_request(held)
        reset_request_id(token)


class _Chunks:
    """The chunks of a stream, each made under the request's id: they are made after the middleware
    ended. The server closes them when all are sent or the client has gone, and maybe before the
    first; then the request has its line."""

    def __init__(
        self,
        request: HttpRequest,
        request_id: str,
        response: StreamingHttpResponse,
        chunks: Iterator[bytes],
        began: float,
    ) -> None:
        self._request = request
        self._request_id = request_id
        self._response = response
        self._chunks = chunks
        self._began = began
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with _at_hand(self._request, self._request_id):
            chunk = next(self._chunks)
        self._sent += len(chunk)
        return chunk

    def close(self) -> None:
        log_request(self._request, self._response, self._began, self._sent)


def _rewritten(response: HttpResponseBase, problem: HttpResponse) -> HttpResponseBase:
    """`response` in the words of `problem`; what else the caller set (Allow) stays."""
    for name in REPLACED_HEADERS:
        response.headers.pop(name, None)
    for name, value in problem.headers.items():
        response.headers[name] = value
    response.status_code = problem.status_code
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = [problem.content]
    elif isinstance(response, HttpResponse):
        response.content = problem.content
        response.headers["Content-Length"] = str(len(problem.content))
    return response
