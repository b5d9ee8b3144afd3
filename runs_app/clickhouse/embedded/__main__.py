"""`python -m runs_app.clickhouse.embedded DIRECTORY`: serve ClickHouse from that directory."""

import os
import sys

from runs_app.clickhouse.embedded.process import main

if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is closed; not running the engine's static destructors is one risk less.
    os._exit(status)
