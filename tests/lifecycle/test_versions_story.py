"""Resolved in a version, or in the next one, for each way of writing versions: what reopens."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from errors_app.models import ErrorGroupActivity
from tests.api.conftest import Clock
from tests.api.conftest import clock as clock  # noqa: PLC0414 - a fixture
from tests.api.expectations import failure, iso, moment
from tests.conftest import Workspace


@dataclass(frozen=True)
class Form:
    """Versions written in one way, each newer than the one before it."""

    scheme: str
    older: str
    known: str
    newer: str


FORMS = [
    Form("date and counter", "20240101.9", "20240101.10", "20240101.11"),
    Form("date and counter", "20231231.99", "20240101.1", "20240102.1"),
    Form("semantic version", "1.9.12", "1.10.0", "1.10.1"),
    Form("semantic version", "v1.9.12", "v1.10.0-rc.1", "v1.10.0"),
    Form("semantic version", "worker@1.9.12", "worker@1.10.0", "worker@2.0.0"),
    Form("semantic version", "@acme/worker@v1.9.12", "v1.10.0", "1.10.1"),
    Form("date", "2024-01-31", "2024-02-01", "2024-02-10"),
    Form("date", "2024-1-9", "2024-1-10", "2024-2-1"),
    Form("integer", "20240131", "20240201", "20240202"),
    Form("integer", "9", "10", "11"),
    Form("numbers with dots", "1.9", "1.10", "1.11"),
]


class Story:
    """One group. Every failure comes a minute after what was before."""

    def __init__(self, workspace: Workspace, clock: Clock, error_type: str = "E") -> None:
        self.workspace = workspace
        self._clock = clock
        self.error_type = error_type
        self._runs = 0

    def failure(self, version: str | None) -> dict[str, Any]:
        """A report of the group's next failure."""
        self._clock.advance(minutes=1)
        self._runs += 1
        known = {} if version is None else {"version": version}
        failed_at = iso(moment() + self._clock.ahead)
        return failure(self.newest_run(), self.error_type, failedAt=failed_at, **known)

    def fail(self, *versions: str | None) -> str:
        """The group fails in each of these versions; what its status is then."""
        self.workspace.report(*(self.failure(version) for version in versions))
        return self.status()

    def resolve(self, **body: Any) -> dict[str, Any]:
        self._clock.advance(minutes=1)
        answer = self.workspace.api.post(f"{self._path}/resolve", body)
        assert answer.status == 200, answer.body
        detail: dict[str, Any] = answer.body
        return detail

    def status(self) -> str:
        status: str = self.workspace.api.get(self._path).body["status"]
        return status

    def newest_change(self) -> dict[str, Any]:
        change: dict[str, Any] = self.workspace.api.get(f"{self._path}/activity").body["data"][0]
        return change

    def newest_run(self) -> str:
        return f"run_{self.error_type}{self._runs}"

    @cached_property
    def _path(self) -> str:
        [group] = [one for one in self.workspace.errors() if one["errorType"] == self.error_type]
        return f"/api/v1/errors/{group['id']}"


@pytest.fixture
def story(prod: Workspace, clock: Clock) -> Story:
    return Story(prod, clock)


def test_resolved_in_a_version_only_that_one_and_newer_ones_reopen(
    prod: Workspace, clock: Clock
) -> None:
    stories = [(Story(prod, clock, f"E{number}"), form) for number, form in enumerate(FORMS)]

    def fail(name: str) -> dict[str, str]:
        """All fail, each in its version of that name; what their status is then."""
        prod.report(*(story.failure(getattr(form, name)) for story, form in stories))
        statuses = {group["errorType"]: group["status"] for group in prod.errors()}
        return {form.known: statuses[story.error_type] for story, form in stories}

    def resolve() -> None:
        for story, form in stories:
            story.resolve(resolvedInVersion=form.known)

    fail("older")
    resolve()
    assert set(fail("older").items()) == {(form.known, "resolved") for form in FORMS}
    for name in ("known", "newer"):
        assert set(fail(name).items()) == {(form.known, "unresolved") for form in FORMS}
        for story, form in stories:
            change = story.newest_change()
            assert change["actor"]["name"] == "regression"
            assert (change["runId"], change["version"]) == (
                story.newest_run(),
                getattr(form, name),
            )
            assert change["details"] == {
                "resolvedInVersion": form.known,
                "comparison": form.scheme,
            }
        resolve()
    assert set(fail("older").items()) == {(form.known, "resolved") for form in FORMS}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.known)
