"""`manage.py rebuild_clickhouse`: everything in ClickHouse anew, from the relational store."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.domain.errors import Unavailable
from runs_app.management.sentences import outages_told
from runs_app.queries import rebuilds
from runs_app.queries.rebuilds import RebuildProgress
from runs_app.services.rebuild import Stopped, begin_anew, rebuild
from runs_app.services.stores import prepare_stores

GO_ON = "Run `manage.py rebuild_clickhouse` again to go on from there."


class Command(BaseCommand):
    help = (
        "Empty ClickHouse's tables and tell it again everything the relational store holds, the"
        " newest runs first. Reports are taken and replicated meanwhile; lists and counts show what"
        " has been told so far. A rebuild that was stopped goes on where it was."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask before emptying tables")
        parser.add_argument(
            "--anew",
            action="store_true",
            help="begin an unfinished rebuild from its start",
        )

    def handle(self, *args: Any, yes: bool, anew: bool, **options: Any) -> None:
        with outages_told(GO_ON):
            told = _rebuild(yes=yes, anew=anew)
        self.stdout.write(
            f"ClickHouse is rebuilt: {told.runs_told} runs were told again. What was reported"
            " meanwhile arrives with the worker; `manage.py verify_counts` compares the stores."
        )


def _rebuild(*, yes: bool, anew: bool) -> RebuildProgress:
    try:
        # The relational store's own migrations first: the position is kept there.
        with contextlib.suppress(Unavailable):
            prepare_stores()
        if anew or _is_to_be_emptied():
            _ask(yes=yes)
        if anew:
            begin_anew()
        with _asked_to_stop() as stop, _bar() as bar:
            task = bar.add_task("rebuilding", total=None)

            def show(at: RebuildProgress) -> None:
                bar.update(task, completed=at.runs_told, total=at.runs_total)

            return rebuild(stop.wait, show)
    except MigrationRefused as refusal:
        raise CommandError(str(refusal)) from refusal
    except Stopped:
        raise CommandError(f"Stopped{_how_far()}. {GO_ON}") from None


def _is_to_be_emptied() -> bool:
    unfinished = rebuilds.unfinished()
    return unfinished is None or unfinished.emptied_at is None


def _ask(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("This empties ClickHouse's tables first: confirm with --yes.")
    answer = input(
        "This empties ClickHouse's tables and fills them from the relational store. Until the end"
        " lists and counts show less than there is. Go on? [y/N] "
    )
    if answer.strip().lower() not in {"y", "yes"}:
        raise CommandError("Nothing was changed.")


def _how_far() -> str:
    at = rebuilds.progress()
    return "" if at is None else f" after {at.runs_told} of {at.runs_total} runs"


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets: the step in hand comes to its end first."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bar() -> Progress:
    columns = (TextColumn("rebuilding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
