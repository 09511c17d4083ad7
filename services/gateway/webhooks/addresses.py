"""Where an event may be sent: URLs as partners write them, and addresses as names resolve. Pure rules.

A partner chooses the URL and answers for its name, so neither may lead to our own networks: every address a name has
must be one of the public internet, and what embeds an IPv4 address in an IPv6 one is none.
"""

import ipaddress
from collections.abc import Sequence

import httpx
import msgspec

from libs.http.limits import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_LENGTH_MAX = 2000
# Below it, only 443 is where anybody receives webhooks; the rest is mail, SSH, DNS and other people's services.
PORT_MIN, PORT_MAX = 1024, 65535
HTTPS_PORT, HTTP_PORT = 443, 80
# IPv4 within IPv6, by which the former could be reached: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC
# 4380), IPv4-mapped, -compatible (RFC 4291) and -translated (RFC 2765).
_EMBEDDING = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "::/96",
        "fec0::/10",
    )
)

# IETF protocol assignments and 6to4 relays: parts of them count as global by some versions of Python.
_ASSIGNED = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv4Network("192.88.99.0/24"))
_LOOPBACK = ipaddress.IPv4Address("127.0.0.1")


class Refused(Exception):
    """Not sent there; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Target(msgspec.Struct, frozen=True):
    """Where to, taken apart. `host` is a name in ASCII or an address."""

    scheme: str
    host: str
    port: int


def reaches_loopback(networks: Sequence[Network]) -> bool:
    """Whether networks that are allowed besides the public internet hold 127.0.0.1, the gateway's own machine."""
    return any(_LOOPBACK in network for network in networks)


def target_of(url: str) -> Target:
    """The parts of a URL. Raises Refused: url-malformed, scheme-not-allowed, credentials-in-url."""
    if len(url) > URL_LENGTH_MAX or not url.isprintable() or " " in url:
        raise Refused("url-malformed")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise Refused("url-malformed") from None
    if parsed.scheme not in {"https", "http"}:
        raise Refused("scheme-not-allowed")
    if not host or parsed.fragment:
        raise Refused("url-malformed")
    if parsed.userinfo:
        raise Refused("credentials-in-url")
    port = parsed.port or (HTTPS_PORT if parsed.scheme == "https" else HTTP_PORT)
    if not 0 < port <= PORT_MAX:
        raise Refused("url-malformed")
    return Target(parsed.scheme, host.strip("[]"), port)


def path_of(url: str) -> bytes:
    """Path and query of a URL that `target_of` takes, as they stand in a request: in ASCII."""
    return httpx.URL(url).raw_path


def judge_written(target: Target, allowed: Sequence[Network]) -> None:
    """What is refused wherever the name leads to, and so before anybody is asked for it. Raises Refused.

    Where something is `allowed`, only the addresses tell whether this is.
    """
    if not allowed:
        _judge_outside(target)


def judge(target: Target, addresses: Sequence[Address], allowed: Sequence[Network]) -> None:
    """Whether all `addresses` of the target may be connected to. Raises Refused.

    Inside `allowed` (a setting) everything may; elsewhere only https, to a global address, on port 443 or from 1024.
    """
    if not addresses:
        raise Refused("name-not-resolved")
    if all(_inside(address, allowed) for address in addresses):
        return
    _judge_outside(target)
    if not all(_inside(address, allowed) or is_public(address) for address in addresses):
        raise Refused("address-not-allowed")


def _judge_outside(target: Target) -> None:
    if target.scheme != "https":
        raise Refused("scheme-not-allowed")
    if target.port != HTTPS_PORT and target.port < PORT_MIN:
        raise Refused("port-not-allowed")


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, by itself and not by what it embeds."""
    if _inside(address, _EMBEDDING) or _inside(address, _ASSIGNED):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
    )


def _inside(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
