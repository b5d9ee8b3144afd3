"""Writes stack texts the way each runtime prints them, from one short line a frame."""

from collections.abc import Callable, Mapping

CAUSE = "The above exception was the direct cause of the following exception:"
CONTEXT = "During handling of the above exception, another exception occurred:"
PYTHON_HEAD = "Traceback (most recent call last):"


def python(head: str, frames: list[str]) -> str:
    """A frame is `path:line function | source`; `! text` ends a traceback, and `=> cause` or
    `=> context` begins the next one of a chain. `~ text` stands as it is."""
    lines = [PYTHON_HEAD]
    for frame in frames:
        if frame.startswith("! "):
            lines.append(frame[2:])
        elif frame.startswith("~ "):
            lines.append("  " + frame[2:])
        elif frame.startswith("=> "):
            lines += ["", CAUSE if frame == "=> cause" else CONTEXT, "", PYTHON_HEAD]
        else:
            place, _, source = frame.partition(" | ")
            path_and_line, _, function = place.partition(" ")
            path, _, line = path_and_line.rpartition(":")
            lines.append(f'  File "{path}", line {line}, in {function}')
            if source:
                lines.append(f"    {source}")
    return "\n".join([*lines, head])


def node(head: str, frames: list[str]) -> str:
    """A frame is `function place`, `async place` or `place`; `! text` stands as it is."""
    lines = [head]
    for frame in frames:
        function, _, place = frame.rpartition(" ")
        if frame.startswith("! "):
            lines.append(frame[2:])
        elif function in ("", "async"):
            lines.append(f"    at {frame}")
        else:
            lines.append(f"    at {function} ({place})")
    return "\n".join(lines)


def java(head: str, frames: list[str]) -> str:
    """A frame is what follows `at`; `Caused by:` and `... 12 more` are known."""
    lines = [head]
    for frame in frames:
        if frame.startswith("Caused by: "):
            lines.append(frame)
        elif frame.startswith("..."):
            lines.append(f"\t{frame}")
        else:
            lines.append(f"\tat {frame}")
    return "\n".join(lines)


def go(head: str, frames: list[str]) -> str:
    """What a recovered panic's stack looks like: a frame is `call | file:line +0x1d`. The first
    line names the goroutine; the error itself is not in it."""
    lines: list[str] = []
    for frame in frames:
        call, separator, place = frame.partition(" | ")
        lines.append(call)
        if separator:
            lines.append(f"\t{place}")
    return "\n".join(lines)


def ruby(head: str, frames: list[str]) -> str:
    """A backtrace as Sidekiq reports it: the frames alone."""
    return "\n".join(frames)


def php(head: str, frames: list[str]) -> str:
    """The first line is where it was thrown; a frame is `file(line): call`."""
    thrown, *calls = frames
    numbered = [f"#{number} {call}" for number, call in enumerate([*calls, "{main}"])]
    return "\n".join([f"{head} in {thrown}", "Stack trace:", *numbered])


def csharp(head: str, frames: list[str]) -> str:
    """A frame is what follows `at`; arrows and `---` lines are known."""
    return "\n".join([head, *map(_csharp_line, frames)])


def _csharp_line(frame: str) -> str:
    if frame.startswith("--->"):
        return f" {frame}"
    if frame.startswith("--- End of inner"):
        return f"   {frame}"
    return frame if frame.startswith("---") else f"   at {frame}"


WRITERS: Mapping[str, Callable[[str, list[str]], str]] = {
    "python": python,
    "node": node,
    "java": java,
    "go": go,
    "ruby": ruby,
    "php": php,
    "csharp": csharp,
}
