"""Run the worker."""

import argparse
import signal
import threading
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from errors_app.services.chores import Chores, all_chores
from errors_app.services.supervisor.parent import ParentGone, die_with
from errors_app.services.worker import Worker
from runs_app.services.replicate import Replicator

# Also the longest wait of one that never had its turn.
LAST_BATCH_SECONDS: Final = 5.0
# Longer than a step of a chore mostly takes; one that is cut off does no harm.
LAST_STEP_SECONDS: Final = 0.5


class Command(BaseCommand):
    help = (
        "Replicate runs and group states into ClickHouse, reopen groups whose time of being ignored"
        " or resolved is over, and delete what is past retention, until SIGTERM or Ctrl-C. Start as"
        " many as you like: one is at work, the others wait for its turn to end."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--supervisor", type=int, help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["supervisor"] is not None:
            try:
                die_with(options["supervisor"])
            except ParentGone as gone:
                raise CommandError(str(gone)) from gone
        stop = threading.Event()
        _stop_on_signals(stop)
        # A daemon: a step that hangs must not keep the process from ending.
        chores = threading.Thread(target=Chores(all_chores(), stop).run, daemon=True)
        chores.start()
        Worker(Replicator(), stop).run()
        chores.join(LAST_STEP_SECONDS)


def _stop_on_signals(stop: threading.Event) -> None:
    """The batch in hand may end, within limits; cut off, the next worker repairs it."""

    def asked(_number: int, _frame: object) -> None:
        stop.set()
        signal.setitimer(signal.ITIMER_REAL, LAST_BATCH_SECONDS)

    def overdue(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    signal.signal(signal.SIGALRM, overdue)
