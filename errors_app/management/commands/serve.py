"""Run everything on this machine."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from errors_app.services.supervisor.family import Family, Options
from errors_app.services.supervisor.refusal import CannotServe
from errors_app.services.supervisor.web import DEFAULT_THREADS, default_workers
from errors_app.services.supervisor.welcome import welcome


class Command(BaseCommand):
    help = (
        "Run everything on this machine as a small family of processes: the embedded ClickHouse"
        " (unless CLICKHOUSE_URL names a server), the web, and the worker that replicates. Both"
        " stores are migrated first. A process that dies is started again; SIGTERM or Ctrl-C"
        " ends them all in order."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
        parser.add_argument("--port", type=_port, default=8000, help="default: 8000; 0: any")
        parser.add_argument(
            "--workers",
            type=_positive,
            default=default_workers(),
            help="web processes; default: one a core, from 2 to 8",
        )
        parser.add_argument(
            "--threads",
            type=_positive,
            default=DEFAULT_THREADS,
            help="of each; default: %(default)s",
        )
        parser.add_argument(
            "--welcome",
            action="store_true",
            help="say how to sign in, and print a first request with its real key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        family = Family(
            Options(
                host=options["host"],
                port=options["port"],
                workers=options["workers"],
                threads=options["threads"],
            )
        )

        def when_ready(address: str) -> None:
            self.stdout.write(f"Faultline is ready on {address}")
            if options["welcome"]:
                self.stdout.write("\n".join(welcome(address)))
            self.stdout.flush()

        try:
            family.run(when_ready)
        except CannotServe as refusal:
            raise CommandError(str(refusal)) from refusal


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
