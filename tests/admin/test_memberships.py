"""Roles in the admin: nobody rises by their own hand."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from runs_app.admin.memberships import MembershipPages
from runs_app.models import Membership, Organization, User
from tests.admin.conftest import World, client_of, page_of

Role = Membership.Role
ROLES = (Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER)


@pytest.fixture
def colleague(ours: World) -> Membership:
    """Somebody else of our organization."""
    return join(ours, "colleague", Role.MEMBER)


@pytest.fixture
def newcomer(ours: World, theirs: World) -> User:
    """Somebody staff see, because they share the other organization, who is not in ours."""
    Membership.objects.create(organization=theirs[Organization], user=ours[User], role=Role.VIEWER)
    return join(theirs, "newcomer", Role.MEMBER).user


def join(world: World, name: str, role: str) -> Membership:
    user = User.objects.create_user(name)
    return Membership.objects.create(organization=world[Organization], user=user, role=role)


def act_as(world: World, role: str) -> None:
    """Give the role to the person behind `staff`."""
    Membership.objects.filter(pk=world[Membership].pk).update(role=role)


def change(client: Client, membership: Membership, role: str) -> Any:
    return client.post(page_of(Membership, "change", membership.pk), {"role": role})


def add(client: Client, organization: Organization, user: User, role: str) -> Any:
    values = {"organization": organization.pk, "user": user.pk, "role": role}
    return client.post(page_of(Membership, "add"), values)


def role_of(membership: Membership) -> str:
    return Membership.objects.get(pk=membership.pk).role


# What somebody of the first role makes of a member of the second one.
REACH = {
    (Role.OWNER, Role.OWNER): set(ROLES),
    (Role.OWNER, Role.ADMIN): set(ROLES),
    (Role.OWNER, Role.MEMBER): set(ROLES),
    (Role.OWNER, Role.VIEWER): set(ROLES),
    (Role.ADMIN, Role.OWNER): {Role.OWNER},
    (Role.ADMIN, Role.ADMIN): {Role.ADMIN, Role.MEMBER, Role.VIEWER},
    (Role.ADMIN, Role.MEMBER): {Role.ADMIN, Role.MEMBER, Role.VIEWER},
    (Role.ADMIN, Role.VIEWER): {Role.ADMIN, Role.MEMBER, Role.VIEWER},
    (Role.MEMBER, Role.MEMBER): {Role.MEMBER},
    (Role.MEMBER, Role.VIEWER): {Role.VIEWER},
    (Role.VIEWER, Role.OWNER): {Role.OWNER},
    (Role.VIEWER, Role.VIEWER): {Role.VIEWER},
}


@pytest.mark.parametrize(("own", "before"), REACH)
def test_a_role_is_changed_by_those_above(
    staff: Client, ours: World, colleague: Membership, own: str, before: str
) -> None:
    act_as(ours, own)
    reached = set()
    for role in ROLES:
        Membership.objects.filter(pk=colleague.pk).update(role=before)
        change(staff, colleague, role)
        reached.add(role_of(colleague))

    assert reached == REACH[own, before]


@pytest.mark.parametrize("own", [Role.ADMIN, Role.MEMBER, Role.VIEWER])
def test_nobody_makes_themselves_an_owner(staff: Client, ours: World, own: str) -> None:
    act_as(ours, own)

    change(staff, ours[Membership], Role.OWNER)

    assert role_of(ours[Membership]) == own


def test_an_admin_who_tries_to_make_an_owner_is_told_why(
    staff: Client, ours: World, colleague: Membership
) -> None:
    page = change(staff, colleague, Role.OWNER).content.decode()

    assert "only owners make somebody an owner" in page
    assert "colleague in ours limited (member)" in page
    assert 'name="role"' in page


@pytest.mark.parametrize(
    ("own", "role", "taken"),
    [
        (Role.OWNER, Role.OWNER, True),
        (Role.ADMIN, Role.OWNER, False),
        (Role.ADMIN, Role.ADMIN, True),
        (Role.MEMBER, Role.VIEWER, False),
        (Role.VIEWER, Role.VIEWER, False),
    ],
)
def test_members_are_added_by_owners_and_admins(
    staff: Client, ours: World, newcomer: User, own: str, role: str, taken: bool
) -> None:
    act_as(ours, own)

    add(staff, ours[Organization], newcomer, role)

    joined = Membership.objects.filter(organization=ours[Organization], user=newcomer)
    assert [membership.role for membership in joined] == ([role] if taken else [])


def test_an_admin_of_one_organization_adds_nobody_to_another(
    staff: Client, ours: World, theirs: World, newcomer: User, colleague: Membership
) -> None:
    answer = add(staff, theirs[Organization], colleague.user, Role.MEMBER)

    assert answer.status_code == 200
    assert "Only owners and admins" in answer.content.decode()
    assert not Membership.objects.filter(
        organization=theirs[Organization], user=colleague.user
    ).exists()


@pytest.mark.parametrize(
    ("own", "role", "gone"),
    [
        (Role.OWNER, Role.OWNER, True),
        (Role.ADMIN, Role.OWNER, False),
        (Role.ADMIN, Role.MEMBER, True),
        (Role.MEMBER, Role.VIEWER, False),
        (Role.VIEWER, Role.VIEWER, False),
    ],
)
@pytest.mark.parametrize("way", ["on its page", "in the list"])
def test_members_are_removed_by_those_above(
    staff: Client, ours: World, colleague: Membership, own: str, role: str, gone: bool, way: str
) -> None:
    act_as(ours, own)
    Membership.objects.filter(pk=colleague.pk).update(role=role)

    if way == "on its page":
        staff.post(page_of(Membership, "delete", colleague.pk), {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [colleague.pk], "post": "yes"}
        staff.post(page_of(Membership, "changelist"), chosen)

    assert Membership.objects.filter(pk=colleague.pk).exists() != gone


def test_a_member_is_not_moved_to_another_organization(
    superuser: Client, ours: World, theirs: World, colleague: Membership
) -> None:
    values = {"organization": theirs[Organization].pk, "user": theirs[User].pk, "role": Role.ADMIN}

    superuser.post(page_of(Membership, "change", colleague.pk), values)

    after = Membership.objects.get(pk=colleague.pk)
    assert (after.organization, after.user) == (colleague.organization, colleague.user)
    assert after.role == Role.ADMIN


def test_a_superuser_gives_every_role(superuser: Client, colleague: Membership) -> None:
    for role in ROLES:
        change(superuser, colleague, role)

        assert role_of(colleague) == role


# --- on the page of the organization ------------------------------------------------------------


def members_form(world: World, members: dict[Membership, str]) -> dict[str, Any]:
    """The organization's page, filled in with the roles of its members."""
    organization = world[Organization]
    form = {"slug": organization.slug, "title": organization.title}
    for number, (membership, role) in enumerate(members.items()):
        row = {
            "id": membership.pk,
            "organization": organization.pk,
            "user": membership.user_id,
            "role": role,
        }
        form |= {f"memberships-{number}-{name}": value for name, value in row.items()}
    count = str(len(members))
    return {**form, "memberships-TOTAL_FORMS": count, "memberships-INITIAL_FORMS": count}


