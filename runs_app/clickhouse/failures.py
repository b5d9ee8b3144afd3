"""What a failure of ClickHouse means, by ClickHouse's own error code.

An unreachable or overloaded server is Unavailable; data it refuses is DataRefused; any other code
is a bug of ours. Text from ClickHouse goes to the log (as the technical message), not to a caller.
"""

from enum import Enum
from typing import Final

from clickhouse_driver import errors as driver

from runs_app.domain.errors import DomainError, Unavailable

TIME_LIMIT: Final = 159
MEMORY_LIMIT: Final = 241

# What a smaller statement may get through with.
TOO_HEAVY_CODES: Final = frozenset(
    {
        158,  # TOO_MANY_ROWS
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        173,  # CANNOT_ALLOCATE_MEMORY
        241,  # MEMORY_LIMIT_EXCEEDED
        307,  # TOO_MANY_BYTES
        396,  # TOO_MANY_ROWS_OR_BYTES
        777,  # MEMORY_RESERVATION_KILLED
        778,  # MEMORY_RESERVATION_FAILED
    }
)

# What passes, or is mended on the server, without a change here.
UNAVAILABLE_CODES: Final = (TOO_HEAVY_CODES - {TIME_LIMIT}) | {
    3,  # UNEXPECTED_END_OF_FILE: the server went away in mid-sentence
    102,  # UNEXPECTED_PACKET_FROM_SERVER
    198,  # DNS_ERROR
    201,  # QUOTA_EXCEEDED
    202,  # TOO_MANY_SIMULTANEOUS_QUERIES
    203,  # NO_FREE_CONNECTION
    209,  # SOCKET_TIMEOUT
    210,  # NETWORK_ERROR
    225,  # NO_ZOOKEEPER
    236,  # ABORTED
    242,  # TABLE_IS_READ_ONLY
    243,  # NOT_ENOUGH_SPACE
    244,  # UNEXPECTED_ZOOKEEPER_ERROR
    252,  # TOO_MANY_PARTS
    254,  # NO_ACTIVE_REPLICAS
    265,  # NO_AVAILABLE_REPLICA
    279,  # ALL_CONNECTION_TRIES_FAILED
    285,  # TOO_FEW_LIVE_REPLICAS
    286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    319,  # UNKNOWN_STATUS_OF_INSERT
    364,  # RECEIVED_ERROR_TOO_MANY_REQUESTS
    369,  # ALL_REPLICAS_ARE_STALE
    373,  # SESSION_IS_LOCKED
    384,  # PART_IS_TEMPORARILY_LOCKED
    394,  # QUERY_WAS_CANCELLED
    439,  # CANNOT_SCHEDULE_TASK
    473,  # DEADLOCK_AVOIDED
    516,  # AUTHENTICATION_FAILED
    574,  # DISTRIBUTED_TOO_MANY_PENDING_BYTES
    677,  # THREAD_WAS_CANCELED
    692,  # TOO_MANY_MUTATIONS
    700,  # USER_SESSION_LIMIT_EXCEEDED
    722,  # ASYNC_LOAD_WAIT_FAILED
    733,  # TABLE_IS_BEING_RESTARTED
    735,  # QUERY_WAS_CANCELLED_BY_CLIENT
    738,  # PART_IS_LOCKED
    745,  # SERVER_OVERLOADED
    749,  # TCP_CONNECTION_LIMIT_REACHED
    763,  # SESSION_REFUSED
    999,  # KEEPER_EXCEPTION
    1019,  # QUERY_SLOT_ACQUISITION_TIMEOUT
    1020,  # MEMORY_RESERVATION_ACQUISITION_TIMEOUT
}

