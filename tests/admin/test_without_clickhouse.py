"""With ClickHouse away the admin goes on, but for pages that read it: those say so plainly."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from runs_app.clickhouse import client
from runs_app.clickhouse.client import ClickHouse, ServerTarget, clickhouse
from runs_app.models import Environment, OutboxEntry, QuarantinedRow
from tests.admin.conftest import World, page_of

# Groups have no table, and pages of their own.
REGISTERED = sorted(
    (model for model in admin.site._registry if model._meta.managed),
    key=lambda model: model._meta.label,
)


def reads_clickhouse(request: HttpRequest) -> HttpResponse:
    clickhouse().query("a page", "SELECT 1", {})
    return HttpResponse("read")


urlpatterns = [
    path("admin/reads-clickhouse/", admin.site.admin_view(reads_clickhouse)),
    path("", include("config.urls")),
]


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens where ClickHouse should be."""
    door = ClickHouse(ServerTarget("clickhouse://127.0.0.1:1/default"))
    monkeypatch.setattr(client, "_process_wide", lambda _pid: door)
    yield
    door.close()


@pytest.fixture
def everything(ours: World) -> World:
    """An object of every registered model."""
    now = datetime.now(UTC)
    Group.objects.create(name="readers")
    QuarantinedRow.objects.create(
        kind=OutboxEntry.Kind.RUNS,
        environment=ours[Environment],
        run_id="run_ours1",
        row_count=1,
        created_at=now,
        quarantined_at=now,
        content=ours[OutboxEntry].content,
    )
    return ours


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_every_page_of_a_model_goes_on(
    superuser: Client, everything: World, away: None, model: type[Model]
) -> None:
    pk = model._default_manager.values_list("pk", flat=True)[0]
    model_admin = admin.site._registry[model]
    request = superuser.get("/admin/").wsgi_request
    pages = {
        "changelist": (),
        "change": (pk,),
        "history": (pk,),
        **({"add": ()} if model_admin.has_add_permission(request) else {}),
        **({"delete": (pk,)} if model_admin.has_delete_permission(request) else {}),
    }

    statuses = {
        page: superuser.get(page_of(model, page, *args)).status_code for page, args in pages.items()
    }

    assert statuses == dict.fromkeys(pages, 200)


@pytest.mark.parametrize("page", ["", "password_change/", "login/", "jsi18n/", "runs_app/"])
def test_the_pages_around_go_on(superuser: Client, away: None, page: str) -> None:
    assert superuser.get(f"/admin/{page}").status_code in {200, 302}


def test_a_page_that_reads_clickhouse_says_so_with_the_ids_of_request_and_error(
    superuser: Client, away: None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = __name__

    answer = superuser.get("/admin/reads-clickhouse/", headers={"x-request-id": "mine"})

    text = answer.content.decode()
    assert answer.status_code == 503
    assert answer["Content-Type"].startswith("text/html")
    assert answer["Retry-After"]
    assert "<code>mine</code>" in text
    assert "127.0.0.1" not in text
    [line] = [one for one in caplog.records if one.name == "faultline.errors"]
    assert line.exc_info is not None
    assert line.getMessage().partition("urn:uuid:")[2].rstrip(")") in text


def test_the_same_page_answers_when_clickhouse_is_there(
    superuser: Client, settings: Any, clickhouse_tables: None
) -> None:
    settings.ROOT_URLCONF = __name__

    assert superuser.get("/admin/reads-clickhouse/").content == b"read"