def test_resolved_in_the_next_version_only_newer_ones_than_the_newest_reopen(
    story: Story, form: Form
) -> None:
    story.workspace.report(story.failure(form.known), story.failure(form.older))

    detail = story.resolve(resolvedInNextVersion=True)

    assert detail["resolvedAfterVersion"] == form.known
    assert story.newest_change()["details"] == {"nextAfter": form.known}
    assert story.fail(form.older, form.known) == "resolved"
    assert story.fail(form.newer) == "unresolved"
    change = story.newest_change()
    assert (change["actor"]["name"], change["runId"]) == ("regression", story.newest_run())
    assert change["version"] == form.newer
    assert change["details"] == {"resolvedAfterVersion": form.known, "comparison": form.scheme}
    # That one is the newest now.
    assert story.resolve(resolvedInNextVersion=True)["resolvedAfterVersion"] == form.newer
    assert story.fail(form.newer) == "resolved"


UNKNOWN = [
    (None, "version not known"),
    ("main", "cannot be compared"),
    ("a1b2c3d", "cannot be compared"),
]


@pytest.mark.parametrize(("version", "comparison"), UNKNOWN)
@pytest.mark.parametrize("known", ["20240101.10", "v1.10.0", "release-7"])
def test_where_it_cannot_be_told_which_is_newer_it_reopens(
    story: Story, known: str, version: str | None, comparison: str
) -> None:
    resolutions = {
        "resolvedInVersion": {"resolvedInVersion": known},
        "resolvedAfterVersion": {"resolvedInNextVersion": True},
    }
    for member, body in resolutions.items():
        # Else another one would be the version seen last, which the next one comes after.
        story.fail(known)
        story.resolve(**body)

        assert story.fail(version) == "unresolved"

        details = story.newest_change()["details"]
        assert details == {member: known, "comparison": comparison}


def test_resolved_in_the_next_version_it_may_still_fail_in_a_text_that_was_the_last_one(
    story: Story,
) -> None:
    story.fail("a1b2c3d")
    story.resolve(resolvedInNextVersion=True)

    assert story.fail("a1b2c3d") == "resolved"
    assert story.fail("e4f5a6b") == "unresolved"


def test_resolved_without_a_version_every_failure_reopens(story: Story) -> None:
    story.fail("20240101.10")
    story.resolve()

    assert story.fail("20240101.1") == "unresolved"
    assert story.newest_change()["details"] is None


def test_versions_that_never_failed_count_as_seen(story: Story) -> None:
    story.fail("1.0.0")
    story.workspace.report(
        {"id": "run_fine", "taskIdentifier": "other", "status": "COMPLETED", "version": "1.1.0"}
    )

    assert story.resolve(resolvedInNextVersion=True)["resolvedAfterVersion"] == "1.1.0"
    assert story.fail("1.1.0") == "resolved"
    assert story.fail("1.2.0") == "unresolved"


def test_whoever_went_over_to_another_way_of_counting_counts_on_in_it(story: Story) -> None:
    story.workspace.report(
        *(story.failure(version) for version in ("20240101.10", "1.1.0", "1.0.0"))
    )

    assert story.resolve(resolvedInNextVersion=True)["resolvedAfterVersion"] == "1.1.0"
    assert story.fail("1.1.0") == "resolved"


def test_the_trail_has_one_entry_for_each_change(story: Story) -> None:
    story.fail("1.0.0")
    for _ in range(3):
        story.resolve(resolvedInNextVersion=True)
        story.fail("1.0.0")
    story.fail("2.0.0")
    story.fail("2.0.0")

    actors = [row.actor_kind for row in ErrorGroupActivity.objects.order_by("state_version")]
    assert actors == ["key", "key", "key", "rule"]
