"""Every page of every model answers; what is to be read only can only be read."""

import re

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs_app.admin import large_lists
from runs_app.admin.runs import TaskRunPages
from runs_app.models import Environment, Organization, OutboxEntry, Project, TaskRun, User
from tests.admin.conftest import MODELS, READ_ONLY, World, make_world, page_of, report_failure

each_model = pytest.mark.parametrize("model", MODELS)
each_writable = pytest.mark.parametrize("model", [m for m in MODELS if m not in READ_ONLY])
each_read_only = pytest.mark.parametrize("model", READ_ONLY)


def test_the_site_bears_its_name(superuser: Client) -> None:
    page = superuser.get("/admin/").content.decode()

    assert "Faultline" in page
    assert "Django administration" not in page


@each_model
def test_every_list_answers(superuser: Client, ours: World, model: type[Model]) -> None:
    answer = superuser.get(page_of(model, "changelist"))

    assert answer.status_code == 200
    assert page_of(model, "change", ours[model].pk) in answer.content.decode()


@each_model
def test_every_object_has_a_page(superuser: Client, ours: World, model: type[Model]) -> None:
    assert superuser.get(page_of(model, "change", ours[model].pk)).status_code == 200
    assert superuser.get(page_of(model, "history", ours[model].pk)).status_code == 200


@each_writable
def test_what_can_be_added_has_a_page_for_it(superuser: Client, model: type[Model]) -> None:
    assert superuser.get(page_of(model, "add")).status_code == 200


@each_read_only
def test_what_is_read_only_cannot_be_written(
    superuser: Client, ours: World, model: type[Model]
) -> None:
    pk = ours[model].pk

    assert superuser.get(page_of(model, "add")).status_code == 403
    assert superuser.post(page_of(model, "change", pk), {"status": "x"}).status_code == 403
    assert superuser.post(page_of(model, "delete", pk), {"post": "yes"}).status_code == 403
    superuser.post(
        page_of(model, "changelist"),
        {"action": "delete_selected", "_selected_action": [pk], "post": "yes"},
    )
    assert model._default_manager.filter(pk=pk).exists()


@each_model
def test_every_list_can_be_searched(superuser: Client, ours: World, model: type[Model]) -> None:
    answer = superuser.get(page_of(model, "changelist"), {"q": "nothing-of-the-kind"})

    assert answer.status_code == 200


@each_model
def test_a_list_takes_as_many_queries_for_four_rows_as_for_one(
    superuser: Client, ours: World, model: type[Model]
) -> None:
    superuser.get(page_of(model, "changelist"))
    with CaptureQueriesContext(
        connection,
    ) as few:
        superuser.get(page_of(model, "changelist"))
    for name in ("b", "c", "d"):
        make_world(name)

    with CaptureQueriesContext(connection) as many:
        superuser.get(page_of(model, "changelist"))

    assert len(many) == len(few)


def test_a_page_of_a_project_takes_no_query_per_environment(superuser: Client, ours: World) -> None:
    path = page_of(Project, "change", ours[Project].pk)
    superuser.get(path)
    with CaptureQueriesContext(connection) as few:
        superuser.get(path)
    for slug in ("dev", "staging", "preview"):
        Environment.objects.create(project=ours[Project], slug=slug, type="STAGING")

    with CaptureQueriesContext(connection) as many:
        superuser.get(path)

    assert len(many) == len(few)


@pytest.mark.parametrize("term", ["run_ours1", "ours1", "run_ou", "ours"])
def test_a_run_is_found_by_its_id_or_its_beginning(
    superuser: Client, ours: World, theirs: World, term: str
) -> None:
    page = superuser.get(page_of(TaskRun, "changelist"), {"q": term}).content.decode()

    assert "run_ours1" in page
    assert "run_theirs1" not in page


def test_a_search_for_a_run_uses_an_index(superuser: Client, ours: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        superuser.get(page_of(TaskRun, "changelist"), {"q": "run_ours1"})

    found = [q["sql"] for q in queries if "run_ours1" in q["sql"] and "COUNT" not in q["sql"]]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + found[0])
            plan = " ".join(str(row) for row in cursor.fetchall())
        assert "(environment_id=? AND friendly_id>? AND friendly_id<?)" in plan


def test_a_list_of_runs_leaves_large_texts_in_the_store(superuser: Client, ours: World) -> None:
    with CaptureQueriesContext(connection) as queries:
        superuser.get(page_of(TaskRun, "changelist"))

    assert not [query for query in queries if '"payload"' in query["sql"]]


def test_runs_are_counted_to_a_bound_only(
    superuser: Client, ours: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_lists, "COUNTED_ROWS", 2)
    for number in range(3):
        report_failure(ours[Environment], f"run_more{number}")

    page = superuser.get(page_of(TaskRun, "changelist")).content.decode()

    assert "The first 2 task runs" in page


def test_pages_of_runs_go_from_the_newest_to_the_oldest(
    superuser: Client, ours: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TaskRunPages, "list_per_page", 2)
    for number in range(2):
        report_failure(ours[Environment], f"run_more{number}")

    pages = [
        superuser.get(page_of(TaskRun, "changelist"), {"p": page}).content.decode()
        for page in (1, 2)
    ]

    shown = [re.findall(r">(run_\w+)</a>", page) for page in pages]
    assert shown == [["run_more1", "run_more0"], ["run_ours1"]]


