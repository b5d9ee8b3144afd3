"""INSERT: which columns a client is asked for, and how its blocks reach the engine."""

import os
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from runs_app.clickhouse.embedded.blocks import Block, Column
from runs_app.clickhouse.embedded.columns import requested_type
from runs_app.clickhouse.embedded.faults import Code, ServerFault
from runs_app.clickhouse.embedded.session import ClientSession
from runs_app.clickhouse.embedded.statements import Insert, column_names

NOT_INSERTABLE = frozenset({"MATERIALIZED", "ALIAS"})


@dataclass(frozen=True, slots=True)
class TargetColumn:
    name: str
    type: str


def target_columns(session: ClientSession, insert: Insert) -> tuple[TargetColumn, ...]:
    """The columns an INSERT fills, in its order; raises ServerFault as a server would."""
    source = f"TABLE {insert.target}"
    names = column_names(insert.columns) if insert.columns is not None else None
    if insert.columns is not None and names is None:
        # `(* EXCEPT(a))` and the like: the engine expands it as the columns of a SELECT.
        source = f"(SELECT {insert.columns} FROM {insert.target})"  # noqa: S608 the client's own
    described = session.describe(source)
    if names is None:
        return tuple(
            TargetColumn(row[0], row[1])
            for row in described
            if row[2] not in NOT_INSERTABLE and row[2] != "EPHEMERAL"
        )
    types = {row[0]: row[1] for row in described if row[2] not in NOT_INSERTABLE}
    missing = next((name for name in names if name not in types), None)
    if missing is not None:
        raise ServerFault(
            Code.NO_SUCH_COLUMN_IN_TABLE,
            f"DB::Exception: No such column {missing} in table {insert.target}."
            " (NO_SUCH_COLUMN_IN_TABLE)",
        )
    return tuple(TargetColumn(name, types[name]) for name in names)


def sample_block(columns: tuple[TargetColumn, ...]) -> Block:
    """The block of no rows that tells a client what to send."""
    return Block(
        0,
        tuple(
            Column(column.name.encode(), requested_type(column.type).encode()) for column in columns
        ),
    )


def insert_statement(insert: Insert, columns: tuple[TargetColumn, ...], file: str) -> str:
    """The statement that inserts a file.

    Neither inline data (which ends at a blank line, and what follows is run as a statement) nor
    the engine's own insert stream (which swallows errors) can be trusted with foreign bytes.
    """
    names = ", ".join(quoted_name(column.name) for column in columns)
    listed = f"({names})" if columns else f"({insert.columns})" if insert.columns else ""
    return (
        f"INSERT INTO {insert.target} {listed} FROM INFILE '{file}' COMPRESSION 'none'"
        f" {insert.settings} FORMAT {insert.format}"
    )


class InsertFile:
    """A nameless file in memory that collects what is to be inserted."""

    def __init__(self) -> None:
        self._file = os.fdopen(os.memfd_create("insert", os.MFD_CLOEXEC), "wb")
        self.size = 0

    @property
    def path(self) -> str:
        """Complete only when everything written has been flushed by asking for it."""
        self._file.flush()
        return f"/proc/self/fd/{self._file.fileno()}"

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.size += len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def quoted_name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
