"""`manage.py load_runs FILE`: backfill from an export of `task_runs_v2`."""

import gzip
import zlib
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.domain.errors import Contention, NotFound, Unavailable
from runs_app.domain.tenant import Tenant
from runs_app.queries.tenants import tenant_by_name
from runs_app.services.load import LoadResult, load_runs
from runs_app.services.replicate import Replicator
from runs_app.services.stores import prepare_stores


class Command(BaseCommand):
    help = (
        "Load runs from a file of task_runs_v2 rows in JSONEachRow form (one JSON object a line;"
        " .gz is unpacked). Loading a file again changes nothing. Rows of unknown environments"
        " are refused and counted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--environment",
            metavar="REF/SLUG",
            help="put every row into this environment, such as proj_abc…/prod, whatever it names",
        )

    def handle(self, *args: Any, file: Path, environment: str | None, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        prepared = _prepared()
        try:
            result = self._load(file, _target(environment))
        except Contention as error:
            raise CommandError(
                f"{error.user_message} Rows before these are loaded already; loading the file again"
                " changes nothing about them."
            ) from error
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise CommandError(
                f"{file} is not complete gzip data. Rows before the fault may be loaded already;"
                " loading the mended file again changes nothing about them."
            ) from None
        self._report(result)
        if not ((prepared or _prepared()) and Replicator().drain()):
            self.stderr.write("ClickHouse is away: the runs are kept and arrive when it is back.")
        if result.refused and not result.loaded and not result.unchanged:
            raise CommandError("Every row was refused.")

    def _load(self, file: Path, target: Tenant | None) -> LoadResult:
        columns = (
            TextColumn("loading"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        with _open(file) as stream, Progress(*columns, console=console, transient=True) as bar:
            # The size of what is packed tells nothing about the rows: no total then.
            total = None if file.suffix == ".gz" else file.stat().st_size
            task = bar.add_task("loading", total=total)
            return load_runs(stream, target, lambda taken: bar.advance(task, taken))

    def _report(self, result: LoadResult) -> None:
        self.stdout.write(f"Loaded {result.loaded} runs; {result.unchanged} were known already.")
        for reason, count in sorted(result.refused.items()):
            self.stdout.write(f"Refused {count} rows {reason}.")


def _prepared() -> bool:
    """Bring both stores up to date. False: ClickHouse is away, and only the relational store,
    whose turn comes first, is."""
    try:
        prepare_stores()
    except MigrationRefused as refusal:
        raise CommandError(str(refusal)) from refusal
    except Unavailable:
        return False
    return True


def _open(file: Path) -> IO[bytes]:
    if file.suffix == ".gz":
        return gzip.open(file, "rb")  # type: ignore[return-value]
    return file.open("rb")


def _target(name: str | None) -> Tenant | None:
    if name is None:
        return None
    try:
        return tenant_by_name(name)
    except NotFound as error:
        raise CommandError(error.user_message) from None
