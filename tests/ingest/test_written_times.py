"""Ingest writes past the ORM; what it writes must be what the ORM would."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from runs_app.queries.task_runs import _text_of_time


@pytest.mark.parametrize("microsecond", [0, 1_000, 123_000, 999_000])
def test_a_time_is_written_to_sqlite_as_django_would(microsecond: int) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, microsecond, tzinfo=UTC)
    if connection.vendor != "sqlite":
        # PostgreSQL's driver takes the time as it is.
        assert connection.ops.adapt_datetimefield_value(moment) == moment
        return

    assert _text_of_time(moment) == connection.ops.adapt_datetimefield_value(moment)
