"""Scopes: what a credential may do. `action:type` or `action:type:id`.

Split on the first two colons only. No id means the whole type. `admin` alone grants all;
`*:type` matches any action, `read:all` reading any type.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from runs_app.domain.secrets_in_text import mask_secrets

# Grants all, alone: `admin:x` is a scope like any other.
ADMIN: Final = "admin"
READ_ALL: Final = "read:all"
LONGEST_SCOPE: Final = 300
# What stands before and after the first colon.
PLAIN: Final = re.compile(r"[A-Za-z*_-]+")
# What a list of scopes in a header can name (RFC 6750, section 3).
NAMEABLE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


@dataclass(frozen=True, slots=True)
class Scope:
    action: str
    type: str
    id: str | None = None

    def __str__(self) -> str:
        base = f"{self.action}:{self.type}"
        return base if self.id is None else f"{base}:{self.id}"

    def grants(self, wanted: "Scope") -> bool:
        """Whether holding this scope is enough for `wanted`."""
        if self == _READ_ALL:
            return wanted.action == "read"
        return (
            self.action in ("*", wanted.action)
            and self.type == wanted.type
            and self.id in (None, wanted.id)
        )


_READ_ALL: Final = Scope("read", "all")


def parse_scope(text: str) -> Scope | None:
    """None for text that is no scope, which grants nothing."""
    parts = text.split(":", 2)
    if len(parts) < 2 or not all(parts):
        return None
    return Scope(parts[0], parts[1], parts[2] if len(parts) > 2 else None)


def any_grants(held: Iterable[str], wanted: Scope) -> bool:
    """Whether one of the held scopes is enough."""
    for text in held:
        if text == ADMIN:
            return True
        scope = parse_scope(text)
        if scope is not None and scope.grants(wanted):
            return True
    return False


def is_scope(text: str) -> bool:
    """Whether somebody who asks for `text` asks for a scope: anything else grants nothing."""
    if text == ADMIN:
        return True
    scope = parse_scope(text)
    return (
        scope is not None
        and len(text) <= LONGEST_SCOPE
        and PLAIN.fullmatch(scope.action) is not None
        and PLAIN.fullmatch(scope.type) is not None
    )


def covers(held: Iterable[str], asked: str) -> bool:
    """Whether `held` grants all that the scope `asked` does.

    One of the held scopes has to: what several of them grant together is not put together.
    """
    held = tuple(held)
    if ADMIN in held:
        return True
    scope = parse_scope(asked)
    if scope is None:
        return False
    if scope == _READ_ALL:
        return READ_ALL in held
    return any_grants(held, scope)


def within(asked: Iterable[str], *ceilings: Iterable[str]) -> tuple[str, ...]:
    """The scopes of `asked` that every ceiling covers, each once; the others are dropped."""
    limits = [tuple(ceiling) for ceiling in ceilings]
    return tuple(
        scope for scope in dict.fromkeys(asked) if all(covers(limit, scope) for limit in limits)
    )


def alternatives(wanted: Scope) -> list[str]:
    """The scopes any one of which would do, the wider first.

    They are told to whoever is refused, in a header, too: an id that cannot stand there is left
    out, and so is a key that was put in the place of one.
    """
    wide = str(Scope(wanted.action, wanted.type))
    narrow = str(wanted)
    is_nameable = len(narrow) <= LONGEST_SCOPE and NAMEABLE.fullmatch(narrow)
    if wanted.id is None or not is_nameable or mask_secrets(wanted.id) != wanted.id:
        return [wide]
    return [wide, narrow]
