"""A group as Markdown, to paste into a ticket or a chat.

Nothing of an error may turn into markup there: short texts stand in code spans, long ones in fenced
blocks, and the fences are longer than any run of backticks within.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from errors_app.admin.triage.moments import exact
from errors_app.admin.triage.traces import printable
from errors_app.domain.groups import GroupState
from errors_app.queries.occurrences import GroupFacts
from runs_app.domain.ids import error_id

TRACE_CHARACTERS: Final = 8_000
MESSAGE_CHARACTERS: Final = 2_000
VERSIONS: Final = 5
BACKTICKS: Final = re.compile("`+")
# Whatever begins a new line somewhere or turns the line around, and other characters without a
# picture.
UNPRINTED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class MarkdownFacts:
    """What the text tells. `versions`: the newest first."""

    group: GroupFacts
    state: GroupState
    reason: str
    environment: str
    address: str
    versions: Sequence[str]
    run_id: str
    stack: str
    now: datetime


def as_markdown(facts: MarkdownFacts) -> str:
    group = facts.group
    named = [code(version) for version in facts.versions[:VERSIONS] if version]
    more = len(facts.versions) - VERSIONS
    versions = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    state = facts.state.status.value + (f" ({facts.reason})" if facts.reason else "")
    lines = [
        f"### {code(group.error_type or 'Error')} in {code(group.key.task_identifier)}",
        "",
        fenced(group.error_message[:MESSAGE_CHARACTERS] or "(no message)"),
        "",
        f"- Group: <{facts.address}>",
        f"- Id: {code(error_id(group.key.error_fingerprint))}",
        f"- Environment: {code(facts.environment)}",
        f"- State: {code(state)}",
        f"- Failed runs: {group.count:,}",
        f"- First seen: {exact(group.first_seen)}",
        f"- Last seen: {exact(group.last_seen)}",
    ]
    if versions:
        lines.append(f"- Versions: {versions}")
    if facts.run_id:
        lines.append(f"- Newest run: {code(facts.run_id)}")
    if facts.stack.strip():
        lines += ["", fenced(_cut(facts.stack))]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """A code span of one line, whatever the text is."""
    line = UNPRINTED.sub(" ", printable(text)).strip() or " "
    fence = _fence(line, at_least=1)
    # Beside a fence a backtick needs a space, which is not shown.
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def fenced(text: str) -> str:
    """A block, whatever the text is."""
    text = printable(text).strip("\r\n")
    fence = _fence(text, at_least=3)
    return f"{fence}text\n{text}\n{fence}"


def _fence(text: str, *, at_least: int) -> str:
    longest = max((len(run) for run in BACKTICKS.findall(text)), default=0)
    return "`" * max(at_least, longest + 1)


def _cut(stack: str) -> str:
    """Both ends, where traces have what matters."""
    if len(stack) <= TRACE_CHARACTERS:
        return stack
    half = TRACE_CHARACTERS // 2
    return f"{stack[:half]}\n… {len(stack) - 2 * half:,} characters left out …\n{stack[-half:]}"
