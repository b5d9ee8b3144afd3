"""Whom a token speaks for."""

from typing import Any

import pytest

from runs_app.models import User
from tests.api.expectations import refused
from tests.conftest import Api, Workspace, make_workspace
from tests.people import Person, actor_token_of, make_person, member_of

WHOAMI = "/api/v2/whoami"


def test_a_personal_access_token_speaks_for_its_person(member: Person) -> None:
    answer = member.api.get(WHOAMI)

    assert answer.status == 200
    assert answer.body == {
        "userId": member.id,
        "email": member.user.email,
        "dashboardUrl": "http://testserver/admin/",
    }


def test_a_user_actor_token_speaks_for_the_same_person(member: Person) -> None:
    answer = Api(actor_token_of(member, cap=())).get(WHOAMI)

    assert answer.body == member.api.get(WHOAMI).body


def test_a_project_of_the_person_is_shown_with_its_page(shop: Workspace, member: Person) -> None:
    project = shop.environment.project

    answer = member.api.get(WHOAMI, {"projectRef": project.external_ref})

    assert answer.body["userId"] == member.id
    assert answer.body["project"] == {
        "name": "Shop",
        "url": f"http://testserver/admin/runs_app/project/{project.id}/change/",
        "orgTitle": "Acme",
    }


def test_a_project_of_strangers_is_left_out_like_one_that_nobody_has(member: Person) -> None:
    foreign = make_workspace("prod").environment.project
    refs = [foreign.external_ref, str(foreign.id), "proj_" + "x" * 20, "", "\0", "x" * 2_000]

    answers = [member.api.get(WHOAMI, {"projectRef": ref}) for ref in refs]

    assert [answer.status for answer in answers] == [200] * len(refs)
    assert all(answer.body == member.api.get(WHOAMI).body for answer in answers)


@pytest.mark.parametrize(
    "address",
    ["ann@example.com", "Ann.O'Neil+tag@mail.example.co", "a_b-c@x-1.example", "1@2.io"],
)
def test_an_address_is_shown_as_it_is(member: Person, address: str) -> None:
    User.objects.filter(pk=member.id).update(email=address)

    assert member.api.get(WHOAMI).body["email"] == address


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "root@localhost", "jürgen@example.com", '"a b"@example.com', "a@b.c"],
)
def test_an_address_that_the_cli_would_not_take_is_shown_as_none(
    member: Person, address: str
) -> None:
    User.objects.filter(pk=member.id).update(email=address)

    assert member.api.get(WHOAMI).body["email"] == f"{member.id}@no-email.invalid"


def test_pages_are_on_the_site_that_is_configured(member: Person, settings: Any) -> None:
    settings.SITE_URL = "https://faultline.example"

    assert member.api.get(WHOAMI).body["dashboardUrl"] == "https://faultline.example/admin/"


def test_each_token_speaks_for_its_own_person_alone(shop: Workspace, member: Person) -> None:
    other = member_of(shop)

    assert other.api.get(WHOAMI).body["userId"] == other.id != member.id


def test_who_is_not_active_any_more_is_nobody(member: Person) -> None:
    actor = Api(actor_token_of(member))
    User.objects.filter(pk=member.id).update(is_active=False)

    refused(member.api.get(WHOAMI), 401, "unauthorized")
    refused(actor.get(WHOAMI), 401, "unauthorized")


def test_who_was_deleted_is_nobody(db: None) -> None:
    person = make_person()
    actor = Api(actor_token_of(person))
    User.objects.get(pk=person.id).delete()

    refused(person.api.get(WHOAMI), 401, "unauthorized")
    refused(actor.get(WHOAMI), 401, "unauthorized")
