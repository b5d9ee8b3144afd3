"""Roles and keys in the admin: Django's permissions alone do not do."""

from typing import Any

import pytest
from django.test import Client

from runs_app.models import (
    ApiKey,
    Environment,
    Membership,
    Organization,
    PersonalAccessToken,
    User,
)
from tests.admin.conftest import World, page_of


def make(client: Client, world: World) -> Any:
    """The answer to a filled-in form of a new key."""
    return client.post(
        page_of(ApiKey, "add"), {"environment": world[Environment].pk, "name": "new"}
    )


def set_role(world: World, role: str) -> None:
    Membership.objects.filter(pk=world[Membership].pk).update(role=role)


@pytest.mark.parametrize("role", [Membership.Role.MEMBER, Membership.Role.VIEWER])
def test_who_manages_no_organization_makes_no_key(staff: Client, ours: World, role: str) -> None:
    set_role(ours, role)

    answer = make(staff, ours)

    assert answer.status_code == 403
    assert not ApiKey.objects.filter(name="new").exists()


def test_a_key_is_made_only_where_one_owns_or_administers(
    staff: Client, ours: World, theirs: World
) -> None:
    Membership.objects.create(organization=theirs[Organization], user=ours[User], role="member")

    answer = make(staff, theirs)

    assert "only owners and admins" in answer.content.decode()
    assert not ApiKey.objects.filter(name="new").exists()


@pytest.mark.parametrize("role", [Membership.Role.MEMBER, Membership.Role.VIEWER])
def test_a_member_reads_keys_and_changes_none(staff: Client, ours: World, role: str) -> None:
    set_role(ours, role)
    path = page_of(ApiKey, "change", ours[ApiKey].pk)

    shown = staff.get(path)
    changed = staff.post(path, {"name": "renamed", "scopes": ""})
    listed = staff.get(page_of(ApiKey, "changelist")).content.decode()

    assert (shown.status_code, changed.status_code) == (200, 403)
    assert "Revoke the selected" not in listed
    assert ApiKey.objects.get(pk=ours[ApiKey].pk).name == "ours-key"


def test_revoking_leaves_alone_what_somebody_else_manages(
    staff: Client, ours: World, theirs: World
) -> None:
    Membership.objects.create(organization=theirs[Organization], user=ours[User], role="member")
    chosen = {"action": "revoke", "_selected_action": [ours[ApiKey].pk, theirs[ApiKey].pk]}

    page = staff.post(page_of(ApiKey, "changelist"), chosen, follow=True).content.decode()

    assert "1 revoked" in page
    assert "1 left alone" in page
    assert ApiKey.objects.get(pk=ours[ApiKey].pk).revoked_at is not None
    assert ApiKey.objects.get(pk=theirs[ApiKey].pk).revoked_at is None


def test_everybody_revokes_their_own_tokens(staff: Client, ours: World) -> None:
    set_role(ours, Membership.Role.VIEWER)
    token = ours[PersonalAccessToken]

    staff.post(
        page_of(PersonalAccessToken, "changelist"),
        {"action": "revoke", "_selected_action": [token.pk]},
    )

    token.refresh_from_db()
    assert token.revoked_at is not None
