"""Receivers that are slow, broken or hostile, and names that lead inside; and the healthy beside them."""

import asyncio
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from libs.http.limits import Network
from services.gateway.webhooks.addresses import Address, Refused
from services.gateway.webhooks.connecting import tls_context
from services.gateway.webhooks.resolving import NameServers
from services.gateway.webhooks.sending import Attempted, Message, Sender
from tests.fixtures.receiver import CLOSE, HALF, HANG, HUGE, SLOWLY, TRICKLE, Received, always, receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import EVERYTHING, House, received
from tests.integration.gateway.webhook_desk import desk_of, dispatching, has

LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"),)
HERE = ipaddress.ip_address("127.0.0.1")
NAME = "receiver.example"


class Names:
    """A resolver whose answers change: what a hostile name server does."""

    def __init__(self, *answers: Sequence[Address]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def addresses(self, _host: str) -> Sequence[Address]:
        """The next answer; the last one from then on."""
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


Send = Callable[[str], Awaitable[Attempted]]


@asynccontextmanager
async def sending(
    names: Names | None = None,
    allowed: tuple[Network, ...] = LOOPBACK,
    context: ssl.SSLContext | None = None,
    seconds: float = 0.5,
) -> AsyncIterator[tuple[Sender, Send]]:
    """A sender, and one attempt with it."""
    sender = Sender(names or NameServers(), allowed, context or tls_context(), seconds=seconds)

    async def send(url: str) -> Attempted:
        return await sender.send(Message(url=url, keys=(b"k" * 32,), event_id=uuid4(), body=b"{}"))

    try:
        yield sender, send
    finally:
        await sender.close()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for receiver.example: the file of its authority (itself), and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = tmp_path / "receiver.pem", tmp_path / "receiver.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return certificate, context


async def test_over_tls_the_receiver_proves_the_name_that_was_registered(
    authority: tuple[Path, ssl.SSLContext],
) -> None:
    """By the checked address, with the name in TLS and in Host; without the authority, or by another name, refused."""
    certificate, server = authority
    async with receiver(context=server) as there:
        url = f"https://{NAME}:{there.port}/hook"
        async with sending(Names([HERE]), context=tls_context(str(certificate))) as (_, send):
            assert (await send(url)).status == 204
            assert there.requests[0].headers["host"] == f"{NAME}:{there.port}"
            other = await send(f"https://other.example:{there.port}/hook")
            assert (other.status, other.error) == (0, "tls-failed")
        async with sending(Names([HERE])) as (_, send):
            assert (await send(url)).error == "tls-failed"
        async with sending(Names([HERE]), context=tls_context(str(certificate))) as (_, send):
            plain = await send(f"http://{NAME}:{there.port}/")
            assert plain.error in {"connection-lost", "answer-malformed"}
        assert len(there.requests) == 1


async def test_a_name_that_turns_inside_is_not_followed() -> None:
    """DNS rebinding: public when it was checked, inside when it is connected to; and asked once for a connection."""
    public = ipaddress.ip_address("1.1.1.1")
    async with receiver() as there:
        names = Names([public], [HERE])
        async with sending(names, allowed=()) as (sender, send):
            await sender.check(f"https://{NAME}:{there.port}/")
            outcome = await send(f"https://{NAME}:{there.port}/")
            assert (outcome.status, outcome.error, names.asked) == (0, "address-not-allowed", 2)
            with pytest.raises(Refused, match="address-not-allowed"):
                await sender.check(f"https://{NAME}:{there.port}/")
        for inside in ("10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"):
            async with sending(Names([public, ipaddress.ip_address(inside)]), allowed=()) as (_, send):
                assert (await send(f"https://{NAME}:{there.port}/")).error == "address-not-allowed"
        async with sending(Names([HERE]), allowed=()) as (_, send):
            assert (await send(f"http://{NAME}:{there.port}/")).error == "scheme-not-allowed"
        async with sending(Names([HERE], [public])) as (_, send):
            assert (await send(f"http://{NAME}:{there.port}/")).status == 204
        assert len(there.requests) == 1


async def test_what_the_url_alone_forbids_is_refused_before_anybody_is_asked() -> None:
    """Without https, or on a port of something else: whoever has the name hears nothing of it."""
    names = Names([ipaddress.ip_address("1.1.1.1")])
    async with sending(names, allowed=()) as (sender, send):
        for url, code in (
            (f"http://{NAME}/", "scheme-not-allowed"),
            (f"https://{NAME}:25/", "port-not-allowed"),
        ):
            with pytest.raises(Refused, match=code):
                await sender.check(url)
            assert (await send(url)).error == code
    assert names.asked == 0


@pytest.mark.parametrize("written", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "[::1]"])
async def test_loopback_by_any_name_is_loopback(written: str) -> None:
    """Also by numbers that the system's resolver would read as it."""
    async with receiver() as there, sending(allowed=()) as (sender, send):
        with pytest.raises(Refused):
            await sender.check(f"https://{written}:{there.port}/")
        assert (await send(f"https://{written}:{there.port}/")).error in {
            "address-not-allowed",
            "name-not-resolved",
            "url-malformed",
        }
        assert there.requests == []


