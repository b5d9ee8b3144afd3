"""What a comparison of the two stores found."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

# So many of a kind are told one by one; of more there is only the number.
MOST_EXAMPLES: Final = 20


class Kind(Enum):
    """Ways in which ClickHouse can be wrong."""

    RUN = "runs that ClickHouse lacks, or knows in another form"
    FAILURE = "failed runs that are missing where they count"
    MISPLACED = "failed runs that stand where they do not count"
    STRANGER = "failed runs that nobody reported"
    MINUTE = "minutes whose counts are wrong"
    GROUP = "groups that know less than their failed runs tell"
    STATE = "states of groups that are missing or old"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference; `line` is for people."""

    kind: Kind
    line: str


@dataclass(slots=True)
class Findings:
    """Everything found in one go through an environment.

    `set_aside`: run ids that disagree because rows of theirs are in quarantine, which is known.
    `unreadable`: entries in quarantine that do not tell of which runs they are; what they told is
    among the differences.
    """

    examples: list[Finding] = field(default_factory=list)
    numbers: Counter[Kind] = field(default_factory=Counter)
    set_aside: set[str] = field(default_factory=set)
    unreadable: int = 0

    def add(self, kind: Kind, line: Callable[[], str]) -> None:
        """`line` is asked for where it is kept: there may be millions."""
        self.numbers[kind] += 1
        if self.numbers[kind] <= MOST_EXAMPLES:
            self.examples.append(Finding(kind, line()))

    @property
    def total(self) -> int:
        return self.numbers.total()
