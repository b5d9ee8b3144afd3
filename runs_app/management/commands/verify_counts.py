"""Check that ClickHouse says what the relational store says, and mend it."""

from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs_app.domain.errors import NotFound
from runs_app.domain.tenant import Tenant
from runs_app.management.sentences import outages_told
from runs_app.queries import rebuilds, tenants
from runs_app.services.findings import MOST_EXAMPLES, Findings, Kind
from runs_app.services.replicate import Replicator, deliver_what_waits
from runs_app.services.verify import Verdict, verify_environment


class Command(BaseCommand):
    help = (
        "Compare what ClickHouse knows of runs, failures, groups and their states with the"
        " relational store, one environment after the other, and print what differs. Exit status"
        " 1 when differences remain. Reports are taken and replicated meanwhile."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--repair", action="store_true", help="make ClickHouse right, then look again"
        )
        parser.add_argument(
            "--environment", metavar="REF/SLUG", help="only this one, such as proj_abc/prod"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with outages_told("Nothing was looked at; try again."):
            rebuilding = rebuilds.is_under_way()
        if rebuilding:
            raise CommandError(
                "ClickHouse is being rebuilt. Let `manage.py rebuild_clickhouse` come to its end"
                " first: run it again where it was stopped."
            )
        remaining = 0
        with outages_told("What was mended stays so; try again."):
            replicator = Replicator()
            if not deliver_what_waits(replicator):
                raise CommandError(
                    f"What waits does not get into ClickHouse: {replicator.away}. Nothing was"
                    " looked at; try again."
                )
            for tenant in _tenants(options["environment"]):
                verdict = verify_environment(tenant, repair=options["repair"])
                self._tell(tenant, verdict, repair=options["repair"])
                remaining += verdict.after.total
        if remaining:
            raise CommandError(f"Differences that are wrong: {remaining}.")

    def _tell(self, tenant: Tenant, verdict: Verdict, *, repair: bool) -> None:
        place = f"environment {tenant.environment_slug} ({tenant.environment_id})"
        if verdict.before.total:
            self.stdout.write(f"{place}: {verdict.before.total} wrong")
            self._list(verdict.before)
        else:
            self.stdout.write(f"{place}: all counts are right")
        if aside := len(verdict.after.set_aside):
            self.stdout.write(
                f"  {aside} run{'' if aside == 1 else 's'} set aside, with rows in quarantine,"
                " not compared"
            )
        if unreadable := verdict.after.unreadable:
            self.stdout.write(
                f"  {unreadable} set aside that nobody can read: whatever runs it tells of are"
                " compared, and mended, like all others"
            )
        if verdict.before.total and repair:
            self.stdout.write(f"  after the repair: {verdict.after.total} wrong")
            self._list(verdict.after)

    def _list(self, findings: Findings) -> None:
        for kind in Kind:
            number = findings.numbers[kind]
            if not number:
                continue
            self.stdout.write(f"  {kind.value}: {number}")
            for example in findings.examples:
                if example.kind is kind:
                    self.stdout.write(f"    {example.line}")
            if number > MOST_EXAMPLES:
                self.stdout.write(f"    and {number - MOST_EXAMPLES} more")


def _tenants(name: str | None) -> Iterable[Tenant]:
    if name is None:
        return tenants.all_tenants()
    try:
        return [tenants.tenant_by_name(name)]
    except NotFound as error:
        raise CommandError(error.user_message) from None
