"""Runs the bench: starts the service, measures writes, fills it, measures reads."""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import django
from rich.console import Console
from rich.table import Table

from bench.service import Service, now, running
from bench.writes import Written, measure_writes

PARTS: Final = ("web", "worker", "clickhouse")
console = Console(width=120)


def main() -> None:
    options = _arguments()
    # Ends what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    # Beside the checkout's own data: a temporary directory may live in memory, and flatter.
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.directory) as directory:
        data = Path(directory)
        os.environ["FAULTLINE_DATA"] = str(data)
        os.environ["CLICKHOUSE_URL"] = ""
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ.setdefault("FAULTLINE_LOG_LEVEL", "WARNING")
        figures: dict[str, Any] = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()}
        }
        console.print(f"{os.cpu_count()} cores, Python {platform.python_version()}")
        with running(data) as service:
            figures["writes"] = _writes(service, options.seconds)
            if options.runs:
                figures["population"], figures["reads"] = _reads(service, options)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of writing, a batch size")
    parser.add_argument("--runs", type=int, default=1_000_000, help="for reads; 0: none")
    parser.add_argument("--requests", type=int, default=200, help="of each read, at most")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where data goes")
    return parser.parse_args()


def _writes(service: Service, seconds: float) -> list[dict[str, Any]]:
    written: list[Written] = list(measure_writes(service, seconds))
    _print(
        "Writes, 8 clients, a fifth failed",
        (
            "batch", "runs", "accepted/s", "visible/s", "last visible", "p50 ms", "p95 ms",
            "refused", "CPU ms/run", *PARTS,
        ),
        (
            (
                f"{one.batch:,}",
                f"{one.runs:,}",
                f"{one.accepted_per_second:,.0f}",
                f"{one.visible_per_second:,.0f}",
                f"+{one.last_visible_after_seconds:.2f} s",
                f"{one.answer_p50_ms:.1f}",
                f"{one.answer_p95_ms:.1f}",
                f"{one.refused:,}",
                f"{one.cpu_ms_per_run:.3f}",
                *(f"{one.cpu_ms_per_run_by_part.get(part, 0.0):.3f}" for part in PARTS),
            )
            for one in written
        ),
    )  # fmt: skip
    return [one.as_json() for one in written]


def _reads(
    service: Service, options: argparse.Namespace
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    django.setup()
    # They need Django's settings.
    from bench.population import decide_some, populate  # noqa: PLC0415
    from bench.reads import measure_reads  # noqa: PLC0415
    from runs_app.domain.times import utc_now  # noqa: PLC0415
    from runs_app.services.credentials import find_api_key  # noqa: PLC0415

    key = find_api_key(service.keys["prod"])
    if key is None:
        raise SystemExit("The key of the production environment does not open it.")
    tenant = key.environment.tenant()
    began = now()
    populate(tenant, options.runs, now=utc_now())
    decide_some(tenant)
    took = now() - began
    console.print(f"{options.runs:,} runs loaded in {took:.0f} s")
    reads = list(measure_reads(service, options.requests))
    _print(
        f"Reads at {options.runs:,} runs, one client",
        ("read", "requests", "p50 ms", "p95 ms", "statements", "bare SQL p50 ms", "ratio"),
        (
            (
                one.name,
                f"{one.requests}",
                f"{one.p50_ms:.1f}",
                f"{one.p95_ms:.1f}",
                f"{one.statements}",
                f"{one.bare_p50_ms:.1f}",
                f"{one.ratio:.2f}",
            )
            for one in reads
        ),
    )
    return {"runs": options.runs, "seconds": took}, [one.as_json() for one in reads]


def _print(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