async def test_a_url_with_vietnamese_letters_is_sent_to_as_it_is_judged() -> None:
    """The name in its ASCII form, path and query percent-encoded; dots and backslashes lead to no other host."""
    async with receiver() as there, sending(Names([HERE])) as (sender, send):
        url = f"http://bệnh-viện.example:{there.port}/nhận?nơi=Cần Thơ".replace(" ", "+")
        assert (await sender.check(url)).host.startswith("xn--")
        assert (await send(url)).status == 204
        (request,) = there.requests
        assert request.path == "/nh%E1%BA%ADn?n%C6%A1i=C%E1%BA%A7n+Th%C6%A1"
        assert request.headers["host"].startswith("xn--")
        assert (await send(f"http://inside.example\\@{NAME}:{there.port}/a/../b")).status == 0
        assert len(there.requests) == 1


@pytest.mark.parametrize("size", [1_000, 300_000])
async def test_the_head_of_an_answer_is_bounded(size: int) -> None:
    """A usual one counts; one of 300 kB is no answer, and neither is unpacked: what is kept is what came."""
    async with receiver(always(200)) as there, sending() as (_, send):
        there.answer_headers = f"content-encoding: gzip\r\nx-much: {'x' * size}\r\n"
        outcome = await send(there.url)
        expected = (200, "", "because") if size < 100_000 else (0, "answer-malformed", "")
        assert (outcome.status, outcome.error, outcome.response_body) == expected


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    """To inside or outside, with any status."""
    async with receiver() as inside, receiver() as there, sending() as (_, send):
        there.answer_headers = f"location: {inside.url}\r\n"
        for status in (301, 302, 303, 307, 308):
            there.answering = always(status)
            outcome = await send(there.url)
            assert (outcome.status, outcome.error, outcome.delivered) == (status, "redirect", False)
        assert inside.requests == []


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would resolve names by itself, where nobody judges them."""
    async with receiver() as proxy, receiver() as there:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with sending() as (_, send):
            assert (await send(there.url)).status == 204
        assert (len(proxy.requests), len(there.requests)) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (HANG, 0, "timeout"),
        (TRICKLE, 0, "timeout"),
        (CLOSE, 0, "connection-lost"),
        (HALF, 200, ""),
        (HUGE, 200, ""),
        (500, 500, "status"),
        (304, 304, "redirect"),
    ],
)
async def test_an_attempt_ends_whatever_the_receiver_does(answer: int | str, status: int, error: str) -> None:
    """In time and within 2 KiB; a head of 2xx counts, however its body goes on."""
    async with receiver(always(answer)) as there, sending() as (_, send):
        began = time.monotonic()
        outcome = await send(there.url)
        assert (outcome.status, outcome.error) == (status, error)
        assert time.monotonic() - began < 2
        assert len(outcome.response_body) <= 2048
        if answer == HALF:
            assert outcome.response_body == "begun"
        there.answering = lambda _request: 204
        assert (await send(there.url)).status == 204


async def test_who_is_not_there_is_an_outcome_too() -> None:
    """Nobody listens, nobody has the name, the answer is no HTTP."""

    async def nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with sending() as (_, send):
        assert (await send("http://127.0.0.1:9/")).error == "connection-failed"
        assert (await send(f"http://127.0.0.1:{port}/")).error in {"answer-malformed", "connection-lost"}
        assert (await send("https://nothing.invalid/")).error == "name-not-resolved"
        assert (await send("ftp://127.0.0.1/")).error == "scheme-not-allowed"
    server.close()
    await server.wait_closed()


async def test_receivers_that_hang_or_refuse_delay_nobody(house: House) -> None:
    """Fifteen hang, refuse, trickle or answer without end; the others have each event at once, and once."""
    await house.partner(EVERYTHING)
    desk = await desk_of(house, EVERYTHING.code)
    ways: tuple[int | str, ...] = (HANG, 500, TRICKLE, CLOSE, HUGE)
    arrived: dict[UUID, list[float]] = {}

    def note(request: Received) -> int:
        arrived.setdefault(request.id, []).append(request.at)
        return 204

    def both(event: UUID) -> bool:
        return len(arrived.get(event, ())) == 2

    async with dispatching(house), receiver(note) as first, receiver(note) as second:
        bad = [receiver(always(way)) for way in ways]
        for each in bad:
            there = await each.__aenter__()
            for _ in range(3):
                await desk.add(there.url)
        for there in (first, second):
            await desk.add(there.url)
        waits: list[float] = []
        said: list[UUID] = []
        for _ in range(40):
            began = time.monotonic()
            (event,) = await house.say(uuid4(), received())
            said.append(event)
            await eventually(partial(both, event))
            waits.append(max(arrived[event]) - began)
        assert max(waits) < 1, waits
        assert sorted(first.ids) == sorted(second.ids) == sorted(said)
        for each in bad:
            await each.__aexit__(None, None, None)


async def test_one_receiver_gets_eight_at_once_at_most(house: House) -> None:
    """A backlog is caught up with side by side, and never by a crowd."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver(always(SLOWLY)) as there:
        await desk.add(there.url)
        said = [each for _ in range(300) for each in await house.say(uuid4(), received())]
        async with dispatching(house):
            await eventually(has(there, said), deadline_seconds=20)
        assert 1 < there.open_max <= 8
        assert len(there.ids) == len(said)
