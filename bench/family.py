"""What the processes of a service use, read from /proc."""

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

TICKS: Final = os.sysconf("SC_CLK_TCK")
# A word of the command, and what the process does. The rest is `serve` itself.
ROLES: Final = (
    (b"clickhouse.embedded", "clickhouse"),
    (b"replicate_runs", "worker"),
    (b"supervisor.web", "web"),
)


class ProcessFigures(msgspec.Struct, frozen=True):
    """One process at one moment. Memory in bytes.

    `anonymous`: memory of its own, which no file stands behind. `pss`: all it uses, with what it
    shares divided by those who share it. SQLite's file is mapped into each process of the web and
    counts in `resident`, but is the kernel's cache: a leak shows in `anonymous`.
    """

    pid: int
    role: str
    resident: int
    anonymous: int
    pss: int
    descriptors: int
    threads: int
    cpu_seconds: float


def family(root: int) -> list[int]:
    """`root` and everything it started, down to the last grandchild."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                pid = int(entry.name)
                children.setdefault(int(_stat(pid)[1]), []).append(pid)
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu_seconds_by_role(root: int) -> dict[str, float]:
    """CPU time of a family so far, by what its processes do."""
    spent: dict[str, float] = {}
    for pid in family(root):
        with contextlib.suppress(OSError, IndexError):
            role = _role(pid)
            spent[role] = spent.get(role, 0.0) + cpu_seconds(pid)
    return spent


def pids_of_role(root: int, role: str) -> list[int]:
    """Those of a family that do this."""
    found = []
    for pid in family(root):
        with contextlib.suppress(OSError):
            if _role(pid) == role:
                found.append(pid)
    return found


def family_figures(root: int) -> list[ProcessFigures]:
    figures = []
    for pid in family(root):
        # A process may end while it is looked at.
        with contextlib.suppress(OSError, IndexError, KeyError):
            figures.append(_figures(pid))
    return figures


def cpu_seconds(pid: int) -> float:
    """utime and stime, and those of children that are gone."""
    return sum(int(field) for field in _stat(pid)[11:15]) / TICKS


def _figures(pid: int) -> ProcessFigures:
    status = _kilobytes(Path(f"/proc/{pid}/status"))
    return ProcessFigures(
        pid=pid,
        role=_role(pid),
        resident=status["VmRSS"],
        anonymous=status["RssAnon"],
        pss=_kilobytes(Path(f"/proc/{pid}/smaps_rollup"))["Pss"],
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208 names are enough
        threads=int(_stat(pid)[17]),
        cpu_seconds=cpu_seconds(pid),
    )


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _kilobytes(path: Path) -> dict[str, int]:
    """The lines of a file that end in kB, in bytes."""
    sizes = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            sizes[name] = int(value.split()[0]) * 1024
    return sizes


def _role(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    return next((role for word, role in ROLES if word in command), "serve")
