"""Who a request comes from: proxies that are ours are believed, and nothing a stranger writes."""

from ipaddress import ip_network

import pytest

from runs_app.web.client_address import client_address, client_name, parse_network

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def name_of(peer: str, forwarded_for: str = "") -> str:
    return client_name(client_address(peer, forwarded_for, PROXIES))


def test_without_a_proxy_it_is_who_opened_the_connection() -> None:
    assert name_of("203.0.113.7") == "203.0.113.7"


def test_a_stranger_is_not_believed() -> None:
    assert name_of("203.0.113.7", "198.51.100.1") == "203.0.113.7"


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert client_name(client_address("10.0.0.1", "198.51.100.1", ())) == "10.0.0.1"


def test_behind_a_proxy_it_is_who_called_the_proxy() -> None:
    assert name_of("10.0.0.1", "198.51.100.1") == "198.51.100.1"


def test_what_the_client_wrote_itself_stands_before_and_is_not_looked_at() -> None:
    assert name_of("10.0.0.1", "192.0.2.99, 10.0.0.9, 198.51.100.1") == "198.51.100.1"


def test_several_proxies_in_a_row_are_passed() -> None:
    assert name_of("10.0.0.1", "192.0.2.99, 198.51.100.1, fd00::2,10.0.0.2") == "198.51.100.1"


def test_a_client_inside_the_trusted_network_is_the_farthest_address() -> None:
    assert name_of("10.0.0.1", "10.7.7.7, 10.0.0.2") == "10.7.7.7"


@pytest.mark.parametrize(
    "forwarded_for",
    ["", "  ", "unknown", "198.51.100.1, nonsense", "198.51.100.1,", "198.51.100.1;10.0.0.2",
     "1.2.3", "1.2.3.4.5", "::::", "[::1", "198.51.100.1:999999", "１.2.3.4", "\x00", "," * 8000],
)  # fmt: skip
def test_garbage_falls_back_to_the_nearest_sure_address(forwarded_for: str) -> None:
    assert name_of("10.0.0.1", forwarded_for) == "10.0.0.1"


def test_garbage_before_a_good_entry_is_behind_it() -> None:
    assert name_of("10.0.0.1", "nonsense, 10.0.0.3, 10.0.0.2") == "10.0.0.3"


@pytest.mark.parametrize(
    "written",
    ["198.51.100.1:4711", " 198.51.100.1 ", "::ffff:198.51.100.1", "[::ffff:c633:6401]:1"],
)
def test_an_address_counts_the_same_however_a_proxy_writes_it(written: str) -> None:
    assert name_of("10.0.0.1", written) == "198.51.100.1"


def test_a_peer_that_is_ipv4_in_ipv6_is_a_trusted_proxy_all_the_same() -> None:
    assert name_of("::ffff:10.0.0.1", "198.51.100.1") == "198.51.100.1"


def test_all_addresses_of_one_ipv6_network_are_one_client() -> None:
    first = name_of("2001:db8:1:2:aaaa::1")

    assert name_of("2001:db8:1:2:bbbb:cccc:dddd:eeee") == first == "2001:db8:1:2::/64"
    assert name_of("10.0.0.1", "[2001:db8:1:2::7]:443") == first
    assert name_of("10.0.0.1", "2001:db8:1:2::7%anything") == first
    assert name_of("2001:db8:1:3::1") != first


def test_a_socket_of_the_file_system_has_no_address_and_is_believed_nothing() -> None:
    assert name_of("", "198.51.100.1") == "unknown"


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.5", "10.0.0.5/32"), ("10.0.0.0/8", "10.0.0.0/8"), ("fd00::1", "fd00::1/128"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("::ffff:10.0.0.5", "10.0.0.5/32"),
    ],
)  # fmt: skip
def test_an_address_and_a_network_are_read(text: str, network: str) -> None:
    assert parse_network(text) == ip_network(network)


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.5/8", "10.0.0.0/33", "10.0.0.0-10", "*"])
def test_what_is_no_network_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 10\.0\.0\.5 or 10\.0\.0\.0/8"):
        parse_network(text)
