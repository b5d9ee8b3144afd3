"""Recursion: the same calls over and over, however deep they went."""

from collections.abc import Sequence

from runs_app.domain.traces.trace import Frame

LONGEST_CYCLE = 16


def collapse_recursion(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Keep the first round of every cycle of calls that follows itself at once. Frames are alike
    if their module and function are; of a cycle of several functions its first round is kept."""
    kept: list[Frame] = []
    names: list[tuple[str, str]] = []
    for frame in frames:
        kept.append(frame)
        names.append((frame.module, frame.function))
        for length in range(1, min(LONGEST_CYCLE, len(names) // 2) + 1):
            if names[-length:] == names[-2 * length : -length]:
                del kept[-length:], names[-length:]
                break
    return tuple(kept)
