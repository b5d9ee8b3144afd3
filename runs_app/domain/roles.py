"""What a member of an organization may have programs do."""

from collections.abc import Mapping
from typing import Final

from runs_app.domain.scopes import ADMIN, READ_ALL

OWNER: Final = "owner"
ADMINISTRATOR: Final = "admin"
MEMBER: Final = "member"
VIEWER: Final = "viewer"

# The most that a token exchanged by somebody of that role may do.
CEILINGS: Final[Mapping[str, tuple[str, ...]]] = {
    OWNER: (ADMIN,),
    ADMINISTRATOR: (ADMIN,),
    MEMBER: (ADMIN,),
    VIEWER: (READ_ALL,),
}
# Who manages members, API keys and signing secrets.
MANAGERS: Final = frozenset({OWNER, ADMINISTRATOR})


def ceiling_of(role: str) -> tuple[str, ...]:
    """A role nobody knows may do nothing."""
    return CEILINGS.get(role, ())


def may_manage_keys(role: str) -> bool:
    """API keys, and the signing secrets that tokens are made with."""
    return role in MANAGERS


def may_change_groups(role: str) -> bool:
    """Resolve, ignore and reopen error groups. Viewers look, in the admin as with tokens."""
    return role in CEILINGS and role != VIEWER


def may_manage_member(own: str, *roles: str) -> bool:
    """Whether somebody of the role `own` may make, change or remove a member who has, or gets,
    `roles`: owners are left to owners."""
    return own == OWNER or (own == ADMINISTRATOR and OWNER not in roles)