# What somebody has to mend: a schema, a right, a disk, the server itself. It tells nothing of the
# rows, so that none is set aside for it while others fail as well.
SERVER_AT_FAULT_CODES: Final = frozenset(
    {
        7,  # INCORRECT_NUMBER_OF_COLUMNS
        8,  # THERE_IS_NO_COLUMN
        10,  # NOT_FOUND_COLUMN_IN_BLOCK
        16,  # NO_SUCH_COLUMN_IN_TABLE
        20,  # NUMBER_OF_COLUMNS_DOESNT_MATCH
        23,  # CANNOT_READ_FROM_ISTREAM
        24,  # CANNOT_WRITE_TO_OSTREAM
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        33,  # CANNOT_READ_ALL_DATA
        40,  # CHECKSUM_DOESNT_MATCH
        46,  # UNKNOWN_FUNCTION
        47,  # UNKNOWN_IDENTIFIER
        48,  # NOT_IMPLEMENTED
        49,  # LOGICAL_ERROR
        50,  # UNKNOWN_TYPE
        60,  # UNKNOWN_TABLE
        62,  # SYNTAX_ERROR
        74,  # CANNOT_READ_FROM_FILE_DESCRIPTOR
        75,  # CANNOT_WRITE_TO_FILE_DESCRIPTOR
        76,  # CANNOT_OPEN_FILE
        77,  # CANNOT_CLOSE_FILE
        81,  # UNKNOWN_DATABASE
        83,  # DIRECTORY_DOESNT_EXIST
        84,  # DIRECTORY_ALREADY_EXISTS
        87,  # CANNOT_SEEK_THROUGH_FILE
        88,  # CANNOT_TRUNCATE_FILE
        89,  # UNKNOWN_COMPRESSION_METHOD
        100,  # UNKNOWN_PACKET_FROM_SERVER
        107,  # FILE_DOESNT_EXIST
        115,  # UNKNOWN_SETTING
        122,  # INCOMPATIBLE_COLUMNS
        164,  # READONLY
        172,  # CANNOT_CREATE_DIRECTORY
        192,  # UNKNOWN_USER
        193,  # WRONG_PASSWORD
        194,  # REQUIRED_PASSWORD
        195,  # IP_ADDRESS_NOT_ALLOWED
        204,  # CANNOT_FSYNC
        214,  # CANNOT_STATVFS
        218,  # TABLE_IS_DROPPED
        226,  # NO_FILE_IN_DATA_PART
        228,  # BAD_SIZE_OF_FILE_IN_DATA_PART
        232,  # NO_SUCH_DATA_PART
        235,  # DUPLICATE_DATA_PART
        246,  # CORRUPTED_DATA
        291,  # DATABASE_ACCESS_DENIED
        294,  # CANNOT_WRITE_TO_FILE
        342,  # METADATA_MISMATCH
        344,  # SUPPORT_IS_DISABLED
        392,  # QUERY_IS_PROHIBITED
        400,  # CANNOT_STAT
        424,  # CANNOT_LINK
        425,  # SYSTEM_ERROR
        452,  # SETTING_CONSTRAINT_VIOLATION
        454,  # OPENSSL_ERROR
        458,  # CANNOT_UNLINK
        472,  # READONLY_SETTING
        479,  # UNKNOWN_DISK
        481,  # PATH_ACCESS_DENIED
        497,  # ACCESS_DENIED
        499,  # S3_ERROR
        500,  # AZURE_BLOB_STORAGE_ERROR
        511,  # UNKNOWN_ROLE
        521,  # ATOMIC_RENAME_FAIL
        531,  # CANNOT_FSTAT
        586,  # CANNOT_CREATE_FILE
        620,  # QUERY_NOT_ALLOWED
        641,  # CANNOT_APPEND_TO_FILE
        662,  # FS_METADATA_ERROR
        668,  # INVALID_STATE
        673,  # RESOURCE_ACCESS_DENIED
        693,  # AWS_ERROR
        695,  # ASYNC_LOAD_FAILED
        696,  # ASYNC_LOAD_CANCELED
        707,  # GCP_ERROR
        720,  # USER_EXPIRED
        740,  # POTENTIALLY_BROKEN_DATA_PART
        741,  # TABLE_UUID_MISMATCH
        767,  # REQUIRED_SECOND_FACTOR
        774,  # TABLE_IS_PERMANENTLY_READ_ONLY
        1000,  # POCO_EXCEPTION: a file system that fails, or is full
        1001,  # STD_EXCEPTION
        1002,  # UNKNOWN_EXCEPTION
    }
)

# What no other try can help.
REFUSED_DATA_CODES: Final = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        25,  # CANNOT_PARSE_ESCAPE_SEQUENCE
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        128,  # TOO_LARGE_ARRAY_SIZE
        130,  # CANNOT_READ_ARRAY_FROM_TEXT
        131,  # TOO_LARGE_STRING_SIZE
        306,  # TOO_DEEP_RECURSION
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        376,  # CANNOT_PARSE_UUID
        467,  # CANNOT_PARSE_BOOL
        469,  # VIOLATED_CONSTRAINT
        632,  # UNEXPECTED_DATA_AFTER_PARSED_VALUE
        636,  # CANNOT_EXTRACT_TABLE_STRUCTURE
    }
)


class Remedy(Enum):
    """What helps where rows did not get into ClickHouse."""

    WAIT = "the server comes back, or somebody mends it"
    HALVE = "fewer rows at once"
    SET_ASIDE = "nobody knows; if other tries do not help, going on without the row"


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

    hint = "Ask for a shorter window with filter[period], or for fewer groups with other filters."

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
    if isinstance(error, MemoryError):
        return ClickHouseUnavailable(text, sent=True, code=MEMORY_LIMIT)
    # The driver could not write a value as its column's type.
    return DataRefused(text, clickhouse_code=None)


def remedy_of(error: Unavailable | ClickHouseFault) -> Remedy:
    """What helps after the failure of an insert, or of a statement that repairs counts."""
    if isinstance(error, QueryTooHeavy):
        return Remedy.HALVE
    if not isinstance(error, (ClickHouseUnavailable, ClickHouseFault)):
        return Remedy.WAIT
    code = error.clickhouse_code
    if code in TOO_HEAVY_CODES:
        return Remedy.HALVE
    # No code, or a negative one: the driver's own, for a broken connection.
    if code is None or code < 0 or code in UNAVAILABLE_CODES | SERVER_AT_FAULT_CODES:
        return Remedy.WAIT
    return Remedy.SET_ASIDE
