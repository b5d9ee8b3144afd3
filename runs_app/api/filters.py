"""The filters of the runs list."""

from typing import Final

from django.http import QueryDict

from runs_app.domain.ids import fingerprint_of_error_id
from runs_app.domain.run_filters import RunFilters
from runs_app.domain.run_status import ApiRunStatus, RunStatus, stored_for_filter
from runs_app.web.filters import (
    FROM,
    PERIOD,
    TO,
    BracketFilterSet,
    ChoiceListFilter,
    MomentFilter,
    PeriodFilter,
    TextListFilter,
    TrueFalseFilter,
    WindowNames,
    window_request,
)

STATUSES: Final = tuple(
    dict.fromkeys([*(status.value for status in ApiRunStatus), *(each.value for each in RunStatus)])
)


class RunFilterSet(BracketFilterSet):
    window = WindowNames("createdAt__period", "createdAt__from", "createdAt__to")

    status = ChoiceListFilter(
        allowed=STATUSES, help_text="Runs in these statuses, as shown or as stored."
    )
    taskIdentifier = TextListFilter(help_text="Runs of these tasks.")  # noqa: N815
    version = TextListFilter(help_text="Runs of these versions of tasks.")
    tag = TextListFilter(help_text="Runs with any of these tags.")
    error = TextListFilter(help_text="Runs behind these error groups, named by their ids.")
    isTest = TrueFalseFilter(help_text="Test runs alone, or none.")  # noqa: N815
    expected = TrueFalseFilter(
        help_text="Runs whose error was to be expected, as its client or a rule set has it, or all"
        " others."
    )
    createdAt__from = MomentFilter(help_text=FROM)  # noqa: N815
    createdAt__to = MomentFilter(help_text=TO)  # noqa: N815
    createdAt__period = PeriodFilter(help_text=PERIOD)  # noqa: N815
    batch = TextListFilter(help_text="Runs of these batches.")
    schedule = TextListFilter(help_text="Runs of these schedules.")
    queue = TextListFilter(help_text="Runs of these queues.")
    machine = TextListFilter(help_text="Runs on these machine presets.")
    region = TextListFilter(help_text="Runs in these regions.")


def parse_run_filters(query: QueryDict) -> RunFilters:
    """The filters of a query string. Raises InvalidInput with all that is wrong."""
    values = RunFilterSet(query).values()
    statuses = (status for word in values["status"] for status in stored_for_filter(word))
    return RunFilters(
        statuses=tuple(dict.fromkeys(statuses)),
        task_identifiers=values["taskIdentifier"],
        versions=values["version"],
        tags=values["tag"],
        error_fingerprints=tuple(fingerprint_of_error_id(text) for text in values["error"]),
        batches=values["batch"],
        schedules=values["schedule"],
        queues=values["queue"],
        machines=values["machine"],
        regions=values["region"],
        is_test=values["isTest"],
        expected=values["expected"],
        created=window_request(values, RunFilterSet.window),
    )
