"""Token buckets and whose address counts."""

import ipaddress

from fastapi import APIRouter, Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from libs.http.health import LOOPBACK
from libs.http.limits import RateLimit, TokenBuckets, client_address, is_within
from tests.unit.http.conftest import Clients, Keys

PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)


class Clock:
    """A clock moved by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def scope(peer: str, *forwarded: str) -> dict[str, object]:
    """A request of `peer` with these X-Forwarded-For headers."""
    return {"client": (peer, 1), "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded]}


@given(st.lists(st.floats(0, 10), max_size=60), st.integers(1, 5), st.floats(0.1, 5))
def test_never_more_than_burst_and_rate_allow(pauses: list[float], burst: int, rate: float) -> None:
    """In any time at most burst + rate x time requests pass, and whoever waits as told gets through."""
    clock = Clock()
    buckets = TokenBuckets(rate_per_second=rate, burst=burst, now=clock)
    passed = 0
    for pause in pauses:
        clock.seconds += pause
        wait_seconds = buckets.take("a")
        passed += wait_seconds == 0
        assert passed <= burst + rate * clock.seconds + 1e-6
    wait_seconds = buckets.take("a")
    clock.seconds += wait_seconds + 1e-6
    assert wait_seconds == 0 or buckets.take("a") == 0


def test_clients_remembered_are_bounded() -> None:
    """The longest unseen client is forgotten, so that memory does not grow with addresses."""
    buckets = TokenBuckets(rate_per_second=1, burst=1, clients_max=3, now=Clock())
    for number in range(100):
        buckets.take(str(number))
    assert list(buckets._buckets) == ["97", "98", "99"]


def test_a_forwarded_header_changes_nobodys_address() -> None:
    """Entrances write X-Forwarded-For themselves and pass on a `Forwarded` that the browser made up."""
    asked = scope("10.0.0.1", "198.51.100.9")
    asked["headers"] = [*asked["headers"], (b"forwarded", b"203.0.113.1")]  # type: ignore[misc]
    assert str(client_address(asked, PROXIES)) == "198.51.100.9"
    assert not is_within({"client": ("127.0.0.1", 1), "headers": [(b"forwarded", b"for=1.1.1.1")]}, LOOPBACK)


def test_only_a_trusted_proxy_is_believed() -> None:
    """X-Forwarded-For counts from the right, up to the first hop that is not ours."""
    assert str(client_address(scope("203.0.113.1", "198.51.100.1"), PROXIES)) == "203.0.113.1"
    assert str(client_address(scope("10.0.0.1", "198.51.100.1"), ())) == "10.0.0.1"
    assert (
        str(client_address(scope("10.0.0.1", "1.1.1.1, 198.51.100.1", "10.0.0.2"), PROXIES)) == "198.51.100.1"
    )
    assert str(client_address(scope("10.0.0.1"), PROXIES)) == "10.0.0.1"
    assert client_address(scope("10.0.0.1", "nonsense"), PROXIES) is None


def test_loopback_behind_a_proxy_is_not_inside() -> None:
    """A proxy on this machine does not make its callers insiders; a mapped address is what it maps."""
    assert is_within({"client": ("127.0.0.1", 1), "headers": []}, LOOPBACK)
    assert is_within({"client": ("::ffff:127.0.0.1", 1), "headers": []}, LOOPBACK)
    assert not is_within(scope("127.0.0.1", "203.0.113.1"), LOOPBACK)
    assert not is_within({"client": ("192.0.2.1", 1), "headers": []}, LOOPBACK)
    assert not is_within({"client": None, "headers": []}, LOOPBACK)


async def test_a_service_asks_for_persons_who_have_a_limit_each(
    app: FastAPI, clients: Clients, keys: Keys
) -> None:
    """Citizens who come through the portal are told apart by the address it signs for; nobody else is believed."""
    routes = APIRouter(dependencies=[Depends(RateLimit(rate_per_second=0.001, burst=1).check)])
    routes.add_api_route("/asked", lambda: None)
    app.include_router(routes)
    service = {"Authorization": f"Bearer {keys.routing.token('intake')}"}
    officer = {"Authorization": f"Bearer {keys.officer('one_stop')}"}
    forged = {"Authorization": "Bearer a.b.c"}

    async def ask(headers: dict[str, str], address: str) -> int:
        async with clients() as client:
            return (await client.get("/asked", headers={**headers, "X-Forwarded-For": address})).status_code

    assert [await ask(service, f"198.51.100.{host}") for host in (1, 2, 1)] == [200, 200, 429]
    # Whoever is no service counts by the address the request came from, whatever is said.
    assert [await ask(who, f"192.0.2.{host}") for host, who in enumerate((officer, forged, {}))] == [
        200,
        429,
        429,
    ]
    assert await ask(service, "nonsense") == 429
