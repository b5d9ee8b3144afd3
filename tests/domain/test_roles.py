"""What a member may have programs do, by role."""

import pytest

from runs_app.domain.roles import ceiling_of, may_manage_keys
from runs_app.domain.scopes import within
from runs_app.models import Membership

ASKED = ("read:errors", "read:runs", "write:errors", "write:runs", "*:errors", "read:all", "admin")
READING = ("read:errors", "read:runs", "read:all")
TABLE = {
    # role: what is granted of ASKED, whether it manages keys
    "owner": (ASKED, True),
    "admin": (ASKED, True),
    "member": (ASKED, False),
    "viewer": (READING, False),
    "": ((), False),
    "Owner": ((), False),
    "superuser": ((), False),
}


@pytest.mark.parametrize(("role", "granted", "manages"), [(r, *row) for r, row in TABLE.items()])
def test_a_role_decides_what_may_be_had(role: str, granted: tuple[str, ...], manages: bool) -> None:
    assert within(ASKED, ceiling_of(role)) == granted
    assert may_manage_keys(role) == manages


def test_every_role_of_a_membership_has_its_row() -> None:
    assert set(Membership.Role.values) <= set(TABLE)
