"""The trail of a group: what was done to it, when, and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from errors_app.domain.groups import Action, ActorKind, Status


@dataclass(frozen=True, slots=True)
class NamedActor:
    """Who did it, as it can be told today.

    `id` is a person's or a key's; None for a rule, and for a person who is no longer there. `name`
    is None for whom only the id is left of, or nothing.
    """

    kind: ActorKind
    id: str | None = None
    name: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One change. `number` grows by one with every change of the group.

    `run_id` and `task_version` are those of a failure that caused the change, else empty.
    """

    id: int
    number: int
    action: Action
    from_status: Status
    to_status: Status
    actor: NamedActor
    reason: str
    details: Mapping[str, Any]
    run_id: str
    task_version: str
    created_at: datetime
