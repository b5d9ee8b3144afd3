"""The button that refuses every token of an environment, and what a deleted environment takes."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from runs_app.models import ApiKey, Environment, Membership, SigningSecret, User
from runs_app.services.signing_secrets import signing_secret_of
from tests.admin.conftest import World, client_of, page_of
from tests.conftest import Api, Workspace
from tests.people import token_of_key


def rotate_page(world: World) -> str:
    return page_of(Environment, "change", world[Environment].pk).replace(
        "change/", "rotate-signing-secret/"
    )


def secret_of(world: World) -> str:
    return signing_secret_of(str(world[Environment].pk))


def test_the_button_asks_before_it_does_anything(superuser: Client, ours: World) -> None:
    before = secret_of(ours)
    page = superuser.get(page_of(Environment, "change", ours[Environment].pk)).content.decode()

    question = superuser.get(rotate_page(ours)).content.decode()

    assert rotate_page(ours) in page
    assert "API keys and personal access tokens stay good" in question
    assert secret_of(ours) == before


def test_after_a_yes_every_token_is_refused_at_once_and_keys_stay_good(
    superuser: Client, prod: Workspace
) -> None:
    token = Api(token_of_key(prod, "read:runs"))
    assert token.get("/api/v1/runs").status == 200
    world = World("prod", {Environment: prod.environment})

    answer = superuser.post(rotate_page(world), follow=True)

    assert "is refused" in answer.content.decode()
    assert token.get("/api/v1/runs").status == 401
    assert prod.api.get("/api/v1/runs").status == 200
    assert Api(token_of_key(prod, "read:runs")).get("/api/v1/runs").status == 200


def test_rotating_is_remembered_with_who_did_it(superuser: Client, ours: World) -> None:
    superuser.post(rotate_page(ours))

    [entry] = LogEntry.objects.filter(object_id=str(ours[Environment].pk))
    assert entry.user == User.objects.get(username="root")
    assert entry.get_change_message() == "Rotated the signing secret."


def test_no_page_shows_a_secret(superuser: Client, ours: World) -> None:
    before = secret_of(ours)
    answers = [superuser.get(rotate_page(ours)), superuser.post(rotate_page(ours), follow=True)]

    for answer in answers:
        page = answer.content.decode()
        assert before not in page
        assert secret_of(ours) not in page
        assert SigningSecret.objects.get().encrypted not in page


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Membership.Role.OWNER, 302),
        (Membership.Role.ADMIN, 302),
        (Membership.Role.MEMBER, 403),
        (Membership.Role.VIEWER, 403),
    ],
)
def test_staff_rotate_where_they_own_or_administer(
    staff: Client, ours: World, role: str, status: int
) -> None:
    Membership.objects.filter(pk=ours[Membership].pk).update(role=role)
    before = secret_of(ours)
    page = staff.get(page_of(Environment, "change", ours[Environment].pk)).content.decode()

    answer = staff.post(rotate_page(ours))

    assert answer.status_code == status
    assert (secret_of(ours) != before) == (status == 302)
    assert (rotate_page(ours) in page) == (status == 302)


def test_staff_who_may_only_look_do_not_rotate(ours: World) -> None:
    user = ours[User]
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename="view_environment"))
    Membership.objects.update(role=Membership.Role.OWNER)
    before = secret_of(ours)

    answers = [client_of(user).get(rotate_page(ours)), client_of(user).post(rotate_page(ours))]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert secret_of(ours) == before


def test_an_environment_of_others_is_not_found(staff: Client, theirs: World) -> None:
    before = secret_of(theirs)

    answers = [staff.get(rotate_page(theirs)), staff.post(rotate_page(theirs))]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert secret_of(theirs) == before


def test_who_is_not_logged_in_is_sent_to_the_login(ours: World) -> None:
    before = secret_of(ours)

    answer = Client().post(rotate_page(ours))

    assert answer.status_code == 302
    assert "/admin/login/" in answer.headers["Location"]
    assert secret_of(ours) == before


def test_a_deleted_environment_takes_its_keys_and_its_secret_along(
    superuser: Client, prod: Workspace
) -> None:
    token = token_of_key(prod, "read:runs")

    superuser.post(page_of(Environment, "delete", prod.environment.pk), {"post": "yes"})

    assert not Environment.objects.filter(pk=prod.environment.pk).exists()
    assert not ApiKey.objects.exists()
    assert not SigningSecret.objects.exists()
    assert [Api(one).get("/api/v1/runs").status for one in (prod.key, token)] == [401, 401]


def test_staff_delete_an_empty_environment_with_its_credentials(staff: Client, ours: World) -> None:
    empty = Environment.objects.create(
        project=ours[Environment].project, slug="dev", type="DEVELOPMENT"
    )
    ApiKey.objects.create(environment=empty, name="a", digest="0" * 64, last_four="0000")
    signing_secret_of(str(empty.pk))

    staff.post(page_of(Environment, "delete", empty.pk), {"post": "yes"})

    assert not Environment.objects.filter(pk=empty.pk).exists()
    assert not SigningSecret.objects.exists()


@pytest.mark.parametrize("role", [Membership.Role.MEMBER, Membership.Role.VIEWER])
def test_who_manages_no_keys_deletes_no_environment(staff: Client, ours: World, role: str) -> None:
    Membership.objects.filter(pk=ours[Membership].pk).update(role=role)
    empty = Environment.objects.create(
        project=ours[Environment].project, slug="dev", type="DEVELOPMENT"
    )
    many = {"action": "delete_selected", "_selected_action": [empty.pk], "post": "yes"}

    alone = staff.post(page_of(Environment, "delete", empty.pk), {"post": "yes"})
    among_others = staff.post(page_of(Environment, "changelist"), many)

    assert (alone.status_code, among_others.status_code) == (403, 403)
    assert Environment.objects.filter(pk=empty.pk).exists()
