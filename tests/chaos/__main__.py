"""Runs storms: `python -m tests.chaos`, on SQLite and on PostgreSQL if a server is named."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.service import own_database
from tests.chaos.storm import Storm


def main() -> None:
    options = _arguments()
    # Ends what was started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    server = os.environ.get("CHAOS_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
    databases = {"sqlite": "", "postgresql": server}
    for name in options.on:
        if name == "postgresql" and not server:
            print("PostgreSQL: left out; CHAOS_DATABASE_URL names a server to run on.")
            continue
        _run(databases[name], options.seconds, options.seed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="of storm on each database")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    both = ("sqlite", "postgresql")
    parser.add_argument("--on", nargs="+", choices=both, default=both, help="default: both")
    return parser.parse_args()


def _run(server: str, seconds: float, seed: int) -> None:
    """The data stays where a storm found something, to be looked at."""
    directory = Path(tempfile.mkdtemp(prefix="faultline-chaos-"))
    print(f"{'PostgreSQL' if server else 'SQLite'}, seed {seed}, in {directory}", flush=True)
    with own_database(server) as database_url:
        summary = Storm(directory / "data", database_url, seed).run(seconds)
    print("\n".join(summary.lines()), flush=True)
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
