"""Typed reading of environment variables.

A wrong value stops the start with one sentence that names the variable and says what it takes.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from runs_app.web.client_address import Network, parse_network

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
SHORTEST_SECRET = 32
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Env:
    """Environment variables with their types. An empty value counts as not set."""

    variables: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        return self.variables.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """Text that is long enough to be a secret, or empty when not set."""
        text = self.text(name)
        if text and len(text) < SHORTEST_SECRET:
            raise ImproperlyConfigured(f"{name} takes at least {SHORTEST_SECRET} characters.")
        return text

    def boolean(self, name: str, *, default: bool) -> bool:
        word = self.text(name).lower()
        if not word:
            return default
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise ImproperlyConfigured(f"{name} takes true or false.")

    def integer(self, name: str, *, default: int, least: int, most: int) -> int:
        text = self.text(name)
        if not text:
            return default
        try:
            number = int(text)
        except ValueError:
            raise ImproperlyConfigured(f"{name} takes a whole number.") from None
        if not least <= number <= most:
            raise ImproperlyConfigured(f"{name} takes a number from {least} to {most}.")
        return number

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of some words in capitals, however it is written."""
        word = self.text(name, default).upper()
        if word not in choices:
            raise ImproperlyConfigured(f"{name} takes one of {', '.join(choices)}.")
        return word

    def checked(self, name: str, check: Callable[[str], object]) -> str:
        """Text that `check` takes, or empty when not set. A ValueError's sentence is passed on."""
        text = self.text(name)
        if text:
            try:
                check(text)
            except ValueError as error:
                raise ImproperlyConfigured(f"{name} is not usable. {error}") from None
        return text

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """A comma-separated list."""
        words = [word.strip() for word in self.text(name).split(",")]
        return [word for word in words if word] or list(default)

    def networks(self, name: str) -> tuple[Network, ...]:
        """Addresses and networks with commas between them."""
        try:
            return tuple(parse_network(word) for word in self.words(name))
        except ValueError as error:
            raise ImproperlyConfigured(f"{name} is not usable. {error}") from None

    def path(self, name: str, default: Path) -> Path:
        text = self.text(name)
        return Path(text).expanduser().resolve() if text else default.resolve()

    def url(self, name: str, *, schemes: tuple[str, ...]) -> str:
        """An address of one of `schemes` with a host, or empty when not set."""
        text = self.text(name)
        if text:
            try:
                parts = urlsplit(text)
                parts.port  # noqa: B018
            except ValueError:
                raise ImproperlyConfigured(
                    f"{name} has a host or a port that cannot be read."
                ) from None
            if parts.scheme not in schemes or not parts.hostname:
                wanted = " or ".join(f"{scheme}://" for scheme in schemes)
                raise ImproperlyConfigured(
                    f"{name} takes an address that begins with {wanted} and names a host."
                )
        return text


def process_env() -> Env:
    return Env(os.environ)


def postgres_settings(url: str) -> dict[str, object]:
    """Django's settings for `postgres://user:password@host:port/name?sslmode=require`."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured("DATABASE_URL has a port that is no number.") from None
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no database: postgres://host/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(port or ""),
        # A database that swallows packets must not hold a request for minutes.
        "OPTIONS": {"connect_timeout": "5", **dict(parse_qsl(parts.query))},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
