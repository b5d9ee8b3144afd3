"""The socket that the web inherits."""

import logging
import socket
import struct

import pytest

from errors_app.services.supervisor import listener
from errors_app.services.supervisor.refusal import CannotServe
from errors_app.services.supervisor.web import _is_news
from errors_app.services.supervisor.welcome import welcome


@pytest.mark.parametrize("option", [socket.SO_RCVTIMEO, socket.SO_SNDTIMEO])
def test_connections_inherit_the_timeout_of_stalled_clients(option: int) -> None:
    with listener.bind("127.0.0.1", 0) as server:
        listener.open_for_clients(server)
        with socket.create_connection(server.getsockname()):
            accepted, _ = server.accept()
            with accepted:
                seconds, _ = struct.unpack("ll", accepted.getsockopt(socket.SOL_SOCKET, option, 16))

    assert seconds == listener.STALLED_SECONDS


def test_a_bound_socket_takes_nobody_until_it_is_opened() -> None:
    with listener.bind("127.0.0.1", 0) as server:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(server.getsockname(), timeout=1)

        listener.open_for_clients(server)

        socket.create_connection(server.getsockname(), timeout=1).close()


def test_two_who_bound_one_port_do_not_both_open_it() -> None:
    with listener.bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with listener.bind("127.0.0.1", port) as second:
            listener.open_for_clients(first)

            with pytest.raises(CannotServe, match=f"Port {port} on 127.0.0.1 is taken"):
                listener.open_for_clients(second)


def test_an_address_that_is_not_ours_is_refused_in_a_sentence() -> None:
    with pytest.raises(CannotServe, match="cannot be used"):
        listener.bind("203.0.113.7", 0)


def test_a_server_on_every_address_is_reached_on_the_loopback_one() -> None:
    with listener.bind("0.0.0.0", 0) as server:
        port = server.getsockname()[1]

        assert listener.address_of(server) == f"0.0.0.0:{port}"
        assert listener.own_address(server) == ("127.0.0.1", port)
        assert f"http://127.0.0.1:{port}/admin/" in "\n".join(welcome(f"http://0.0.0.0:{port}"))


@pytest.mark.parametrize(("failure", "news"), [(BlockingIOError(), False), (OSError(), True)])
def test_a_stalled_client_is_no_news_and_other_failures_are(failure: OSError, news: bool) -> None:
    record = logging.LogRecord("gunicorn.error", logging.ERROR, "", 0, "failed", None, None)
    record.exc_info = (type(failure), failure, None)

    assert _is_news(record) is news
