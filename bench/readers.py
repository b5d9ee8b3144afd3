"""A program and a person who look at a service now and then, all through a soak."""

import http.cookiejar
import itertools
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from typing import Final

from bench.service import HttpClient, Service, now
from bench.teams import Latencies

PAUSE_SECONDS: Final = 1.0
ADMIN_PAUSE_SECONDS: Final = 15.0
LISTS: Final = (
    "/api/v1/errors?sort=-count",
    "/api/v1/errors?sort=-lastSeen&filter%5Bstatus%5D=unresolved",
    "/api/v1/runs",
    "/api/v1/runs?filter%5Bstatus%5D=FAILED",
)
ADMIN_PAGES: Final = (
    "/admin/",
    "/admin/runs_app/taskrun/",
    "/admin/errors_app/errorgroupstate/",
)


class Program:
    """Lists of the API in turn, and after each the first thing it shows."""

    def __init__(
        self, service: Service, environment: str, stop: threading.Event, latencies: Latencies
    ) -> None:
        self.failed: Counter[str] = Counter()
        self._service = service
        self._key = service.keys[environment]
        self._stop = stop
        self._latencies = latencies
        self._connection: HttpClient | None = None

    def run(self) -> None:
        for path in itertools.cycle(LISTS):
            if self._stop.wait(PAUSE_SECONDS):
                return
            try:
                self._look(path)
            except (OSError, EOFError, RuntimeError) as error:
                self._connection = None
                self.failed[f"{path}: {str(error)[:100]}"] += 1

    def _look(self, path: str) -> None:
        if self._connection is None:
            self._connection = HttpClient(self._service.port, self._key)
        began = now()
        listed = self._connection.get_json(path)["data"]
        self._latencies.add(now() - began)
        if listed:
            single = "/api/v1/errors" if "/errors" in path else "/api/v3/runs"
            began = now()
            self._connection.get_json(f"{single}/{listed[0]['id']}")
            self._latencies.add(now() - began)


class Person:
    """The admin's pages, with a session."""

    def __init__(self, service: Service, stop: threading.Event) -> None:
        self.failed: Counter[str] = Counter()
        self.pages = 0
        self._service = service
        self._stop = stop
        self._root = f"http://127.0.0.1:{service.port}"
        self._cookies = http.cookiejar.CookieJar()
        self._browser = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies)
        )

    def run(self) -> None:
        for path in itertools.cycle(ADMIN_PAGES):
            try:
                if not any(cookie.name == "sessionid" for cookie in self._cookies):
                    self._log_in()
                self._open(path)
                self.pages += 1
            except OSError as error:
                self.failed[f"{path}: {str(error)[:100]}"] += 1
            if self._stop.wait(ADMIN_PAUSE_SECONDS):
                return

    def _log_in(self) -> None:
        self._open("/admin/login/")
        token = next(cookie.value for cookie in self._cookies if cookie.name == "csrftoken")
        form = {**self._service.superuser, "csrfmiddlewaretoken": token or "", "next": "/admin/"}
        self._open("/admin/login/", urllib.parse.urlencode(form).encode())

    def _open(self, path: str, form: bytes | None = None) -> None:
        request = urllib.request.Request(self._root + path, form)  # noqa: S310 our own address
        with self._browser.open(request, timeout=60) as answer:
            answer.read()
