"""Webhooks go to the public internet: by URL, and by every address a name resolves to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.webhooks.addresses import (
    Address,
    Refused,
    Target,
    is_public,
    judge,
    reaches_loopback,
    target_of,
)

WEB = Target("https", "receiver.example", 443)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PUBLIC = ipaddress.ip_address("1.1.1.1")
# What must never be reached from inside a city's network, as IPv4.
INSIDE = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
# What carries an IPv4 address within an IPv6 one: prefix and where the 32 bits stand.
CARRIERS = (
    ("::ffff:0:0", 0),
    ("::ffff:0:0:0", 0),
    ("::", 0),
    ("64:ff9b::", 0),
    ("64:ff9b:1::", 0),
    ("2002::", 80),
    ("2001::", 64),
)


def of(network: str) -> st.SearchStrategy[ipaddress.IPv4Address]:
    """Addresses of a network."""
    found = ipaddress.IPv4Network(network)
    return st.integers(int(found[0]), int(found[-1])).map(ipaddress.IPv4Address)


@given(st.sampled_from(INSIDE).flatmap(of))
def test_no_address_inside_is_public(address: ipaddress.IPv4Address) -> None:
    """Private, shared, loopback, link-local (the clouds' metadata), multicast, reserved."""
    assert not is_public(address)


@given(st.integers(0, 2**32 - 1), st.sampled_from(CARRIERS))
def test_no_address_that_carries_another_is_public(number: int, carrier: tuple[str, int]) -> None:
    """Mapped, translated, NAT64, 6to4, Teredo: whatever they carry, for what is public is reached as itself."""
    prefix, shift = carrier
    assert not is_public(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number << shift))


@pytest.mark.parametrize(
    "text", ["::1", "::", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1"]
)
def test_no_address_of_ones_own_is_public(text: str) -> None:
    """IPv6: loopback, link-local, unique local, site-local, multicast, documentation, discard."""
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "203.113.131.1", "2606:4700::1111", "2405:4800::1"])
def test_addresses_of_the_internet_are_public(text: str) -> None:
    """Otherwise nobody would get anything."""
    assert is_public(ipaddress.ip_address(text))


@given(st.lists(st.ip_addresses(), max_size=4), st.sampled_from(INSIDE).flatmap(of), st.integers(0, 4))
def test_one_address_inside_spoils_a_name(
    others: list[Address], inside: ipaddress.IPv4Address, place: int
) -> None:
    """Wherever it stands in the answer: which one is connected to must not be a matter of luck."""
    with pytest.raises(Refused):
        judge(WEB, [*others[:place], inside, *others[place:]], ())


@pytest.mark.parametrize(
    ("target", "address", "code"),
    [
        (Target("http", "x", 80), "1.1.1.1", "scheme-not-allowed"),
        (Target("https", "x", 22), "1.1.1.1", "port-not-allowed"),
        (Target("https", "x", 1023), "1.1.1.1", "port-not-allowed"),
        (Target("https", "x", 443), "10.1.2.3", "address-not-allowed"),
        (Target("http", "x", 80), "127.0.0.1", ""),
        (Target("https", "x", 25), "127.0.0.1", ""),
        (Target("https", "x", 443), "1.1.1.1", ""),
        (Target("https", "x", 8443), "1.1.1.1", ""),
    ],
)
def test_what_a_setting_allows_may_be_reached_as_it_is(target: Target, address: str, code: str) -> None:
    """Elsewhere: https, on port 443 or from 1024."""
    if code:
        with pytest.raises(Refused, match=code):
            judge(target, [ipaddress.ip_address(address)], LOOPBACK)
    else:
        judge(target, [ipaddress.ip_address(address)], LOOPBACK)


def test_a_name_half_inside_what_is_allowed_is_no_way_round() -> None:
    """http to a public address stays refused when another address of the name is allowed."""
    both = [ipaddress.ip_address("127.0.0.1"), PUBLIC]
    with pytest.raises(Refused, match="scheme-not-allowed"):
        judge(Target("http", "x", 80), both, LOOPBACK)
    with pytest.raises(Refused, match="name-not-resolved"):
        judge(WEB, [], LOOPBACK)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.vn/nhan?a=1", Target("https", "example.vn", 443)),
        ("https://bệnhviện.vn/x", Target("https", "xn--bnhvin-qv4co5c.vn", 443)),
        ("https://[2606:4700::1111]:8443/", Target("https", "2606:4700::1111", 8443)),
        ("http://127.0.0.1:9/", Target("http", "127.0.0.1", 9)),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: Target) -> None:
    """Names in ASCII, ports by their scheme."""
    found = target_of(url)
    assert (found.scheme, found.port) == (expected.scheme, expected.port)
    assert found.host == expected.host or found.host.startswith("xn--")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "scheme-not-allowed"),
        ("//example.vn", "scheme-not-allowed"),
        ("file:///etc/passwd", "scheme-not-allowed"),
        ("https://", "url-malformed"),
        ("https://a@b.vn/", "credentials-in-url"),
        ("https://a.vn/#b", "url-malformed"),
        ("https://a.vn:99999/", "url-malformed"),
        ("https://a.vn/\r\nHost: b", "url-malformed"),
        ("https://a.vn/ b", "url-malformed"),
        (f"https://a.vn/{'x' * 2000}", "url-malformed"),
    ],
)
def test_what_is_no_url_of_a_receiver_is_refused(url: str, code: str) -> None:
    """With why."""
    with pytest.raises(Refused, match=code):
        target_of(url)


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    """Never an error of another kind."""
    for url in (text, f"https://{text}", f"https://a.vn:{text}/"):
        try:
            target_of(url)
        except Refused:
            continue


@pytest.mark.parametrize(
    ("allowed", "reaches"),
    [
        ((), False),
        (("10.0.0.0/8", "fd00::/8"), False),
        (("10.0.0.0/8", "127.0.0.0/8"), True),
        (("0.0.0.0/0",), True),
    ],
)
def test_that_the_own_machine_is_allowed_is_told_apart_from_other_networks(
    allowed: tuple[str, ...], reaches: bool
) -> None:
    """Partners are told of it alone; which networks a city has is none of their business."""
    assert reaches_loopback([ipaddress.ip_network(each) for each in allowed]) is reaches
