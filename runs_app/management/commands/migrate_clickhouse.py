"""Bring ClickHouse's tables up to date."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.domain.errors import Unavailable
from runs_app.services.stores import migrate_clickhouse, setup_turn


class Command(BaseCommand):
    help = (
        "Apply the ClickHouse migrations that have not run yet, in order, and set the retention."
        " Running it again does nothing."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with setup_turn():
                ran = migrate_clickhouse()
        except MigrationRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        except Unavailable as error:
            raise CommandError(f"{error.user_message} ({error})") from error
        for name in ran:
            self.stdout.write(f"applied {name}")
        if not ran:
            self.stdout.write("nothing to do")
