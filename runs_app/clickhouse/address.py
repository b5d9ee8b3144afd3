"""The address of a ClickHouse server."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

SCHEMES: Final = ("clickhouse", "clickhouses")
PORT: Final = 9000
TLS_PORT: Final = 9440


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("takes true or false")
    return text.lower() == "true"


def _compression(text: str) -> str:
    if text not in {"lz4", "zstd"}:
        raise ValueError("takes lz4 or zstd")
    return text


# Options after the question mark, under the driver's own names.
OPTIONS: Final[Mapping[str, Callable[[str], Any]]] = {
    "alt_hosts": str,
    "ca_certs": str,
    "compression": _compression,
    "verify": _truth,
}


def parse_address(url: str) -> dict[str, Any]:
    """The driver's arguments for `clickhouse[s]://user:password@host:port/database?option=value`.

    Raises ValueError with a sentence that repeats nothing of the address.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError("The address begins with clickhouse:// or clickhouses:// and a host.")
    secure = parts.scheme == "clickhouses"
    try:
        port = parts.port or (TLS_PORT if secure else PORT)
    except ValueError:
        raise ValueError("The port is no number from 1 to 65535.") from None
    return {
        "compression": "lz4",
        **_options(parts.query),
        "host": parts.hostname,
        "port": port,
        "user": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.lstrip("/")) or "default",
        "secure": secure,
    }


def _options(query: str) -> dict[str, Any]:
    options = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in OPTIONS:
            raise ValueError(f"The options are {', '.join(sorted(OPTIONS))}.")
        try:
            options[name] = OPTIONS[name](text)
        except ValueError as error:
            raise ValueError(f"The option {name} {error}.") from None
    return options
