"""Names and types of results, where the engine's Native output does not tell them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from runs_app.clickhouse.embedded.blocks import Block, Column
from runs_app.clickhouse.embedded.session import ClientSession
from runs_app.clickhouse.embedded.statements import Kind, Statement

BARE_TIME = b"DateTime"


def header_of_nothing(
    session: ClientSession, statement: Statement, parameters: Mapping[str, str]
) -> tuple[Block, ...]:
    """The header of a result without rows, of which the engine tells nothing."""
    match statement.kind:
        case Kind.SELECT:
            return (Block(0, _described(session, statement, parameters)),)
        case Kind.TELL:
            output = "JSONCompactEachRowWithNamesAndTypes"
            lines = session.run(statement.text, output, parameters).data.splitlines()
            names, types = (json.loads(line) for line in lines[:2])
            return (Block(0, _columns(zip(names, types, strict=True))),)
        case _:
            return ()


def with_time_zones(
    session: ClientSession,
    statement: Statement,
    parameters: Mapping[str, str],
    blocks: tuple[Block, ...],
) -> tuple[Block, ...]:
    """The blocks with the time zones of their DateTime columns.

    The engine's Native output is for clients of the first days, who knew none; without it
    clients take `DateTime('UTC')` for local time.
    """
    if all(column.type != BARE_TIME for column in blocks[0].columns):
        return blocks
    types = [column.type for column in _described(session, statement, parameters)]
    if len(types) != len(blocks[0].columns):
        return blocks
    return tuple(
        Block(
            block.rows,
            tuple(
                replace(column, type=type_name) if column.type == BARE_TIME else column
                for column, type_name in zip(block.columns, types, strict=True)
            ),
        )
        for block in blocks
    )


def _described(
    session: ClientSession, statement: Statement, parameters: Mapping[str, str]
) -> tuple[Column, ...]:
    """The columns of a SELECT by analysis, without running it."""
    rows = session.describe(f"TABLE ({statement.text}\n)", parameters)
    return _columns(row[:2] for row in rows)


def _columns(pairs: Iterable[Sequence[str]]) -> tuple[Column, ...]:
    return tuple(Column(name.encode(), type_name.encode()) for name, type_name in pairs)
