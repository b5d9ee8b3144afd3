"""A witness who hears whatever is told: answers, pages, cookies, log lines, texts of objects."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.conftest import Answer

# Shorter ones may be in a text by chance.
SHORTEST = 16


class Ear(logging.Handler):
    """Keeps what is logged at any level, as a line and as all that another handler might write."""

    def __init__(self, heard: list[tuple[str, str]]) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append((f"a line of {record.name}", self.format(record)))
        self._heard.append((f"a record of {record.name}", repr({**vars(record), "request": None})))


class Witness:
    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self._heard: list[tuple[str, str]] = []

    @contextmanager
    def at_the_log(self) -> Iterator[None]:
        root = logging.getLogger()
        ear, level = Ear(self._heard), root.level
        root.addHandler(ear)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.setLevel(level)
            root.removeHandler(ear)

    def knows(self, **secrets: str) -> None:
        """From now on, and before: these are secrets. Of a token its signature is one, too."""
        for name, secret in secrets.items():
            assert len(secret) >= SHORTEST, name
            self._secrets[name] = secret
            head, _, signature = secret.rpartition(".")
            if head:
                self._secrets[f"the signature of {name}"] = signature

    def hears(self, where: str, text: str) -> None:
        self._heard.append((where, text))

    def insist_on_silence(self) -> None:
        """No secret was told, but where it was meant to be."""
        assert self._secrets
        told = [
            f"{name} in {where}"
            for name, secret in self._secrets.items()
            for where, text in self._heard
            if secret in text
        ]
        assert not told, "; ".join(told)


class Listening:
    """A caller of the API and of pages, under the ears of a witness."""

    def __init__(self, witness: Witness, client: Client | None = None) -> None:
        self._witness = witness
        self._client = client or Client(raise_request_exception=False)

    def call(
        self,
        method: str,
        path: str,
        credential: str | None = None,
        body: Any = None,
        *,
        showing: str | None = None,
        query: str = "",
        **headers: str,
    ) -> Answer:
        """`showing`: the member of the answer that is meant to hold a secret, which nobody else
        may tell."""
        if credential is not None:
            headers["authorization"] = f"Bearer {credential}"
        response = self._client.generic(
            method,
            path,
            b"" if body is None else json.dumps(body).encode(),
            content_type="application/json",
            headers=headers,
            QUERY_STRING=query,
        )
        content = response.getvalue().decode()
        answer = Answer(
            response.status_code, json.loads(content) if content else None, dict(response.headers)
        )
        shown = str(answer.body[showing]) if showing else ""
        where = f"{method} {path} ({response.status_code})"
        self._hears(where, content.replace(shown, "", 1) if shown else content, response)
        return answer

    def page(
        self, method: str, path: str, form: Any = None, *, showing: re.Pattern[str] | None = None
    ) -> str:
        """A page of the admin; what is meant to be on it, once, is in the form of `showing`."""
        send = self._client.post if method == "POST" else self._client.get
        response: Any = send(path, form)
        text: str = response.getvalue().decode()
        shown = showing.search(text) if showing else None
        heard = text.replace(shown[0], "", 1) if shown else text
        self._hears(f"{method} {path} ({response.status_code})", heard, response)
        return text

    def _hears(self, where: str, text: str, response: HttpResponse) -> None:
        self._witness.hears(where, text)
        self._witness.hears(f"the headers of {where}", str(list(response.items())))
        self._witness.hears(f"a cookie of {where}", response.cookies.output())
