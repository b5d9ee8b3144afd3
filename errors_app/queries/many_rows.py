"""Writing many rows at a time past the ORM's objects, with its names and conversion of values.

A decision about thousands of groups holds their rows while it is written, and putting the ORM's
statements together takes longer than running them.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from django.db import connection, models


def insert_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Add `rows`, each with its values in the order of the fields `names`, which are all that the
    database does not fill in. Raises IntegrityError."""
    marks = ", ".join(["%s"] * len(names))
    columns = ", ".join(_column(model, name) for name in names)
    _execute(
        f"INSERT INTO {_table(model)} ({columns}) VALUES ({marks})",  # noqa: S608
        model,
        names,
        rows,
    )


def update_rows(
    model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write `rows`, each with its values in the order of `names`; the last one tells the row."""
    *written, key = names
    changes = ", ".join(f"{_column(model, name)} = %s" for name in written)
    _execute(
        f"UPDATE {_table(model)} SET {changes} WHERE {_column(model, key)} = %s",  # noqa: S608
        model,
        names,
        rows,
    )


def _execute(
    statement: str,
    model: type[models.Model],
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    converters = [_converter(model._meta.get_field(name)) for name in names]
    converted = [
        [convert(value) for convert, value in zip(converters, row, strict=True)] for row in rows
    ]
    if converted:
        with connection.cursor() as cursor:
            cursor.executemany(statement, converted)


def _converter(field: Any) -> Callable[[Any], Any]:
    """From a value of the field to what the database is given for it. Most rows have the same."""
    known: dict[Hashable, Any] = {}

    def convert(value: Any) -> Any:
        if isinstance(value, dict):
            return field.get_db_prep_save(value, connection)
        if value not in known:
            known[value] = field.get_db_prep_save(value, connection)
        return known[value]

    return convert


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _column(model: type[models.Model], name: str) -> str:
    return connection.ops.quote_name(str(getattr(model._meta.get_field(name), "column", name)))
