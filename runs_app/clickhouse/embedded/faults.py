"""What can go wrong in the embedded process, by what has to be done about it."""

from enum import IntEnum


class Code(IntEnum):
    """ClickHouse error codes that this process raises itself."""

    NO_SUCH_COLUMN_IN_TABLE = 16
    NOT_IMPLEMENTED = 48
    SYNTAX_ERROR = 62
    UNEXPECTED_PACKET_FROM_CLIENT = 101
    UNKNOWN_SETTING = 115
    READONLY = 164
    TOO_MANY_SIMULTANEOUS_QUERIES = 202
    LIMIT_EXCEEDED = 290
    QUERY_WAS_CANCELLED = 394
    TOO_MANY_ROWS_OR_BYTES = 396
    AUTHENTICATION_FAILED = 516
    UNKNOWN_EXCEPTION = 1002


class ServerFault(Exception):
    """A failure the client is told about; its connection stays usable."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StreamBroken(Exception):
    """The bytes make no sense from here on: the connection can only be closed."""


class PeerGone(Exception):
    """The client closed its end, or the process is shutting down."""


class EngineUnavailable(Exception):
    """The engine cannot be opened; the sentence says why and what to do."""
