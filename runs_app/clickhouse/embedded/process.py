"""The embedded process: from its command line to its exit."""

import argparse
import ctypes
import fcntl
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runs_app.clickhouse.embedded.faults import EngineUnavailable
from runs_app.clickhouse.embedded.launch import BUSY, MAX_REPORT, READY
from runs_app.clickhouse.embedded.places import (
    Endpoint,
    Mode,
    Owner,
    Pin,
    Places,
    open_lock,
    try_lock,
)
from runs_app.domain.log_lines import FORMATTERS, LogForm, log_form, log_uncaught

logger = logging.getLogger("runs_app.clickhouse.embedded")

USER = "faultline"
MEMORY_VARIABLE = "FAULTLINE_CLICKHOUSE_MEMORY"
LOG_FORM_VARIABLE = "FAULTLINE_LOG_FORMAT"
DEBUG_VARIABLE = "FAULTLINE_DEBUG"
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
MOST_MEMORY = 8 << 30
PR_SET_PDEATHSIG = 1
CHECK_INTERVAL = 0.1
PINS_INTERVAL = 0.5
# Locks are probed by others for moments; a real holder keeps them longer than this.
LOCK_PROBES = 0.5
HANDOVER = 30.0
DYING = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    directory: Path
    mode: Mode
    port: int
    parent: int | None


class Refused(Exception):
    """The process cannot do its work; the sentence says why."""


class FilesLost(Exception):
    """The files were deleted, moved or replaced under the running engine; the sentence says so."""


class SomebodyElseOwns(Exception):
    """Another process has the directory, which is all that was wanted."""


def main(arguments: list[str]) -> int:
    """Run until there is a reason to end; the exit status."""
    options = _parse(arguments)
    os.umask(0o077)
    _raise_file_limit()
    _log_to_stderr()
    stop = _catch_signals(options.mode)
    try:
        if options.mode is Mode.SUPERVISED:
            _die_with_parent(options.parent)
        places = Places(options.directory)
        places.create()
        locks = _take_ownership(places, options.mode, stop)
        _serve(places, options, locks, stop)
    except SomebodyElseOwns:
        _report(options.mode, BUSY)
    except (Refused, EngineUnavailable, OSError) as error:
        logger.error("%s", error)
        _report(options.mode, str(error))
        return 1
    return 0


def _parse(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="runs_app.clickhouse.embedded", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--parent", type=int, help="process id of the supervisor")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--supervised", action="store_const", dest="mode", const=Mode.SUPERVISED)
    modes.add_argument("--on-demand", action="store_const", dest="mode", const=Mode.ON_DEMAND)
    parser.set_defaults(mode=Mode.FOREGROUND)
    told = parser.parse_args(arguments)
    return Options(told.directory, told.mode, told.port, told.parent)


