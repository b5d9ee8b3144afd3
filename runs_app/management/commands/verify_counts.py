"""Check that ClickHouse's counts say what its failed runs say."""

from collections.abc import Iterable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs_app.domain.errors import NotFound, Unavailable
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import iso
from runs_app.queries import tenants
from runs_app.queries.counts import Difference
from runs_app.services.verify import Verdict, verify_environment

MOST_LINES: Final = 20


class Command(BaseCommand):
    help = (
        "Compare the counted failures of every minute that is kept with the failed runs, one"
        " environment after the other, and print what differs. Exit status 1 when differences"
        " remain. Replication waits while an environment is looked at."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="make the counts right, then look again"
        )
        parser.add_argument(
            "--environment", metavar="REF/SLUG", help="only this one, such as proj_abc/prod"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        remaining = 0
        try:
            for tenant in _tenants(options["environment"]):
                verdict = verify_environment(tenant, repair=options["repair"])
                self._tell(tenant, verdict, repair=options["repair"])
                remaining += len(verdict.remaining)
        except Unavailable as error:
            raise CommandError(error.user_message) from error
        if remaining:
            raise CommandError(f"Minutes that are wrong: {remaining}.")

    def _tell(self, tenant: Tenant, verdict: Verdict, *, repair: bool) -> None:
        place = f"environment {tenant.environment_slug} ({tenant.environment_id})"
        if not verdict.found:
            self.stdout.write(f"{place}: all counts are right")
            return
        self.stdout.write(f"{place}: {len(verdict.found)} wrong")
        for difference in verdict.found[:MOST_LINES]:
            self.stdout.write(f"  {_line(difference)}")
        if len(verdict.found) > MOST_LINES:
            self.stdout.write(f"  and {len(verdict.found) - MOST_LINES} more")
        if repair:
            self.stdout.write(f"  after the repair: {len(verdict.remaining)} wrong")


def _tenants(name: str | None) -> Iterable[Tenant]:
    if name is None:
        return tenants.all_tenants()
    try:
        return [tenants.tenant_by_name(name)]
    except NotFound as error:
        raise CommandError(error.user_message) from None


def _line(difference: Difference) -> str:
    version = difference.task_version or "no version"
    missing = difference.missing
    wrong = f"{missing} too few" if missing > 0 else f"{-missing} too many"
    return (
        f"{iso(difference.minute)} {difference.error_fingerprint} in"
        f" {difference.task_identifier} ({version}): {wrong}"
    )
