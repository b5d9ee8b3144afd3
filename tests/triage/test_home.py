"""The home page: one environment at a glance."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from runs_app.clickhouse import client
from runs_app.clickhouse.client import ClickHouse, ServerTarget
from runs_app.models import OutboxEntry
from runs_app.services import back_pressure
from tests.conftest import Workspace, failed, make_workspace
from tests.triage.staff import VIEW, Desk, desk_at, logged_in, staff_member, text_of

HOME = "/admin/"


@pytest.fixture
def desk(prod: Workspace) -> Desk:
    return desk_at(prod)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where ClickHouse should be."""
    door = ClickHouse(ServerTarget("clickhouse://127.0.0.1:1/default"))
    monkeypatch.setattr(client, "_process_wide", lambda _pid: door)
    yield
    door.close()


def fails(run_id: str, error_type: str, hours: float = 0.5, **members: Any) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    error = {"type": error_type, "message": "went wrong"}
    return failed(run_id, error=error, createdAt=at, failedAt=at, **members)


def section(response: Any, name: str) -> str:
    """What one part of the page says."""
    html = response.content.decode()
    [part] = re.findall(rf'(?s)<section[^>]* aria-labelledby="{name}-title">(.*?)</section>', html)
    return " ".join(re.sub(r"<[^>]*>", " ", part).split())


def is_plain(response: Any) -> bool:
    """Whether it is Django's own start page."""
    return "Recent actions" in text_of(response)


def test_what_is_new_loud_and_back_is_told_with_tasks_and_stores(desk: Desk) -> None:
    prod = desk.workspace
    prod.report(
        fails("run_1", "OldError", hours=30),
        *(fails(f"run_loud{n}", "LoudError", hours=3) for n in range(3)),
        fails("run_new", "FreshError", task="resize"),
        fails("run_back", "BackError", hours=40, version="1.0"),
        {"id": "run_fine", "taskIdentifier": "resize", "status": "COMPLETED"},
    )
    back = next(one for one in prod.errors(period="7d") if one["errorType"] == "BackError")
    prod.api.post(f"/api/v1/errors/{back['id']}/resolve", {"resolvedInVersion": "1.1"})
    prod.report(fails("run_again", "BackError", hours=0, version="1.2"))

    page = desk.get(HOME)

    assert page.status_code == 200
    assert not is_plain(page)
    assert section(page, "new").startswith("New in 24 hours 2")
    assert re.search(r"FreshError.*1 30 min ago.*LoudError.*3 3 h ago", section(page, "new"))
    assert re.search(r"LoudError.*BackError", section(page, "loudest-day"))
    assert "LoudError" not in section(page, "loudest-hour")
    told = section(page, "regressions")
    assert "BackError" in told
    assert "resolved in 1.1, failed in 1.2 just now" in told
    assert re.search(r"resize at most \d+% in an hour.* 50% 1 2", section(page, "rates"))
    assert "ClickHouse answers Replication up to date Reports taken" in section(page, "stores")


def test_what_it_tells_leads_on(desk: Desk) -> None:
    desk.workspace.report(fails("run_1", "TypeError", task="resize"))

    html = desk.get(HOME).content.decode()

    addresses = [one.replace("&amp;", "&") for one in re.findall(r'href="(/admin/[^"]+)"', html)]
    leading = [one for one in addresses if "/errors_app/errorgroup/proj_" in one]
    answers = {address: desk.get(address) for address in leading}
    assert len(answers) >= 5
    assert {answer.status_code for answer in answers.values()} == {200}
    assert all("TypeError" in text_of(answer) for answer in answers.values())


def test_the_environment_is_chosen_and_sticks(desk: Desk) -> None:
    staging = make_workspace("staging", desk.workspace.environment.project)
    staging.report(fails("run_1", "TheirError"))

    first = desk.get(HOME)
    [choice] = re.findall(r'href="(/admin/\?environment=[^"]*staging)"', first.content.decode())
    there = desk.get(choice)

    assert "TheirError" not in text_of(first)
    assert "TheirError" in section(there, "new")
    assert "TheirError" in section(desk.get(HOME), "new")
    sticky = desk.get("/admin/errors_app/errorgroup/")
    assert sticky.url.endswith("/staging/")


@pytest.mark.parametrize("asked", ["nothing", "proj_nowhere/prod", "%00/prod", ""])
def test_an_environment_that_is_not_there_is_not_found(desk: Desk, asked: str) -> None:
    assert desk.get(f"{HOME}?environment={asked}").status_code == 404


def test_an_environment_of_strangers_is_not_found(desk: Desk) -> None:
    theirs = make_workspace("prod").environment

    address = f"{HOME}?environment={theirs.project.external_ref}/prod"

    assert desk.get(address).status_code == 404
    assert theirs.project.external_ref not in desk.get(HOME).content.decode()


def test_who_may_not_view_groups_or_has_none_gets_djangos_page(desk: Desk) -> None:
    nothing = logged_in(staff_member(desk.workspace))
    homeless = staff_member(desk.workspace, VIEW)
    homeless.memberships.all().delete()

    for person in (nothing, logged_in(homeless)):
        page = person.get(HOME)
        assert page.status_code == 200
        assert is_plain(page)
    assert Client().get(HOME)["Location"] == "/admin/login/?next=/admin/"


def test_the_apps_of_the_admin_are_below(desk: Desk, admin_client: Client) -> None:
    assert "Error groups" in section(desk.get(HOME), "apps")
    assert "API keys" not in section(desk.get(HOME), "apps")
    assert "API keys" in section(admin_client.get(HOME), "apps")


def test_without_clickhouse_it_says_so_and_tells_the_rest(desk: Desk, away: None) -> None:
    page = desk.get(HOME)

    assert page.status_code == 200
    assert "ClickHouse does not answer right now" in text_of(page)
    assert "ClickHouse is away Replication up to date" in section(page, "stores")
    assert "Not known right now." in section(page, "new")
    assert "Not known right now." in section(page, "rates")
    assert "Nothing that was resolved has failed again." in section(page, "regressions")


def test_what_waits_and_what_was_refused_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.workspace.send(failed("run_1"))
    OutboxEntry.objects.update(created_at=datetime.now(UTC) - timedelta(seconds=90))
    monkeypatch.setattr(back_pressure, "gauge", back_pressure.Gauge())

    page = desk.get(HOME)

    assert "Replication 1 change waits, the oldest for 1.5 min" in section(page, "stores")


def test_no_page_asks_clickhouse_more_than_six_times(desk: Desk, asked: list[str]) -> None:
    desk.workspace.report(
        *(fails(f"run_{n}", f"{chr(65 + n)}Error", version=f"1.{n}") for n in range(9))
    )
    group = desk.workspace.errors()[0]
    task = {"taskIdentifier": group["taskIdentifier"]}

    def questions(show: Callable[[], Any]) -> int:
        asked.clear()
        assert show().status_code == 200
        return len(asked)

    numbers = {
        "home": questions(lambda: desk.get(HOME)),
        "list": questions(lambda: desk.get(desk.address("list"))),
        "narrowed": questions(
            lambda: desk.get(
                desk.address("list", **{"filter[search]": "Error", "filter[version]": "1.1,1.2"})
            )
        ),
        "group": questions(lambda: desk.get(desk.address("page", group["id"], **task))),
        "run": questions(lambda: desk.get(desk.address("run", "run_1"))),
        "bulk": questions(
            lambda: desk.bulk("resolve", scope="matching", filter="filter[search]=Error")
        ),
    }

    assert {name: number for name, number in numbers.items() if not 0 < number <= 6} == {"run": 0}
