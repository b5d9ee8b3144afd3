"""What a failure of ClickHouse means, by ClickHouse's own error code.

An unreachable or overloaded server is Unavailable; data it refuses is DataRefused; any other code
is a bug of ours. Text from ClickHouse goes to the log (as the technical message), not to a caller.
"""

from typing import Final

from clickhouse_driver import errors as driver

from runs_app.domain.errors import DomainError, Unavailable

TIME_LIMIT: Final = 159
MEMORY_LIMIT: Final = 241

UNAVAILABLE_CODES: Final = frozenset(
    {
        3,  # UNEXPECTED_END_OF_FILE: the server went away in mid-sentence
        102,  # UNEXPECTED_PACKET_FROM_SERVER
        158,  # TOO_MANY_ROWS
        160,  # TOO_SLOW
        173,  # CANNOT_ALLOCATE_MEMORY
        201,  # QUOTA_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        307,  # TOO_MANY_BYTES
        319,  # UNKNOWN_STATUS_OF_INSERT
        373,  # SESSION_IS_LOCKED
        394,  # QUERY_WAS_CANCELLED
        439,  # CANNOT_SCHEDULE_TASK
        516,  # AUTHENTICATION_FAILED
        745,  # SERVER_OVERLOADED
        999,  # KEEPER_EXCEPTION
    }
)

REFUSED_DATA_CODES: Final = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        469,  # VIOLATED_CONSTRAINT
        636,  # CANNOT_EXTRACT_TABLE_STRUCTURE
    }
)


class ClickHouseUnavailable(Unavailable):
    """ClickHouse is away or overloaded. `sent`: it may have seen the statement."""

    def __init__(self, technical_message: str, *, sent: bool, code: int | None = None) -> None:
        super().__init__(
            "The run store is not available right now. Nothing was lost; try again shortly.",
            retry_after=5,
            technical_message=technical_message,
        )
        self.sent = sent
        self.clickhouse_code = code


class QueryTooHeavy(Unavailable):
    """A read went over its time or memory limit."""

    def __init__(self, technical_message: str) -> None:
        super().__init__(
            "This query took more time or memory than it may. Ask for a shorter window or fewer"
            " groups, or try again later.",
            retry_after=10,
            technical_message=technical_message,
        )


class DataRefused(DomainError):
    """ClickHouse refuses the rows themselves; sending them again cannot help."""

    code = "internal_error"

    def __init__(self, technical_message: str, *, clickhouse_code: int | None) -> None:
        super().__init__("The run store refuses this data.", technical_message=technical_message)
        self.clickhouse_code = clickhouse_code


class ClickHouseFault(Exception):
    """A statement of ours that ClickHouse rejects: a bug."""

    def __init__(self, technical_message: str, *, clickhouse_code: int) -> None:
        super().__init__(technical_message)
        self.clickhouse_code = clickhouse_code


def translate_read(error: Exception, name: str) -> Exception:
    """The failure of a read or a command called `name`."""
    if isinstance(error, driver.ServerException):
        text = f"{name}: ClickHouse code {error.code}: {error.message}"
        if error.code in {TIME_LIMIT, MEMORY_LIMIT}:
            return QueryTooHeavy(text)
        if error.code in UNAVAILABLE_CODES:
            return ClickHouseUnavailable(text, sent=True, code=error.code)
        return ClickHouseFault(text, clickhouse_code=error.code)
    return ClickHouseUnavailable(f"{name}: {error}", sent=True)


def translate_insert(error: Exception, table: str) -> Exception:
    """The failure of an insert into `table`."""
    text = f"insert into {table}: {error!r}"
    code = getattr(error, "code", None)
    if isinstance(error, driver.ServerException):
        text = f"insert into {table}: ClickHouse code {code}: {error.message}"
    if isinstance(error, driver.Error) and code in REFUSED_DATA_CODES:
        return DataRefused(text, clickhouse_code=code)
    if isinstance(error, (driver.Error, EOFError, OSError)):
        return ClickHouseUnavailable(text, sent=True, code=code)
    # The driver could not write a value as its column's type.
    return DataRefused(text, clickhouse_code=None)
