"""Give up decisions about groups that have had their time."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from errors_app.domain.transitions import Rule
from errors_app.services.chores import chores_held_off
from errors_app.services.sweep import sweep
from runs_app.domain.errors import Contention, NotFound
from runs_app.domain.tenant import Tenant
from runs_app.management.sentences import outages_told
from runs_app.queries.tenants import tenant_by_name

INTERRUPTED_STATUS = 130
SENTENCES = {
    Rule.IGNORE_EXPIRED: "whose time of being ignored is over",
    Rule.IGNORE_TOTAL: "ignored until they had failed so often",
    Rule.IGNORE_RATE: "ignored until they failed at a rate",
    Rule.REGRESSION: "that failed again after they were resolved",
}


class Command(BaseCommand):
    help = (
        "Reopen groups that were ignored or resolved until something happened that has happened."
        " The worker does it by itself, every FAULTLINE_SWEEP_SECONDS; this is for those who cannot"
        " wait. It waits for a worker's own sweep to end. Ctrl-C ends it in between."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--environment", metavar="REF/SLUG", help="only this one, such as proj_abcdefghij/prod"
        )
        parser.add_argument("--dry-run", action="store_true", help="count, reopen nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        with outages_told("What is left comes back with the next sweep."):
            only = _tenant(options["environment"])
            try:
                with chores_held_off():
                    self._sweep(only, dry_run=options["dry_run"])
            except KeyboardInterrupt:
                raise CommandError(
                    "Stopped; what is left comes back with the next sweep.",
                    returncode=INTERRUPTED_STATUS,
                ) from None
            except Contention as error:
                raise CommandError(str(error)) from error

    def _sweep(self, only: Tenant | None, *, dry_run: bool) -> None:
        """Sweep, and tell what came back, also where something stopped it."""
        found: Counter[Rule] = Counter()
        try:
            for part in sweep(only, dry_run=dry_run):
                found.update(part)
        finally:
            verb = "would reopen" if dry_run else "reopened"
            for rule, sentence in SENTENCES.items():
                self.stdout.write(f"{verb} {found[rule]} groups {sentence}")


def _tenant(name: str | None) -> Tenant | None:
    if name is None:
        return None
    try:
        return tenant_by_name(name)
    except NotFound as error:
        raise CommandError(str(error)) from error
