"""What was read of a trace, written so that people can check it against what was printed."""

from runs_app.domain.traces.trace import Frame, Section, Trace


def outline(trace: Trace) -> str:
    """The sections in printed order with their frames, `+` before own ones."""
    lines = [str(trace.language)]
    for at, section in enumerate(trace.sections):
        lines += _section(section, raised=at == trace.raised)
    return "\n".join(lines) + "\n"


def _section(section: Section, *, raised: bool) -> list[str]:
    relation = "raised" if raised else section.relation
    order = "" if section.innermost_first else " (innermost last)"
    head = f"{relation}: [{section.exception_type}] {section.message!r}{order}"
    return [head, *map(_frame, section.frames)]


def _frame(frame: Frame) -> str:
    named = f"{frame.module} {frame.function}"
    place = ":".join(str(part) for part in (frame.line, frame.column) if part is not None)
    owner = "+" if frame.own else f"- [{frame.library}]"
    return f"  {owner} {named} {place}".rstrip()
