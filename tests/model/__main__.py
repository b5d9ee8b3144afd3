"""Histories nobody tried before: `python -m tests.model [--examples N] [--steps N] [--seed N]`.

With `DATABASE_URL` set they happen on PostgreSQL. A failure prints the shortest history found.
"""

import argparse
import os
import sys

import pytest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--examples", type=int, default=2000, help="how many histories")
    parser.add_argument("--steps", type=int, default=30, help="the longest history")
    parser.add_argument("--seed", type=int, help="to try the histories of an earlier run again")
    parser.add_argument("--as-found", action="store_true", help="do not look for a shorter one")
    options = parser.parse_args()
    os.environ["FAULTLINE_MODEL_EXAMPLES"] = str(options.examples)
    os.environ["FAULTLINE_MODEL_STEPS"] = str(options.steps)
    if options.as_found:
        os.environ["FAULTLINE_MODEL_AS_FOUND"] = "yes"
    seed = [] if options.seed is None else [f"--hypothesis-seed={options.seed}"]
    return pytest.main(["tests/model", "-q", "--hypothesis-show-statistics", *seed])


if __name__ == "__main__":
    sys.exit(main())
