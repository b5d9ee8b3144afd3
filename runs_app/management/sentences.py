"""How a command ends where a store is away: with a sentence instead of a traceback."""

import contextlib
from collections.abc import Iterator
from typing import Final

from django.core.management.base import CommandError
from django.db import Error

from runs_app.clickhouse.failures import ClickHouseFault
from runs_app.domain.errors import Unavailable
from runs_app.services.outages import database_is_away

CAUSE_CHARACTERS: Final = 300


@contextlib.contextmanager
def outages_told(advice: str) -> Iterator[None]:
    """End the command with status 1 where a store is away, locked or overloaded, or ClickHouse
    rejects a statement. `advice`: what became of what was done so far, and what to do."""
    try:
        yield
    except Unavailable as error:
        raise CommandError(f"{error.user_message} {advice} ({cause_of(error)})") from error
    except ClickHouseFault as error:
        raise CommandError(
            f"ClickHouse rejects a statement. {advice} ({cause_of(error)})"
        ) from error
    except Error as error:
        if not database_is_away(error):
            raise
        raise CommandError(
            f"The relational store is locked or away. {advice} ({cause_of(error)})"
        ) from error


def cause_of(error: BaseException) -> str:
    """What went wrong, in a line: servers tell more, ClickHouse its whole stack."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:CAUSE_CHARACTERS]
