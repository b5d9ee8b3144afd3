"""How a project's failures are grouped, as people set it and as a run's page shows it."""

from django.test import Client

from runs_app.domain.report_bodies import split_body
from runs_app.models import Environment, Organization, Project, TaskRun
from runs_app.services.ingest import ingest
from tests.admin.conftest import World, page_of

REPORT = (
    b'{"id": "run_away", "taskIdentifier": "t", "status": "FAILED",'
    b' "error": {"type": "HTTPError", "message": "HTTP status 503"}}'
)


def test_the_settings_of_a_project_are_explained_saved_and_obeyed(
    superuser: Client, ours: World
) -> None:
    address = page_of(Project, "change", ours[Project].pk)

    page = superuser.get(address).content.decode()
    superuser.post(
        address,
        {
            "organization": ours[Organization].pk,
            "name": "Shop",
            "slug": "shop",
            "grouping_rule": "v1",
            "keyword_grouping": "on",
            "expected_environment_errors": "on",
            "environments-TOTAL_FORMS": 0,
            "environments-INITIAL_FORMS": 0,
        },
    )

    assert "A change groups only what is reported from then on" in page
    settings = Environment.objects.select_related("project").get(pk=ours[Environment].pk).tenant()
    grouping = settings.grouping
    assert (grouping.rule, grouping.keywords) == ("v1", True)
    assert (grouping.expected_api_errors, grouping.expected_environment_errors) == (False, True)


def test_a_runs_page_says_what_its_error_is_about(superuser: Client, ours: World) -> None:
    ingest(ours[Environment].tenant(), split_body(REPORT, lines=False))
    run = TaskRun.objects.get(friendly_id="run_away")

    page = superuser.get(page_of(TaskRun, "change", run.pk)).content.decode()

    assert "t:server:http-503" in page
    assert "httpStatus" in page
    assert "Error category" in page
    assert "Expected by" in page
