"""`manage.py load_runs FILE`: backfill from an export of `task_runs_v2`."""

import gzip
import zlib
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from runs_app.clickhouse.migrate import MigrationRefused
from runs_app.domain.errors import Contention, NotFound
from runs_app.domain.tenant import Tenant
from runs_app.management.sentences import cause_of, outages_told
from runs_app.queries.tenants import tenant_by_name
from runs_app.services.load import LoadResult, find_deletions, load_runs
from runs_app.services.replicate import Replicator, deliver_what_waits
from runs_app.services.stores import prepare_stores

NOTHING_LOADED: Final = (
    "Nothing was loaded: both stores must be there, for only ClickHouse can tell which of the runs"
    " it counts already. Load the file again when they are."
)
LOADED_ALREADY: Final = (
    "Rows before these are loaded already; loading the file again changes nothing about them."
)
KEPT: Final = "The loaded runs are kept and arrive later, by the worker or another load."


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
        with outages_told(NOTHING_LOADED):
            _prepare()
            target = _target(environment)
        with outages_told(LOADED_ALREADY):
            result = self._load_whole(file, target)
        self._report(result)
        with outages_told(KEPT):
            self._deliver()
        if result.refused and not result.loaded and not result.unchanged:
            raise CommandError("Every row was refused.")

    def _load_whole(self, file: Path, target: Tenant | None) -> LoadResult:
        try:
            return self._load(file, target)
        except Contention as error:
            raise CommandError(f"{error.user_message} {LOADED_ALREADY}") from error
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise CommandError(
                f"{file} is not complete gzip data. Rows before the fault may be loaded already;"
                " loading the mended file again changes nothing about them."
            ) from None

    def _deliver(self) -> None:
        """What waits by now, beside whatever else is at work: what comes meanwhile is not ours."""
        replicator = Replicator()
        if not deliver_what_waits(replicator):
            cause = cause_of(replicator.away) if replicator.away else "away"
            self.stderr.write(f"ClickHouse does not take them now ({cause}). {KEPT}")

    def _load(self, file: Path, target: Tenant | None) -> LoadResult:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        # The size of what is packed tells nothing about the rows: no total then.
        total = None if file.suffix == ".gz" else file.stat().st_size
        with Progress(*columns, console=console, transient=True) as bar:

            def stage(description: str) -> Callable[[int], None]:
                task = bar.add_task(description, total=total)
                return lambda taken: bar.advance(task, taken)

            with _open(file) as lines:
                deletions = find_deletions(lines, target, stage("looking for deletions"))
            with _open(file) as lines:
                return load_runs(lines, target, deletions, stage("loading"))

    def _report(self, result: LoadResult) -> None:
        self.stdout.write(f"Loaded {result.loaded} runs; {result.unchanged} were known already.")
        for reason, count in sorted(result.refused.items()):
            self.stdout.write(f"Refused {count} rows {reason}.")


def _prepare() -> None:
    """Bring both stores up to date."""
    try:
        prepare_stores()
    except MigrationRefused as refusal:
        raise CommandError(str(refusal)) from refusal


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
