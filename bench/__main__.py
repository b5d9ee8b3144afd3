"""Runs the bench: starts the service, measures writes, fills it, measures reads.

`decisions`, `fingerprints`, `pages`, `profile`, `soak` and `soak-summary` are commands of their
own.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import django
from rich.console import Console

from bench import decisions, profile, soak
from bench.fingerprints import measure_fingerprints
from bench.paced import Paced, measure_paced
from bench.service import Service, now, running
from bench.soak_log import read_lines
from bench.soak_summary import summary
from bench.tables import markdown_table
from bench.writes import Written, measure_writes

if TYPE_CHECKING:
    from bench.reads import Read

READ_COLUMNS: Final = (
    "read", "requests", "p50 ms", "p95 ms", "statements", "bare SQL p50 ms", "ratio",
)  # fmt: skip
PARTS: Final = ("web", "worker", "clickhouse")
console = Console(soft_wrap=True)


def main() -> None:
    options = _arguments()
    # Ends what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if options.command == "soak":
        soak.soak(options)
    elif options.command == "decisions":
        decisions.decisions(options)
    elif options.command == "profile":
        profile.profile(options)
    elif options.command == "fingerprints":
        _fingerprints()
    elif options.command == "soak-summary":
        print(summary(list(read_lines(options.log))), end="")
    else:
        _measure(options)


def _measure(options: argparse.Namespace) -> None:
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
            django.setup()
            if options.command != "pages":
                _fingerprints()
                figures["writes"] = _writes(service, options.seconds)
                figures["paced"] = _paced(service, options.seconds)
            if options.runs:
                figures["population"] = _populate(service, options.runs)
                if options.command != "pages":
                    figures["reads"] = _reads(service, options)
                figures["pages"] = _pages(service, options)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _fingerprints() -> None:
    for line in measure_fingerprints().lines():
        console.print(line, markup=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0, help="of writing, a batch size")
    parser.add_argument("--runs", type=int, default=1_000_000, help="for reads; 0: none")
    parser.add_argument("--requests", type=int, default=200, help="of each read, at most")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where data goes")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    soak.add_arguments(commands.add_parser("soak", help="even load for an hour"))
    decisions.add_arguments(commands.add_parser("decisions", help="what decisions cost"))
    commands.add_parser("pages", help="how long the admin's pages take, alone")
    profile.add_arguments(commands.add_parser("profile", help="where the time of a report goes"))
    commands.add_parser("fingerprints", help="what grouping an error costs")
    again = commands.add_parser("soak-summary", help="print the page of a soak from its log")
    again.add_argument("log", type=Path)
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


def _paced(service: Service, seconds: float) -> list[dict[str, Any]]:
    paced: list[Paced] = list(measure_paced(service, seconds))
    _print(
        "Writes at an even rate, 4 clients, a fifth failed",
        (
            "batch", "offered/s", "accepted/s", "refused", "latest, ms", "answer p50 ms", "p95 ms",
            "visible p50 ms", "p95 ms", "max ms", "CPU ms/run", *PARTS,
        ),
        (
            (
                f"{one.batch:,}",
                f"{one.offered_per_second:,.0f}",
                f"{one.accepted_per_second:,.0f}",
                f"{one.refused:,}",
                f"{one.late_ms:.0f}",
                f"{one.answer_p50_ms:.1f}",
                f"{one.answer_p95_ms:.1f}",
                f"{one.visible_p50_ms:.0f}",
                f"{one.visible_p95_ms:.0f}",
                f"{one.visible_max_ms:.0f}",
                f"{one.cpu_ms_per_run:.3f}",
                *(f"{one.cpu_ms_per_run_by_part.get(part, 0.0):.3f}" for part in PARTS),
            )
            for one in paced
        ),
    )  # fmt: skip
    return [one.as_json() for one in paced]


def _populate(service: Service, runs: int) -> dict[str, Any]:
    # They need Django's settings.
    from bench.decided import tenant_of_key  # noqa: PLC0415
    from bench.population import decide_some, populate  # noqa: PLC0415
    from runs_app.domain.times import utc_now  # noqa: PLC0415

    tenant = tenant_of_key(service.keys["prod"])
    began = now()
    populate(tenant, runs, now=utc_now())
    decide_some(tenant)
    took = now() - began
    console.print(f"{runs:,} runs loaded in {took:.0f} s")
    return {"runs": runs, "seconds": took}


def _reads(service: Service, options: argparse.Namespace) -> list[dict[str, Any]]:
    # They need Django's settings.
    from bench.reads import measure_reads  # noqa: PLC0415

    reads = list(measure_reads(service, options.requests))
    _print(f"Reads at {options.runs:,} runs, one client", READ_COLUMNS, map(_read_row, reads))
    return [one.as_json() for one in reads]


def _pages(service: Service, options: argparse.Namespace) -> list[dict[str, Any]]:
    # They need Django's settings.
    from bench.pages import measure_pages  # noqa: PLC0415

    pages = list(measure_pages(service, options.requests))
    _print(
        f"The admin's pages at {options.runs:,} runs, one person",
        (*READ_COLUMNS, "at most, ms", "kB"),
        (
            (*_read_row(page.read), f"{page.most_ms:.0f}" if page.most_ms else "", f"{page.kb:.0f}")
            for page in pages
        ),
    )
    return [page.as_json() for page in pages]


def _read_row(one: "Read") -> Sequence[str]:
    return (
        one.name,
        f"{one.requests}",
        f"{one.p50_ms:.1f}",
        f"{one.p95_ms:.1f}",
        f"{one.statements}",
        f"{one.bare_p50_ms:.1f}",
        f"{one.ratio:.2f}",
    )


def _print(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in markdown, to be read and to be pasted."""
    console.print(f"\n{title}:\n\n{markdown_table(columns, rows)}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
