"""Nothing that a run, a person or a decision brings along is ever markup."""

from html import unescape

import pytest
from django.test import Client

from runs_app.models import Membership, User
from runs_app.services.credentials import create_api_key
from tests.conftest import Api, Workspace
from tests.triage.hostile import HOSTILE, hostile_run, markup_made
from tests.triage.staff import Desk, logged_in

EVERYTHING = {"filter[status]": "unresolved,resolved,ignored"}


@pytest.fixture
def desk(prod: Workspace) -> Desk:
    """Where all that anybody can name has a hostile name."""
    project = prod.environment.project
    project.name = HOSTILE[3]
    project.save()
    person = User.objects.create_superuser("a<b>'\"", first_name=HOSTILE[0][:150], last_name="<i>")
    Membership.objects.create(organization=project.organization, user=person)
    prod.api = Api(create_api_key(prod.environment, name=HOSTILE[2]))
    told = prod.report(*(hostile_run(number, text) for number, text in enumerate(HOSTILE)))
    assert told["rejected"] == []
    return Desk(prod, person, logged_in(person))


def show(client: Client, address: str, **headers: str) -> str:
    response = client.get(address, follow=True, headers=headers)
    assert response.status_code == 200, address
    return response.content.decode()


def test_no_page_has_markup_that_a_text_made(desk: Desk) -> None:
    groups = desk.workspace.errors()
    for number, group in enumerate(groups):
        reason = {"reason": HOSTILE[number]}
        path = f"/api/v1/errors/{group['id']}/ignore?taskIdentifier="
        desk.workspace.api.post(path, {**reason, "taskIdentifier": group["taskIdentifier"]})
    pages = {"home": show(desk.client, "/admin/")}
    for text in HOSTILE:
        pages[f"list searched for {text}"] = show(
            desk.client, desk.address("list", **EVERYTHING, **{"filter[search]": text[:20]})
        )
    pages["list"] = show(desk.client, desk.address("list", **EVERYTHING))
    pages["fragment"] = show(
        desk.client, desk.address("list", **EVERYTHING), **{"X-Fragment": "list"}
    )
    for group in groups:
        task = {"taskIdentifier": group["taskIdentifier"], "list": HOSTILE[5]}
        pages[f"group {group['errorType']}"] = show(
            desk.client, desk.address("page", group["id"], **task)
        )
        pages[f"why {group['errorType']}"] = show(
            desk.client, desk.address("grouping", group["id"], **task)
        )
        pages[f"decision {group['errorType']}"] = show(
            desk.client, desk.address("resolve", group["id"], **task)
        )
    for run in desk.workspace.runs(status="FAILED"):
        pages[f"run {run['id']}"] = show(desk.client, desk.address("run", run["id"]))
    chosen = [f"{each['fingerprint']}:{each['taskIdentifier']}" for each in groups]
    told = {"group": chosen, "filter": f"filter[search]={HOSTILE[1]}"}
    pages["bulk"] = desk.bulk("resolve", **told).content.decode()
    done = desk.client.post(
        desk.address("bulk"),
        {"action": "ignore", "step": "now", "reason": HOSTILE[4], **told},
        follow=True,
    )
    pages["told"] = done.content.decode()

    wrong = {name: found for name, html in pages.items() if (found := markup_made(html))}

    assert wrong == {}
    # All of it is there, as text.
    assert len(groups) == len(HOSTILE)
    for number, text in enumerate(HOSTILE):
        readable = unescape(next(html for name, html in pages.items() if is_of(name, text, number)))
        assert text in readable


def is_of(name: str, text: str, number: int) -> bool:
    return name.startswith("group ") and name.endswith(f"{text} {number}")


@pytest.mark.parametrize(
    "html",
    [
        "<img src=x>",
        "<p onclick=x>",
        "<script>x</script>",
        '<a href="javascript:x">',
        "<form action=//evil.example>",
    ],
)
def test_it_would_be_noticed(html: str) -> None:
    assert markup_made("<p></p>" * 12 + html) != []
