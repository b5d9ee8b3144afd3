"""The web's socket: the parent binds it first of all, and opens it when the stores answer.

It outlives a web process that dies: requests wait in its queue until the next one has started.
"""

import errno
import socket
import struct
from typing import Final

from errors_app.services.supervisor.refusal import CannotServe

BACKLOG: Final = 1024
# A client that says half a request, or does not read its answer, lets go of its thread then.
STALLED_SECONDS: Final = 15
UNSPECIFIED: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, not open yet. Raises CannotServe."""
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            _set_options(listener)
            listener.bind(address)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise _refusal(host, port, error) from error
    return listener


def open_for_clients(listener: socket.socket) -> None:
    """From now on connections are taken. Raises CannotServe."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise _refusal(host, port, error) from error


def address_of(listener: socket.socket) -> str:
    """`host:port` as it stands in an address of the web."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def own_address(listener: socket.socket) -> tuple[str, int]:
    """Where this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    return UNSPECIFIED.get(host, host), port


def _set_options(listener: socket.socket) -> None:
    """Accepted connections inherit the timeouts."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    stalled = struct.pack("ll", STALLED_SECONDS, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, stalled)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, stalled)


def _refusal(host: str, port: int, error: OSError) -> CannotServe:
    if error.errno == errno.EADDRINUSE:
        return CannotServe(f"Port {port} on {host} is taken: stop what uses it, or choose --port.")
    return CannotServe(f"{host} port {port} cannot be used: {error.strerror}.")
