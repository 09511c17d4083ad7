"""Intake as it runs: a process of its own on real PostgreSQL and NATS."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import nats
import pytest
import pytest_asyncio

from deploy.local.nats_server import NatsServer
from deploy.local.ports import free_port
from libs.bus import topology
from libs.bus.ids import new_id
from libs.contracts.cloudevents import encode_data, encode_headers
from libs.contracts.event import Envelope, Event
from libs.contracts.routing import DossierSettled, StepAssigned
from libs.http.auth import TokenSigner
from libs.http.public_keys import JWKS_NAME
from libs.process.sweeper import Sweeper
from tests.fixtures.database import DatabaseFactory
from tests.integration.intake.conftest import MORNING, Intake
from tests.integration.intake.samples import birth

DEADLINE_SECONDS = 30.0


class Running:
    """The process, and who speaks to it."""

    def __init__(self, child: "subprocess.Popen[bytes]", url: str, keys: Path, client: Any) -> None:
        self.child = child
        self.http = httpx.AsyncClient(base_url=url)
        self.client = client
        token = TokenSigner.from_file("identity", keys / "identity.pem").token(
            "intake",
            subject="midwife",
            kind="officer",
            agency="hospital-93016",
            roles=["hospital"],
            facility="93016",
        )
        self.headers = {"Authorization": f"Bearer {token}"}

    async def declare(self) -> dict[str, Any]:
        """Declare a birth; the receipt."""
        headers = {**self.headers, "Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        answer = await self.http.post("/births", content=msgspec.json.encode(birth()), headers=headers)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    async def say(self, dossier_id: str, sequence: int, event: Event) -> None:
        """Say something as routing."""
        envelope = Envelope(
            id=new_id(),
            source="routing",
            type=event.SUBJECT,
            dossier_id=UUID(dossier_id),
            time=MORNING,
            sequence=sequence,
        )
        await self.client.jetstream().publish(
            event.SUBJECT, encode_data(event), headers=encode_headers(envelope)
        )

    async def status(self, code: str) -> int:
        """The public status."""
        return int((await self.http.get(f"/status/{code}")).json()["status"])


async def until(question: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until it is so, at most DEADLINE_SECONDS."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not await question():
        assert time.monotonic() < end, f"not within {DEADLINE_SECONDS} s: {what}"
        await asyncio.sleep(0.1)


@pytest_asyncio.fixture
async def running(
    database: DatabaseFactory, nats_server: NatsServer, keys: Path, tmp_path: Path
) -> AsyncIterator[Running]:
    """`python -m services.intake serve`, ready."""
    made = await database("intake")
    client = await nats.connect(nats_server.url, connect_timeout=10)
    await topology.reconcile(client)
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": made.app_dsn,
        "NATS_URL": nats_server.url,
        "PUBLIC_KEYS": str(keys / JWKS_NAME),
        "PUBLIC_URL": "https://motcua.example.vn",
        "STORAGE_URL": f"file://{tmp_path}/archive",
        "HTTP_PORT": str(port),
        "UNREADY_SECONDS": "0",
        "PUBLIC_BURST": "1000",
    }
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "services.intake", "serve"], env=environment, stdout=log, stderr=log
        )
    service = Running(child, f"http://127.0.0.1:{port}", keys, client)

    async def ready() -> bool:
        assert child.poll() is None, (tmp_path / "log").read_text()
        try:
            answer = await service.http.get("/health/ready")
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and bool(answer.json()["checks"]["bus"])

    try:
        await until(ready, "ready")
        yield service
    finally:
        child.kill()
        child.wait(10)
        await service.http.aclose()
        await client.close()


async def test_a_birth_travels_out_and_what_routing_says_comes_back(running: Running) -> None:
    """Accepted over HTTP the dossier is on the stream; routing's events move its public status; SIGTERM ends clean."""
    receipt = await running.declare()

    async def published() -> bool:
        return bool((await running.client.jetstream().stream_info("INTAKE")).state.messages == 2)

    await until(published, "both events on the stream")
    dossier_id, code = receipt["dossier_id"], receipt["code"]
    assigned = StepAssigned(step="register_birth", agency="civil-status-31340-2025", assigned_at=MORNING)
    await running.say(dossier_id, 1, assigned)

    async def has_status(wanted: int) -> bool:
        return await running.status(code) == wanted

    await until(lambda: has_status(4), "status 4")
    settled = DossierSettled(outcome="granted", status=9, settled_at=MORNING, on_time=True)
    await running.say(dossier_id, 2, settled)
    await until(lambda: has_status(9), "status 9")
    running.child.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(running.child.wait, 30) == 0


async def test_old_answers_are_swept_away(intake: Intake) -> None:
    """Answers to writes of more than 30 days ago are deleted; those of today stay."""
    for _ in range(2):
        await intake.post("/births", birth(), intake.hospital())
    await intake.rows(
        "UPDATE http.idempotency SET created_at = now() - interval '31 days' "
        "WHERE key = (SELECT min(key) FROM http.idempotency)"
    )
    stop = asyncio.Event()
    sweeping = asyncio.create_task(Sweeper(intake.bus.pool).run(stop))

    async def swept() -> bool:
        return bool((await intake.rows("SELECT count(*) AS n FROM http.idempotency"))[0]["n"] == 1)

    await until(swept, "one answer left")
    stop.set()
    await asyncio.wait_for(sweeping, 10)


def test_a_bad_setting_ends_the_process_with_one_clear_line() -> None:
    """Without its database the service says which setting is missing, and no value of another."""
    environment = {"PATH": os.environ["PATH"], "NATS_URL": "nats://secret@nowhere"}
    done = subprocess.run(
        [sys.executable, "-m", "services.intake", "serve"],
        env=environment,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert b"DATABASE_URL" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert b"secret" not in done.stderr


@pytest.mark.parametrize("command", ["migrate", "dead-letters"])
def test_the_other_commands_exist(command: str) -> None:
    """Operators find migrate and dead-letters beside serve."""
    done = subprocess.run(
        [sys.executable, "-m", "services.intake", command, "--help"],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
