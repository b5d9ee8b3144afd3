"""Run statuses, stored and shown."""

import pytest

from runs_app.domain.run_status import (
    FAILED_STATUSES,
    SHOWN,
    ApiRunStatus,
    RunStatus,
    stored_for_filter,
    stored_from_input,
)

# Stored status, API status, the booleans that are true.
TABLE = [
    ("DELAYED", "DELAYED", "queued"),
    ("PENDING", "QUEUED", "queued"),
    ("PENDING_VERSION", "PENDING_VERSION", "queued"),
    ("WAITING_FOR_DEPLOY", "PENDING_VERSION", "queued"),
    ("DEQUEUED", "DEQUEUED", "executing"),
    ("EXECUTING", "EXECUTING", "executing"),
    ("RETRYING_AFTER_FAILURE", "EXECUTING", "executing"),
    ("WAITING_TO_RESUME", "WAITING", "waiting"),
    ("PAUSED", "WAITING", "waiting"),
    ("COMPLETED_SUCCESSFULLY", "COMPLETED", "completed success"),
    ("COMPLETED_WITH_ERRORS", "FAILED", "completed failed"),
    ("INTERRUPTED", "FAILED", "completed failed"),
    ("CRASHED", "CRASHED", "completed failed"),
    ("SYSTEM_FAILURE", "SYSTEM_FAILURE", "completed failed"),
    ("TIMED_OUT", "TIMED_OUT", "completed failed"),
    ("EXPIRED", "EXPIRED", "completed failed"),
    ("CANCELED", "CANCELED", "completed failed cancelled"),
]
FLAGS = ("queued", "executing", "waiting", "completed", "success", "failed", "cancelled")


@pytest.mark.parametrize(("stored", "shown", "true"), TABLE)
def test_a_stored_status_is_shown_as_the_table_says(stored, shown, true):
    presented = SHOWN[RunStatus(stored)]

    assert presented.status == shown
    assert {flag for flag in FLAGS if getattr(presented.flags, f"is_{flag}")} == set(true.split())


def test_the_table_holds_every_status():
    assert [stored for stored, _, _ in TABLE] == [*RunStatus]
    assert {shown for _, shown, _ in TABLE} == {*ApiRunStatus}
    assert set(SHOWN) == {*RunStatus}


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("FAILED", RunStatus.COMPLETED_WITH_ERRORS),
        ("QUEUED", RunStatus.PENDING),
        ("WAITING", RunStatus.WAITING_TO_RESUME),
        ("COMPLETED", RunStatus.COMPLETED_SUCCESSFULLY),
        ("PENDING_VERSION", RunStatus.PENDING_VERSION),
        ("EXECUTING", RunStatus.EXECUTING),
    ],
)
def test_a_reported_api_status_maps_back(name, stored):
    assert stored_from_input(name) is stored


@pytest.mark.parametrize("stored", RunStatus)
def test_a_reported_stored_status_is_kept(stored):
    assert stored_from_input(stored.value) is stored


@pytest.mark.parametrize("shown", ApiRunStatus)
def test_every_api_status_can_be_reported_and_is_shown_again(shown):
    stored = stored_from_input(shown.value)

    assert stored is not None
    assert SHOWN[stored].status is shown


@pytest.mark.parametrize("name", ["", "failed", "FAILED ", "CANCELLED", "UNKNOWN"])
def test_other_names_are_no_status(name):
    assert stored_from_input(name) is None
    assert stored_for_filter(name) == ()


@pytest.mark.parametrize("shown", ApiRunStatus)
def test_a_filter_on_an_api_status_finds_all_that_is_shown_so(shown):
    assert {*stored_for_filter(shown.value)} == {
        RunStatus(stored) for stored, api, _ in TABLE if api == shown
    }


def test_a_filter_on_failed_means_both_stored_ones():
    assert stored_for_filter("FAILED") == (RunStatus.COMPLETED_WITH_ERRORS, RunStatus.INTERRUPTED)


@pytest.mark.parametrize(
    "stored", [status for status in RunStatus if status.value not in {*ApiRunStatus}]
)
def test_a_filter_on_a_stored_status_alone_means_that_one(stored):
    assert stored_for_filter(stored.value) == (stored,)


def test_five_failures_make_an_error_group():
    assert {
        "SYSTEM_FAILURE", "CRASHED", "INTERRUPTED", "COMPLETED_WITH_ERRORS", "TIMED_OUT",
    } == FAILED_STATUSES  # fmt: skip
    assert all(SHOWN[status].flags.is_failed for status in FAILED_STATUSES)