@pytest.mark.parametrize("own", ROLES)
def test_only_owners_change_members_beside_their_organization(
    staff: Client, ours: World, colleague: Membership, own: str
) -> None:
    act_as(ours, own)
    form = members_form(ours, {ours[Membership]: own, colleague: Role.OWNER})

    answer = staff.post(page_of(Organization, "change", ours[Organization].pk), form)

    assert answer.status_code == 302
    assert role_of(colleague) == (Role.OWNER if own == Role.OWNER else Role.MEMBER)
    assert role_of(ours[Membership]) == own


def test_an_admin_sees_the_members_beside_their_organization(
    staff: Client, ours: World, colleague: Membership
) -> None:
    page = staff.get(page_of(Organization, "change", ours[Organization].pk)).content.decode()

    assert "colleague" in page
    assert page_of(Membership, "change", colleague.pk) in page
    assert 'name="memberships-0-role"' not in page


def test_a_superuser_makes_an_organization_with_its_owner(superuser: Client, ours: World) -> None:
    values = {
        "slug": "fresh",
        "title": "Fresh",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": ours[User].pk,
        "memberships-0-role": Role.OWNER,
    }

    superuser.post(page_of(Organization, "add"), values)

    [membership] = Membership.objects.filter(organization__slug="fresh")
    assert (membership.user, membership.role) == (ours[User], Role.OWNER)


def test_the_permission_alone_manages_nobody(ours: World, colleague: Membership) -> None:
    user = User.objects.create_user("outsider", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client = client_of(user)

    added = add(client, ours[Organization], user, Role.OWNER)
    change(client, colleague, Role.VIEWER)

    assert added.status_code == 403
    assert role_of(colleague) == Role.MEMBER
    assert not Membership.objects.filter(user=user).exists()


def test_a_form_does_not_bring_back_who_was_removed_in_the_same_moment(
    staff: Client, colleague: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = MembershipPages.get_object

    def read_and_be_overtaken(*args: Any) -> Any:
        membership = read(*args)
        Membership.objects.filter(pk=colleague.pk).delete()
        return membership

    monkeypatch.setattr(MembershipPages, "get_object", read_and_be_overtaken)

    assert change(staff, colleague, Role.VIEWER).status_code == 404
