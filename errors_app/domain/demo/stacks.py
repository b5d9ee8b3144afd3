"""Stack traces as Python and Node.js print them.

A frame is written in one line: `file:line function | source line` for Python and
`file:line:column function` for Node.js. A file that begins with `~/` belongs to a library;
`node:` is Node's own and `^/` Python's own library; anything else is the shop's code,
whose lines move between versions.
"""

import re
from functools import cache
from typing import NamedTuple

_PYTHON_FRAME = re.compile(r"(?P<file>[^:]+):(?P<line>\d+) (?P<function>\S+) \| (?P<source>.+)")
_NODE_FRAME = re.compile(
    r"(?P<file>(?:node:)?[^:]+):(?P<line>\d+):(?P<column>\d+)(?: (?P<function>.+))?"
)
_PYTHON_LIBRARIES = "/usr/local/lib/python3.12/site-packages/"
_PYTHON_BUILT_IN = "/usr/local/lib/python3.12/"
_PYTHON_OWN = "/app/trellis/"
_NODE_LIBRARIES = "/app/node_modules/"
_NODE_OWN = "/app/dist/"
_THEN = "\n\nDuring handling of the above exception, another exception occurred:\n\n"


class Raised(NamedTuple):
    """What was raised, and from where; `title` is the qualified class name."""

    title: str
    message: str
    frames: tuple[str, ...]


def python_traceback(raised: Raised, cause: Raised | None, shift: int) -> str:
    """A traceback, most recent call last, after that of its cause."""
    traceback = _python_part(raised, shift)
    return traceback if cause is None else _python_part(cause, shift) + _THEN + traceback


def node_stack(raised: Raised, cause: Raised | None, shift: int) -> str:
    """An error's stack, most recent call first; a cause follows it."""
    stack = _node_part(raised, shift)
    return stack if cause is None else f"{stack}\nCaused by: {_node_part(cause, shift)}"


def _python_part(raised: Raised, shift: int) -> str:
    frames = "".join(_python_frame(frame, shift) for frame in raised.frames)
    ending = f"{raised.title}: {raised.message}" if raised.message else raised.title
    return f"Traceback (most recent call last):\n{frames}{ending}"


def _node_part(raised: Raised, shift: int) -> str:
    head = f"{raised.title}: {raised.message}" if raised.message else raised.title
    return "\n".join((head, *(_node_frame(frame, shift) for frame in raised.frames)))


@cache
def _python_frame(frame: str, shift: int) -> str:
    found = _PYTHON_FRAME.fullmatch(frame)
    if found is None:
        raise ValueError(f"Write a Python frame as 'file:line function | source': {frame}")
    path, line = _placed(found["file"], int(found["line"]), shift, _PYTHON_LIBRARIES, _PYTHON_OWN)
    return f'  File "{path}", line {line}, in {found["function"]}\n    {found["source"]}\n'


@cache
def _node_frame(frame: str, shift: int) -> str:
    found = _NODE_FRAME.fullmatch(frame)
    if found is None:
        raise ValueError(f"Write a Node.js frame as 'file:line:column function': {frame}")
    path, line = _placed(found["file"], int(found["line"]), shift, _NODE_LIBRARIES, _NODE_OWN)
    place = f"{path}:{line}:{found['column']}"
    return f"    at {found['function']} ({place})" if found["function"] else f"    at {place}"


def _placed(file: str, line: int, shift: int, libraries: str, own: str) -> tuple[str, int]:
    if file.startswith("node:"):
        return file, line
    if file.startswith("~/"):
        return libraries + file[2:], line
    if file.startswith("^/"):
        return _PYTHON_BUILT_IN + file[2:], line
    return own + file, line + shift
