"""Staff see the objects of their own organizations, and nothing of others."""

import json

import pytest
from django.db.models import Model
from django.test import Client

from errors_app.models import ErrorGroupState
from runs_app.models import (
    ApiKey,
    Environment,
    Membership,
    Organization,
    PersonalAccessToken,
    Project,
    TaskRun,
    User,
)
from tests.admin.conftest import FINGERPRINT, MODELS, World, client_of, page_of

each_model = pytest.mark.parametrize("model", MODELS)


@each_model
def test_a_list_shows_own_objects_only(
    staff: Client, ours: World, theirs: World, model: type[Model]
) -> None:
    page = staff.get(page_of(model, "changelist")).content.decode()

    assert page_of(model, "change", ours[model].pk) in page
    assert page_of(model, "change", theirs[model].pk) not in page
    assert "theirs" not in page


@each_model
@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_objects_of_others_are_not_found(
    staff: Client, theirs: World, model: type[Model], page: str
) -> None:
    answer = staff.get(page_of(model, page, theirs[model].pk))

    assert answer.status_code in {302, 403, 404}
    assert "theirs" not in answer.content.decode()


@each_model
def test_own_objects_have_a_page(
    staff: Client, ours: World, theirs: World, model: type[Model]
) -> None:
    answer = staff.get(page_of(model, "change", ours[model].pk))

    assert answer.status_code == 200
    assert "theirs" not in answer.content.decode()


@pytest.mark.parametrize(
    ("model", "term"),
    [(TaskRun, "run_theirs1"), (TaskRun, "theirs"), (ErrorGroupState, FINGERPRINT)],
)
def test_a_search_finds_nothing_of_others(
    staff: Client, ours: World, theirs: World, model: type[Model], term: str
) -> None:
    page = staff.get(page_of(model, "changelist"), {"q": term}).content.decode()

    assert page_of(model, "change", theirs[model].pk) not in page


def test_a_filter_by_an_environment_of_others_opens_nothing(
    staff: Client, ours: World, theirs: World
) -> None:
    page = staff.get(
        page_of(TaskRun, "changelist"), {"environment": theirs[Environment].pk}
    ).content.decode()

    assert "run_theirs1" not in page


@pytest.mark.parametrize(
    ("source", "field", "target"),
    [
        (ApiKey, "environment", Environment),
        (Environment, "project", Project),
        (Project, "organization", Organization),
        (Membership, "user", User),
        (Membership, "organization", Organization),
        (PersonalAccessToken, "user", User),
    ],
)
def test_autocompletion_offers_own_objects_only(
    staff: Client,
    ours: World,
    theirs: World,
    source: type[Model],
    field: str,
    target: type[Model],
) -> None:
    answer = staff.get(
        "/admin/autocomplete/",
        {
            "app_label": source._meta.app_label,
            "model_name": source._meta.model_name,
            "field_name": field,
        },
    )

    offered = {choice["id"] for choice in json.loads(answer.content)["results"]}
    assert offered == {str(ours[target].pk)}


def form_values(model: type[Model], world: World) -> dict[str, object]:
    return {
        ApiKey: {"environment": world[Environment].pk, "name": "new"},
        PersonalAccessToken: {"user": world[User].pk, "name": "new"},
        Environment: {"project": world[Project].pk, "slug": "staging"},
        Project: {
            "organization": world[Organization].pk,
            "name": "New",
            "slug": "new",
            "grouping_rule": "v1",
        },
        Membership: {
            "organization": world[Organization].pk,
            "user": world[User].pk,
            "role": "member",
        },
    }[model]


@pytest.mark.parametrize("model", [ApiKey, PersonalAccessToken, Environment, Project])
def test_nothing_can_be_made_in_another_organization(
    staff: Client, ours: World, theirs: World, model: type[Model]
) -> None:
    before = model._default_manager.count()

    staff.post(page_of(model, "add"), form_values(model, theirs))
    after_theirs = model._default_manager.count()
    staff.post(page_of(model, "add"), form_values(model, ours))

    assert after_theirs == before
    assert model._default_manager.count() == before + 1


def test_nobody_lets_themselves_into_another_organization(
    staff: Client, ours: World, theirs: World
) -> None:
    own_name = {**form_values(Membership, theirs), "user": ours[User].pk}

    staff.post(page_of(Membership, "add"), own_name)
    staff.post(page_of(Membership, "change", ours[Membership].pk), own_name)

    members = Membership.objects.filter(organization=theirs[Organization])
    assert [membership.user for membership in members] == [theirs[User]]


def test_an_action_reaches_own_objects_only(staff: Client, ours: World, theirs: World) -> None:
    staff.post(
        page_of(ApiKey, "changelist"),
        {"action": "revoke", "_selected_action": [ours[ApiKey].pk, theirs[ApiKey].pk]},
    )

    assert ApiKey.objects.get(pk=ours[ApiKey].pk).revoked_at is not None
    assert ApiKey.objects.get(pk=theirs[ApiKey].pk).revoked_at is None


@pytest.mark.parametrize("page", ["add", "change", "delete"])
def test_staff_do_not_manage_people(staff: Client, ours: World, page: str) -> None:
    arguments = () if page == "add" else (ours[User].pk,)

    answer = staff.post(
        page_of(User, page, *arguments), {"username": "ours-member", "is_superuser": "on"}
    )

    assert answer.status_code == 403
    assert not User.objects.filter(is_superuser=True).exists()


def test_staff_set_no_password_of_others(staff: Client, ours: World) -> None:
    path = f"/admin/runs_app/user/{ours[User].pk}/password/"

    assert staff.post(path, {"password1": "x", "password2": "x"}).status_code == 403


def test_staff_without_permissions_see_no_list(ours: World) -> None:
    user = ours[User]
    user.is_staff = True
    user.save()
    client = client_of(user)

    answers = {client.get(page_of(model, "changelist")).status_code for model in MODELS}

    assert answers == {403}


def test_staff_make_no_organizations(staff: Client) -> None:
    assert staff.get(page_of(Organization, "add")).status_code == 403
