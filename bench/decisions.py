"""What decisions about groups cost: `python -m bench decisions`.

Lists by status where nearly all is decided, bulk changes and undoing them, and the rules: what
they cost the worker, and the sweep. It uses the database of DATABASE_URL, which must be empty then;
else SQLite.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import django
from rich.console import Console

from bench.service import Service, running
from bench.tables import Table

PARTS: Final = ("lists", "bulk", "sweep", "ingest")
console = Console(soft_wrap=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--parts", default=",".join(PARTS), help="which, separated by commas")
    parser.add_argument("--groups", type=int, default=120_000, help="where nearly all is decided")
    parser.add_argument("--requests", type=int, default=15, help="of each read and change")
    parser.add_argument("--seconds", type=float, default=12.0, help="of writing, each time")
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where data goes")


def decisions(options: argparse.Namespace) -> None:
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        raise SystemExit(f"There is no such part: {', '.join(sorted(unknown))}.")
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.directory) as directory:
        os.environ["FAULTLINE_DATA"] = directory
        os.environ["CLICKHOUSE_URL"] = ""
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ.setdefault("FAULTLINE_LOG_LEVEL", "WARNING")
        # The worker's own sweep would come in between.
        os.environ["FAULTLINE_SWEEP_SECONDS"] = "3600"
        with running(Path(directory)) as service:
            django.setup()
            _measure(service, parts, options)


def _measure(service: Service, parts: Sequence[str], options: argparse.Namespace) -> None:
    # They need Django's settings.
    from bench.bulk_changes import measure_bulk  # noqa: PLC0415
    from bench.decided import make_decided  # noqa: PLC0415
    from bench.rule_costs import measure_ingest, measure_sweep  # noqa: PLC0415
    from bench.status_lists import measure_lists, measure_waiting  # noqa: PLC0415

    if {"lists", "sweep"} & set(parts):
        decided = make_decided(service.keys["prod"], options.groups)
        console.print(f"{decided.resolved:,} groups resolved, {decided.ignored:,} ignored")
    tables: Mapping[str, Callable[[], Sequence[Table]]] = {
        "lists": lambda: (
            measure_lists(service, options.requests),
            measure_waiting(service, decided, options.requests),
        ),
        "bulk": lambda: (measure_bulk(service, options.requests),),
        "sweep": lambda: (measure_sweep(decided),),
        "ingest": lambda: (measure_ingest(service, options.seconds),),
    }
    for part in parts:
        for table in tables[part]():
            for line in table.lines():
                console.print(line, markup=False, highlight=False)
