"""However sending fails, no line of the log and nothing published names who was written to."""

import io
import json
from collections.abc import Iterator

import asyncpg
import pytest

from libs.http.client import Unavailable
from libs.telemetry.logs import configure_logs
from services.notify.channels import Accepted, Begin, Destination, Letter
from tests.integration.notify import post_office
from tests.integration.notify.conftest import ADDRESS, NAME, PHONE, Bureau, received

pytestmark = pytest.mark.timeout(60)
SECRETS = (NAME, "Mai", ADDRESS, "mai@", PHONE)


@pytest.fixture
def written() -> Iterator[io.BytesIO]:
    """Every line the service writes, libraries' too."""
    stream = io.BytesIO()
    configure_logs("notify", "DEBUG", stream=stream)
    yield stream
    configure_logs("notify", "ERROR")


async def fails(bureau: Bureau, **contact: str) -> None:
    """One message whose sending fails as ordered."""
    await bureau.dossier(received(), **contact)
    await bureau.send()


async def failing_servers(bureau: Bureau) -> None:
    """Every answer and silence of a mail server; the answers repeat the address."""
    for manners in (
        post_office.SILENT_AT_GREETING,
        post_office.HANG_UP_AFTER_DATA,
        post_office.SILENT_AFTER_DATA,
        *(f"{place}-{code}" for place in ("greeting", "sender") for code in (421, 554)),
        *(f"{place}-{code}" for place in ("recipient", "data") for code in (450, 550)),
    ):
        bureau.post.manners = lambda _, order=manners: order  # type: ignore[misc]
        await fails(bureau)
    bureau.post.manners = lambda _: post_office.GOOD


async def failing_selves(bureau: Bureau) -> None:
    """Faults of ours whose texts hold the address: in a channel before and after it began, in the database."""

    class Faulty:
        name = "email"
        begins = False

        async def send(self, _letter: Letter, destination: Destination, begin: Begin) -> Accepted:
            if self.begins:
                await begin()
            raise ValueError(f"Address {destination.address!r} of {NAME}")

    whole, faulty = bureau.channels["email"], Faulty()
    bureau.channels["email"] = faulty
    for faulty.begins in (False, True):
        await fails(bureau)
    bureau.channels["email"] = whole
    owner = await asyncpg.connect(bureau.database.migrator_dsn)
    await owner.execute(
        "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{NAME} {ADDRESS}' USING DETAIL = '{PHONE}'; END $$;"
        "CREATE TRIGGER fault BEFORE UPDATE ON message FOR EACH ROW WHEN (NEW.state = 'sent')"
        " EXECUTE FUNCTION fault()"
    )
    await owner.close()
    await fails(bureau)


async def test_no_failure_tells_whom_it_was_about(
    bureau: Bureau, written: io.BytesIO, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers that quote the address, channels and databases whose errors hold it, an intake that is away."""
    await failing_servers(bureau)
    await fails(bureau, email="mai@example.vn, mai@example.vn")
    await failing_selves(bureau)

    async def away(_dossiers: object) -> None:
        raise Unavailable("intake", f"{NAME} {ADDRESS} {PHONE}")

    monkeypatch.setattr(bureau.intake, "read", away)
    await fails(bureau)
    lines = written.getvalue().decode()
    said = {json.loads(line)["event"] for line in lines.splitlines()}
    assert {"channel-failed", "sending-not-recorded", "sender-waits-for-intake"} <= said
    published = await bureau.pool.fetch("SELECT convert_from(payload, 'UTF8') AS text FROM bus.outbox")
    captured = capfd.readouterr()
    for secret in SECRETS:
        for text in (lines, captured.out, captured.err, *(row["text"] for row in published)):
            assert secret not in text
