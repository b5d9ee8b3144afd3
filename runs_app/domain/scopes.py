"""Scopes: what a credential may do. `action:type` or `action:type:id`.

Split on the first two colons only. No id means the whole type. `admin` alone grants all;
`*:type` matches any action, `read:all` reading any type.
"""

from collections.abc import Iterable
from dataclasses import dataclass


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
        if self.action == "read" and self.type == "all" and self.id is None:
            return wanted.action == "read"
        return (
            self.action in ("*", wanted.action)
            and self.type == wanted.type
            and self.id in (None, wanted.id)
        )


def parse_scope(text: str) -> Scope | None:
    """None for text that is no scope, which grants nothing."""
    parts = text.split(":", 2)
    if len(parts) < 2 or not all(parts):
        return None
    return Scope(parts[0], parts[1], parts[2] if len(parts) > 2 else None)


def any_grants(held: Iterable[str], wanted: Scope) -> bool:
    """Whether one of the held scopes is enough."""
    for text in held:
        if text == "admin":
            return True
        scope = parse_scope(text)
        if scope is not None and scope.grants(wanted):
            return True
    return False


def alternatives(wanted: Scope) -> list[str]:
    """The scopes any one of which would do, the wider first."""
    if wanted.id is None:
        return [str(wanted)]
    return [str(Scope(wanted.action, wanted.type)), str(wanted)]
