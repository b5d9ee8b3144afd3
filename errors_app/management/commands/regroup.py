"""Tell what other grouping settings would make of the groups there are."""

import json
from argparse import ArgumentTypeError, BooleanOptionalAction
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from errors_app.management.regroup_report import as_lines, as_members
from errors_app.services.regroup import preview_regrouping
from runs_app.domain.errors import NotFound
from runs_app.domain.grouping.rules import RULES
from runs_app.domain.grouping.settings import GroupingSettings
from runs_app.domain.tenant import Tenant
from runs_app.domain.times import utc_now
from runs_app.management.sentences import outages_told
from runs_app.queries import tenants

INTERRUPTED_STATUS: Final = 130
MOST_DAYS: Final = 36_500
ONLY_TELLS: Final = (
    "Give --dry-run: this command only tells. A failure that is stored keeps the group it was"
    " counted in, with that group's state and history; a project's settings group what is reported"
    " from then on. Groups that are one bug can be merged."
)


class Command(BaseCommand):
    help = (
        "Read the stored failures and tell how many groups would merge or split under another"
        " rule, or under the settings the project has now, with the largest examples; then switch"
        " on the project's page, or not. Nothing is changed: a failure that is stored keeps the"
        " group it was counted in, and only what is reported after a switch is grouped by it."
        " Runs without an error are left out. Groups that people merged count as one, before and"
        " after."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="needed: there is nothing else")
        where = parser.add_mutually_exclusive_group()
        where.add_argument(
            "--environment", metavar="REF/SLUG", help="only this one, such as proj_abcdefghij/prod"
        )
        where.add_argument("--project", metavar="REF", help="only the environments of this one")
        parser.add_argument(
            "--rule", choices=sorted(RULES), help="instead of the rule each project has"
        )
        parser.add_argument(
            "--keywords",
            action=BooleanOptionalAction,
            help="group by keywords, or not, instead of what each project has",
        )
        parser.add_argument(
            "--days", type=_days, metavar="N", help="only failures of the last N days"
        )
        parser.add_argument(
            "--json", action="store_true", help="a JSON object for each environment, one a line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"]:
            raise CommandError(ONLY_TELLS)
        days = options["days"]
        since = None if days is None else utc_now() - timedelta(days=days)
        try:
            with outages_told("Nothing was changed; try again."):
                for tenant in _tenants(options["environment"], options["project"]):
                    wanted = _wanted(tenant, options["rule"], options["keywords"])
                    self._tell(tenant, wanted, since, as_json=options["json"])
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped; nothing was changed.", returncode=INTERRUPTED_STATUS
            ) from None

    def _tell(
        self, tenant: Tenant, wanted: GroupingSettings, since: datetime | None, *, as_json: bool
    ) -> None:
        preview = preview_regrouping(tenant, wanted, since, on_step=self._step)
        if as_json:
            self.stdout.write(json.dumps(as_members(tenant, wanted, preview)))
        else:
            for line in as_lines(tenant, wanted, preview):
                self.stdout.write(line)

    def _step(self, runs: int) -> None:
        self.stderr.write(f"{runs:,} failed runs read")


def _tenants(environment: str | None, project: str | None) -> Iterable[Tenant]:
    try:
        if environment is not None:
            return [tenants.tenant_by_name(environment)]
        if project is not None:
            return tenants.tenants_of_project(project)
    except NotFound as error:
        raise CommandError(error.user_message) from None
    return tenants.all_tenants()


def _wanted(tenant: Tenant, rule: str | None, keywords: bool | None) -> GroupingSettings:
    has = tenant.grouping
    return replace(
        has,
        rule=has.rule if rule is None else rule,
        keywords=has.keywords if keywords is None else keywords,
    )


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_DAYS):
        raise ArgumentTypeError(f"a whole number from 1 to {MOST_DAYS}")
    return int(text)
