"""Run the embedded ClickHouse in this terminal."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from runs_app.clickhouse.embedded.launch import environment, foreground_command


class Command(BaseCommand):
    help = "Run the embedded ClickHouse in the foreground, until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=0, help="0 (the default): any free one")

    def handle(self, *args: Any, **options: Any) -> None:
        command = foreground_command(settings.FAULTLINE_DATA / "clickhouse", port=options["port"])
        # Replaces this process: the engine needs a fresh interpreter, and Ctrl-C and SIGTERM
        # then reach it without a parent in between.
        os.execve(command[0], command, environment())  # noqa: S606
