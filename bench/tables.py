"""Tables in markdown, as the documentation shows them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` may be measured as they are asked for."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[str]]

    def lines(self) -> Iterator[str]:
        """In markdown, each row when it is measured: what is stopped has told what it knew."""
        yield f"\n{self.title}:\n"
        yield from _head(self.columns)
        for row in self.rows:
            yield _line(row)


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column to the left, the others, which are numbers, to the right."""
    return "\n".join([*_head(columns), *map(_line, rows)])


def _head(columns: Sequence[str]) -> tuple[str, str]:
    return _line(columns), "| --- |" + " ---: |" * (len(columns) - 1)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
