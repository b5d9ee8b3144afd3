"""Which group is explained, and by which of its runs."""

from django.http import QueryDict

from errors_app.web.filters import PickedTaskFilterSet
from runs_app.web.filters import TextListFilter


class ExplainedRunsFilterSet(PickedTaskFilterSet):
    """The task that an ambiguous id is meant for, and runs of the group."""

    plain = ("taskIdentifier", "runs")

    runs = TextListFilter(
        help_text="Up to two failed runs of the group to compare, by their ids. Default: the newest"
        " one, and beside it or beside a single one that is named the newest of another message."
    )


def parse_explained_runs(query: QueryDict) -> tuple[str | None, tuple[str, ...]]:
    """The task that is meant, if one is named, and the runs. Raises InvalidInput with all that is
    wrong."""
    values = ExplainedRunsFilterSet(query).values()
    return values["taskIdentifier"] or None, values["runs"]