def test_runs_can_be_narrowed_to_an_environment(
    superuser: Client, ours: World, theirs: World
) -> None:
    page = superuser.get(
        page_of(TaskRun, "changelist"), {"environment": ours[Environment].pk}
    ).content.decode()

    assert "run_ours1" in page
    assert "run_theirs1" not in page


def test_what_a_worker_sent_is_escaped_and_cut(superuser: Client, ours: World) -> None:
    for model in (TaskRun, OutboxEntry):
        page = superuser.get(page_of(model, "change", ours[model].pk)).content.decode()

        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "p" * 20_001 not in page
    assert (
        "… cut here" in superuser.get(page_of(TaskRun, "change", ours[TaskRun].pk)).content.decode()
    )


def test_content_that_cannot_be_read_is_shown_as_it_is(superuser: Client, ours: World) -> None:
    entry = ours[OutboxEntry]
    entry.content = b"<b>\xff no rows"
    entry.save()

    page = superuser.get(page_of(OutboxEntry, "change", entry.pk)).content.decode()

    assert "&lt;b&gt;\N{REPLACEMENT CHARACTER} no rows" in page


@pytest.mark.parametrize(
    "text", ["", "{broken", "[" * 100_000, '"\\ud800"', "null", '{"a": NaN}', "[" * 2_000_000]
)
def test_no_content_of_a_run_breaks_its_page(superuser: Client, ours: World, text: str) -> None:
    TaskRun.objects.update(payload=text, error=text, output=text, metadata=text, extra=text)

    assert superuser.get(page_of(TaskRun, "change", ours[TaskRun].pk)).status_code == 200


@pytest.mark.parametrize("model", [Organization, Project, Environment])
def test_what_has_runs_cannot_be_deleted(
    superuser: Client, ours: World, model: type[Model]
) -> None:
    pk = ours[model].pk

    superuser.post(page_of(model, "delete", pk), {"post": "yes"})
    superuser.post(
        page_of(model, "changelist"),
        {"action": "delete_selected", "_selected_action": [pk], "post": "yes"},
    )

    assert model._default_manager.filter(pk=pk).exists()
    assert TaskRun.objects.count() == 1


def test_the_refusal_says_why_and_collects_nothing(superuser: Client, ours: World) -> None:
    page = superuser.get(page_of(Environment, "delete", ours[Environment].pk)).content.decode()

    assert "it has task runs" in page


def test_an_empty_environment_goes_with_its_keys(superuser: Client, ours: World) -> None:
    TaskRun.objects.all().delete()
    OutboxEntry.objects.all().delete()
    ours.objects[next(m for m in ours.objects if m.__name__ == "ErrorGroupState")].delete()

    superuser.post(page_of(Environment, "delete", ours[Environment].pk), {"post": "yes"})

    assert not Environment.objects.exists()


def test_a_person_goes_with_their_tokens(superuser: Client, ours: World) -> None:
    superuser.post(page_of(User, "delete", ours[User].pk), {"post": "yes"})

    assert not User.objects.filter(pk=ours[User].pk).exists()


def test_a_new_project_has_its_four_environments(superuser: Client, ours: World) -> None:
    answer = superuser.post(
        page_of(Project, "add"),
        {
            "organization": ours[Organization].pk,
            "name": "New",
            "slug": "new",
            "grouping_rule": "v1",
        },
    )

    assert answer.status_code == 302
    project = Project.objects.get(slug="new")
    assert {(each.slug, each.type) for each in project.environments.all()} == {
        ("dev", "DEVELOPMENT"),
        ("staging", "STAGING"),
        ("prod", "PRODUCTION"),
        ("preview", "PREVIEW"),
    }


def test_an_environment_gets_the_type_of_its_slug_and_stays_where_it_is(
    superuser: Client, ours: World, theirs: World
) -> None:
    superuser.post(page_of(Environment, "add"), {"project": ours[Project].pk, "slug": "staging"})
    made = Environment.objects.get(slug="staging")
    assert (made.type, made.project) == ("STAGING", ours[Project])

    superuser.post(
        page_of(Environment, "change", made.pk),
        {"project": theirs[Project].pk, "slug": "dev", "type": "DEVELOPMENT"},
    )

    made.refresh_from_db()
    assert (made.type, made.slug, made.project) == ("STAGING", "staging", ours[Project])


def test_a_project_stays_in_its_organization(superuser: Client, ours: World, theirs: World) -> None:
    superuser.post(
        page_of(Project, "change", ours[Project].pk),
        {
            "organization": theirs[Organization].pk,
            "name": "Renamed",
            "slug": "renamed",
            "grouping_rule": "v1",
            "environments-TOTAL_FORMS": 0,
            "environments-INITIAL_FORMS": 0,
        },
    )

    project = Project.objects.get(pk=ours[Project].pk)
    assert (project.name, project.organization) == ("Renamed", ours[Organization])