def _log_to_stderr() -> None:
    """In the form of the other processes. On demand, stderr is a file in the directory."""
    form = log_form(
        os.environ.get(LOG_FORM_VARIABLE, "").strip().upper(),
        debug=os.environ.get(DEBUG_VARIABLE, "").strip().lower() in TRUE_WORDS,
        is_terminal=sys.stderr.isatty(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATTERS[form]())
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    if form is LogForm.JSON:
        log_uncaught()


def _catch_signals(mode: Mode) -> threading.Event:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Ctrl-C reaches every process of a terminal; a supervisor ends its children in its own order.
    interrupt = signal.SIG_IGN if mode is not Mode.FOREGROUND else lambda *_: stop.set()
    signal.signal(signal.SIGINT, interrupt)
    return stop


def _die_with_parent(parent: int | None) -> None:
    """Ask the kernel for SIGTERM when the parent dies, even by SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # It may have died before: then the kernel has nothing to tell.
    if parent is not None and os.getppid() != parent:
        raise Refused("the supervisor has gone")


def _take_ownership(places: Places, mode: Mode, stop: threading.Event) -> list[int]:
    """The descriptors of the locks, to be kept open until the process has exited."""
    supervised, owner = open_lock(places.supervised_lock), open_lock(places.owner_lock)
    if mode is Mode.ON_DEMAND:
        if not _lock_within(owner, LOCK_PROBES, stop) or not try_lock(supervised, exclusive=False):
            raise SomebodyElseOwns
        os.close(supervised)
        return [owner]
    if not _lock_within(supervised, LOCK_PROBES, stop):
        raise Refused(
            f"another Faultline already runs the embedded ClickHouse in {places.directory}:"
            " stop it first, or use another data directory"
        )
    # From now on an owner that was started on demand sees that it has to hand over.
    if not _lock_within(owner, HANDOVER, stop):
        raise Refused(
            f"the embedded ClickHouse in {places.directory} is owned by a process that does not"
            f" hand it over: see {places.log}"
        )
    return [supervised, owner]


def _lock_within(descriptor: int, seconds: float, stop: threading.Event) -> bool:
    until = time.monotonic() + seconds
    while not try_lock(descriptor, exclusive=True):
        if time.monotonic() > until or stop.wait(0.02):
            return False
    return True


def _serve(places: Places, options: Options, locks: list[int], stop: threading.Event) -> None:
    """Open the engine, listen, say so, and wait for a reason to end."""
    _wait_for_engine_lock(places, stop)
    if options.mode is Mode.SUPERVISED:
        places.write_supervisor(os.getppid())
    places.remove_endpoint()  # what a killed owner left
    memory = _memory()
    # The engine reads the time zone when it starts.
    os.environ["TZ"] = "UTC"
    time.tzset()
    # Delayed on purpose: a process that finds the directory taken never loads the engine.
    from runs_app.clickhouse.embedded.connection import Access  # noqa: PLC0415
    from runs_app.clickhouse.embedded.engine import DATABASE, Engine  # noqa: PLC0415
    from runs_app.clickhouse.embedded.server import HOST, Server  # noqa: PLC0415

    access = Access(USER, places.password())
    engine = Engine(places.directory, memory)
    server = Server(engine, access, options.port)
    endpoint = Endpoint(HOST, server.port, access.user, access.password, DATABASE)
    places.write_endpoint(endpoint, Owner(os.getpid(), options.mode))
    logger.info("listening on %s:%d, %s", HOST, server.port, options.mode.value)
    try:
        pins = _pin(places)
        _report(options.mode, READY)
        reason = _wait(places, options.mode, pins, locks, stop)
        _insist_on(pins)
    except FilesLost as lost:
        # Whatever is at the path now is not ours: nothing is written, closed or removed any more.
        logger.critical("ending at once: %s", lost)
        os._exit(1)
    logger.info("stopping: %s", reason)
    places.remove_endpoint()
    if not server.stop():
        logger.error("leaving with a query that could not be ended")
        os._exit(1)
    engine.close()
    logger.info("stopped")


def _wait_for_engine_lock(places: Places, stop: threading.Event) -> None:
    """The engine has a lock of its own, which a dying process may drop after ours."""
    if not places.status.exists():
        return
    descriptor = os.open(places.status, os.O_RDWR | os.O_CLOEXEC)
    try:
        if not _lock_within(descriptor, DYING, stop):
            raise Refused(f"{places.directory} is open in a process that is not Faultline's")
    finally:
        os.close(descriptor)


def _wait(
    places: Places, mode: Mode, pins: Sequence[Pin], locks: list[int], stop: threading.Event
) -> str:
    """Wait for a reason to end, and say it. Raises FilesLost."""
    if mode is not Mode.ON_DEMAND:
        while not stop.wait(PINS_INTERVAL):
            _insist_on(pins)
        return "asked to"
    leases, supervised = open_lock(places.leases_lock), open_lock(places.supervised_lock)
    locks += (leases, supervised)
    while not stop.wait(CHECK_INTERVAL):
        _insist_on(pins)
        if try_lock(leases, exclusive=True):
            # Kept until we have exited: from here on nobody can get a lease on us.
            return "nobody holds a lease"
        if not try_lock(supervised, exclusive=False):
            return "handing over to a supervised process"
        fcntl.flock(supervised, fcntl.LOCK_UN)
    return "asked to"


def _pin(places: Places) -> Sequence[Pin]:
    try:
        return places.pins()
    except FileNotFoundError as gone:
        raise FilesLost(_lost(gone.filename)) from gone


def _insist_on(pins: Sequence[Pin]) -> None:
    for pin in pins:
        if not pin.holds():
            raise FilesLost(_lost(pin.path))


def _lost(path: Path) -> str:
    return (
        f"{path} was deleted, moved or replaced while this process had it open; what it was told"
        " since then is lost with it"
    )


def _raise_file_limit() -> None:
    """A table of wide parts has a file per column and part: the usual 1,024 are soon gone."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _memory() -> int:
    """How many bytes the engine's queries may use together."""
    told = os.environ.get(MEMORY_VARIABLE, "")
    if not told:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return min(machine // 2, MOST_MEMORY)
    if not told.isascii() or not told.isdigit() or not int(told):
        raise Refused(f"{MEMORY_VARIABLE} must be a number of bytes, not {told!r}")
    return int(told)


def _report(mode: Mode, text: str) -> None:
    """Tell the process that started us on demand, which reads our stdout until we are ready."""
    if mode is not Mode.ON_DEMAND:
        return
    try:
        os.write(sys.stdout.fileno(), " ".join(text.split()).encode()[:MAX_REPORT])
    except BrokenPipeError:
        logger.info("whoever started this process did not wait for it")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
