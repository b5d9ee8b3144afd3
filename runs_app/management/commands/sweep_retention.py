"""Delete what is past retention."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs_app.domain.times import utc_now
from runs_app.management.sentences import outages_told
from runs_app.services.retention import (
    Kind,
    NoEnvironmentKnown,
    Swept,
    count_expired,
    find_unknown_environments,
    sweep_retention,
    sweep_unknown_environments,
)

INTERRUPTED_STATUS = 130


class Command(BaseCommand):
    help = (
        "Delete runs, groups and leftovers that are older than the retention, in small steps"
        " beside everything else. The worker does it by itself; this is for those who cannot wait."
        " Ctrl-C ends it in between; several may run at once."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, delete nothing")
        parser.add_argument(
            "--unknown-environments",
            action="store_true",
            help="also delete from ClickHouse what belonged to environments that were deleted."
            " Never where two installations share its database: each takes the other's rows for"
            " such. It refuses where the relational store knows none of the environments, but one"
            " that both know, as after a copied database, hides that from it. On big tables it"
            " takes long: replication waits meanwhile, at most five minutes for each table, and"
            " one that takes longer is deleted from in the background; run it again then",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        unknown = options["unknown_environments"]
        with outages_told("What is left goes with the next sweep."):
            try:
                if options["dry_run"]:
                    self._count(unknown=unknown)
                else:
                    self._sweep(unknown=unknown)
            except KeyboardInterrupt:
                raise CommandError(
                    "Stopped; what is left goes with the next sweep.",
                    returncode=INTERRUPTED_STATUS,
                ) from None
            except NoEnvironmentKnown as error:
                raise CommandError(str(error)) from error

    def _sweep(self, *, unknown: bool) -> None:
        """Sweep, and tell what was deleted, also where something stopped it."""
        deleted: Counter[Kind] = Counter()
        try:
            for swept in _steps(unknown=unknown):
                deleted[swept.kind] += swept.count
        finally:
            self._tell("deleted", deleted)

    def _count(self, *, unknown: bool) -> None:
        expired = Counter(count_expired(utc_now()))
        if unknown:
            expired[Kind.ENVIRONMENTS] = len(find_unknown_environments())
        self._tell("would delete", expired)

    def _tell(self, verb: str, counts: Counter[Kind]) -> None:
        for kind in Kind:
            if kind in counts:
                self.stdout.write(f"{verb} {counts[kind]} {kind}")


def _steps(*, unknown: bool) -> Iterator[Swept]:
    yield from sweep_retention(utc_now())
    if unknown:
        yield from sweep_unknown_environments()
