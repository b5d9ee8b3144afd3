"""Every page of groups, for every kind of person."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from errors_app.models import BulkOperation, ErrorGroup, ErrorGroupActivity, ErrorGroupState
from runs_app.models import Membership, User
from tests.conftest import Workspace, failed, make_workspace
from tests.triage.staff import CHANGE, VIEW, desk_at, logged_in, staff_member

# What a page answers to whoever may look, and to whoever may change: to GET, and to POST where it
# takes that.
PAGES: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "changelist": ((302,), (302,)),
    "list": ((200,), (200,)),
    "page": ((200,), (200,)),
    "grouping": ((200,), (200,)),
    "run": ((200,), (200,)),
    "bulk_result": ((200,), (200,)),
    "versions": ((403,), (200,)),
    "resolve": ((403, 403), (200, 302)),
    "ignore": ((403, 403), (200, 302)),
    "unresolve": ((403, 403), (200, 302)),
    "bulk": ((403, 403), (302, 302)),
    "bulk_undo": ((403, 403), (302, 302)),
    # Of one group, with which nothing is merged: tests.merging.test_pages has the rest.
    "merge": ((403, 403), (302, 302)),
    "split": ((403, 403), (302, 302)),
}
LOOKING, CHANGING = 0, 1


@dataclass(frozen=True)
class Scene:
    """One environment with a group, and a finished change of it."""

    workspace: Workspace
    addresses: Mapping[str, str]
    group: str


@pytest.fixture
def scene(prod: Workspace) -> Scene:
    prod.report(failed("run_1"))
    [found] = prod.errors()
    group = f"{found['id'].removeprefix('error_')}:send-mail"
    desk = desk_at(prod)
    desk.bulk("resolve", group=group, step="now")
    operation = str(BulkOperation.objects.get().pk)
    task = {"taskIdentifier": "send-mail"}
    one = {"resolve", "ignore", "unresolve", "split", "page", "grouping"}
    arguments = {"run": ("run_1",), "bulk_result": (operation,), "bulk_undo": (operation,)}
    addresses = {"changelist": reverse("admin:errors_app_errorgroup_changelist")}
    for name in PAGES.keys() - addresses.keys():
        if name in one:
            addresses[name] = desk.address(name, found["id"], **task)
        else:
            addresses[name] = desk.address(name, *arguments.get(name, ()))
    return Scene(prod, addresses, group)


def answers(client: Client, scene: Scene) -> dict[str, tuple[int, ...]]:
    """To GET and POST, by page."""
    sent = {"group": scene.group, "action": "ignore", "step": "now"}
    found = {}
    for page, (told, _) in PAGES.items():
        found[page] = (client.get(scene.addresses[page]).status_code,)
        if len(told) > 1:
            found[page] += (client.post(scene.addresses[page], sent).status_code,)
    return found


def everything() -> tuple[int, ...]:
    kept = (ErrorGroupActivity, ErrorGroupState, BulkOperation)
    undone = BulkOperation.objects.exclude(undone_at=None).count()
    return (*(model.objects.count() for model in kept), undone)


def test_every_page_is_in_the_table() -> None:
    pages = admin.site.get_model_admin(ErrorGroup).get_urls()

    names = {str(page.name).removeprefix("errors_app_errorgroup_") for page in pages}

    assert names == PAGES.keys()


def test_whoever_is_no_staff_is_asked_to_log_in(scene: Scene) -> None:
    member = logged_in(staff_member(scene.workspace, VIEW, CHANGE, is_staff=False))
    before = everything()

    for client in (Client(), member):
        for told in answers(client, scene).values():
            assert set(told) == {302}
        for address in scene.addresses.values():
            assert client.post(address)["Location"].startswith("/admin/login/")
    assert everything() == before


def test_staff_without_the_permission_get_403(scene: Scene) -> None:
    nothing = logged_in(staff_member(scene.workspace))
    only_change = logged_in(staff_member(scene.workspace, CHANGE))
    before = everything()

    for client in (nothing, only_change):
        for page, told in answers(client, scene).items():
            assert set(told) == {403}, page
    assert everything() == before


def test_who_may_only_look_looks(scene: Scene) -> None:
    view_only = logged_in(staff_member(scene.workspace, VIEW, role=Membership.Role.OWNER))
    viewer = logged_in(staff_member(scene.workspace, VIEW, CHANGE, role=Membership.Role.VIEWER))
    before = everything()

    for client in (view_only, viewer):
        assert answers(client, scene) == {page: told[LOOKING] for page, told in PAGES.items()}
        for page in ("list", "page", "bulk_result"):
            html = client.get(scene.addresses[page]).content.decode()
            assert "data-fl-action" not in html
            assert "undo/" not in html
    assert everything() == before


def test_members_and_superusers_change(scene: Scene) -> None:
    member = logged_in(staff_member(scene.workspace, VIEW, CHANGE))
    root = logged_in(User.objects.create_superuser("root"))

    for client in (member, root):
        before = everything()
        assert answers(client, scene) == {page: told[CHANGING] for page, told in PAGES.items()}
        assert everything() != before


def test_pages_that_only_show_take_no_forms(scene: Scene) -> None:
    client = logged_in(User.objects.create_superuser("root"))
    shows = [page for page, (told, _) in PAGES.items() if len(told) == 1 and page != "changelist"]

    told = {page: client.post(scene.addresses[page]).status_code for page in shows}

    assert told == dict.fromkeys(
        ["list", "page", "grouping", "run", "bulk_result", "versions"], 405
    )
    assert client.post(reverse("admin:index")).status_code == 405


def test_strangers_find_nothing(scene: Scene) -> None:
    other = make_workspace("prod")
    stranger = logged_in(staff_member(other, VIEW, CHANGE, role=Membership.Role.OWNER))
    before = everything()

    for page, told in answers(stranger, scene).items():
        assert set(told) == {302 if page == "changelist" else 404}, page
    own = other.environment.project.external_ref
    assert own in stranger.get(scene.addresses["changelist"])["Location"]
    assert everything() == before


def test_every_change_is_attributed_to_the_person(scene: Scene) -> None:
    user = staff_member(scene.workspace, VIEW, CHANGE)
    client = logged_in(user)
    last = ErrorGroupActivity.objects.order_by("-id").values_list("id", flat=True)[0]

    for page in ("unresolve", "resolve", "ignore"):
        client.post(scene.addresses[page])
    client.post(
        scene.addresses["bulk"], {"group": scene.group, "action": "unresolve", "step": "do"}
    )
    newest = BulkOperation.objects.order_by("-created_at")[0]
    client.post(f"{scene.addresses['bulk']}{newest.pk}/undo/")

    made = ErrorGroupActivity.objects.filter(id__gt=last).order_by("id")
    assert [entry.action for entry in made] == [
        "unresolve", "resolve", "ignore", "unresolve", "undo",
    ]  # fmt: skip
    assert {(entry.user, entry.client, entry.actor_kind) for entry in made} == {
        (user, "admin", "user")
    }
