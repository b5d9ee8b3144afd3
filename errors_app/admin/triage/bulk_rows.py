"""Some of the groups of a change by name, ready to be drawn."""

from collections.abc import Iterable
from dataclasses import dataclass

from errors_app.admin.triage.changes_told import STAYED
from errors_app.admin.triage.places import Place
from errors_app.services.operations import NamedGroup
from runs_app.domain.ids import error_id


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """`error_type` and `message` are empty where nothing is known of it but its id; `reason` says
    why it stayed as it was."""

    address: str
    id: str
    error_type: str
    message: str
    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class ShownGroups:
    """The first of `total` groups."""

    rows: tuple[ShownGroup, ...]
    total: int

    @property
    def more(self) -> int:
        return self.total - len(self.rows)


def shown_groups(place: Place, groups: Iterable[NamedGroup], total: int) -> ShownGroups:
    return ShownGroups(tuple(_shown(place, group) for group in groups), total)


def _shown(place: Place, group: NamedGroup) -> ShownGroup:
    outline = group.outline
    return ShownGroup(
        address=place.group_address(group.key) if outline else "",
        id=error_id(group.key.error_fingerprint),
        error_type=outline.error_type if outline else "",
        message=outline.error_message if outline else "",
        task=group.key.task_identifier,
        reason=STAYED[group.reason] if group.reason else "",
    )
