"""The web process: gunicorn on the socket it inherits.

`python -m errors_app.services.supervisor.web --socket 3 --parent 1234`, started by `serve`.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.log import configure_logging
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.util import import_app

from errors_app.services.supervisor.parent import ParentGone, die_with

APPLICATION: Final = "config.wsgi:application"
WORKER: Final = "errors_app.services.supervisor.web_worker.WebWorker"
# Of each process. They wait for the stores in each other's place, and for clients that send or
# read slowly: each of those holds one until the socket's timeout. That many only make it harder
# to take them all; what really protects from slow clients is a proxy in front, which hands on
# whole requests.
DEFAULT_THREADS: Final = 16
SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108
# Requests in hand when serve stops have this long to end.
GRACEFUL_SECONDS: Final = 4
# Longer than the usual 60 s of a proxy in front, which would else reuse a connection we close.
KEEPALIVE_SECONDS: Final = 75

Wsgi = Callable[..., Any]


def web_command(socket: int, *, workers: int, threads: int) -> list[str]:
    command = [sys.executable, "-m", "errors_app.services.supervisor.web"]
    command += ["--socket", str(socket), "--parent", str(os.getpid())]
    return [*command, "--workers", str(workers), "--threads", str(threads)]


def default_workers() -> int:
    """One process a core, because decoding, validating and presenting is work for the CPU.

    At least two, so that one can die, at most eight: beyond that the relational store is the
    limit.
    """
    return min(max(len(os.sched_getaffinity(0)), 2), 8)


class OrdinaryLogger(Logger):  # type: ignore[misc]
    """Gunicorn's words in the lines of everybody else, and only those that matter."""

    def setup(self, cfg: Any) -> None:
        self.error_log.setLevel(logging.WARNING)
        self.error_log.propagate = True


class Web(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our settings; it reads no file and no variable of its own."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in gunicorn_settings(self._options).items():
            self.cfg.set(name, value)

    def load(self) -> Wsgi:
        application: Wsgi = import_app(APPLICATION)
        # The first request would import the addresses, in every worker anew.
        import_module(settings.ROOT_URLCONF)
        # Django leaves the body of an answer to HEAD to the server, which warns each time.
        logging.getLogger("gunicorn.http.wsgi").setLevel(logging.ERROR)
        logging.getLogger("gunicorn.error").addFilter(_is_news)
        return application


def gunicorn_settings(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "bind": f"fd://{options.socket}",
        "worker_class": WORKER,
        "workers": options.workers,
        "threads": options.threads,
        # Loaded once and forked: workers start at once and share memory. Nothing connects at
        # import, so that no connection crosses the fork.
        "preload_app": True,
        "post_fork": _post_fork,
        # For the heartbeat of a worker, not for a request; ClickHouse ends its reads by itself.
        "timeout": 60,
        "graceful_timeout": GRACEFUL_SECONDS,
        "keepalive": KEEPALIVE_SECONDS,
        # The heartbeat touches a file: on a busy disk that may block.
        "worker_tmp_dir": str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None,
        # A filter over many groups makes a long address. Bodies are the application's to limit.
        "limit_request_line": 8190,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        # The application writes a line for every request, which knows more.
        "accesslog": None,
        "logger_class": OrdinaryLogger,
        "control_socket_disable": True,
        # Said here, because gunicorn would take it from a variable of its own.
        "forwarded_allow_ips": "127.0.0.1,::1",
    }


def _is_news(record: logging.LogRecord) -> bool:
    """A client that stalled until the socket's timeout is not: gunicorn would show the stack."""
    return record.exc_info is None or not isinstance(record.exc_info[1], BlockingIOError)


def _post_fork(arbiter: Any, worker: Any) -> None:
    try:
        die_with(arbiter.pid)
    except ParentGone:
        os._exit(1)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="errors_app.services.supervisor.web")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--threads", type=int, default=DEFAULT_THREADS)
    options = parser.parse_args(arguments)
    try:
        die_with(options.parent)
    except ParentGone as gone:
        sys.exit(str(gone))
    # Gunicorn speaks before it loads the application, which does this again.
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    Web(options).run()


if __name__ == "__main__":
    main(sys.argv[1:])
