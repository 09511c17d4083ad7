"""What docs/runbook.md tells an operator to do after a database was restored from a backup."""

import asyncio
import os
import re
import sys
from uuid import uuid4

import pytest
from nats.aio.client import Client

from deploy.local.nats_server import NatsServer, NatsUser
from libs.bus import jetstream
from libs.bus.ids import new_id
from libs.bus.outbox import emit
from libs.bus.permissions import KEEPER, configuration
from libs.bus.topology import plan
from tests.fixtures.database import DatabaseFactory
from tests.fixtures.servers import ROOT
from tests.integration.bus.probe_service import open_probe, supplemented
from tests.integration.bus.relay_rig import keeping, outgoing, session


async def test_a_restored_consumer_hears_everything_again(
    database: DatabaseFactory, embedded_nats: NatsServer
) -> None:
    """Its durables, and no other's, are deleted with the keeper's rights and made anew; what it has is skipped."""
    await embedded_nats.set_users(
        [NatsUser(name=KEEPER, password="secret", permissions=configuration(KEEPER))]
    )
    probe = await open_probe(await database("routing"), embedded_nats.url)
    for _ in range(3):
        await probe.producer.say(new_id(), supplemented())
    async with probe.consumer():
        await probe.has("probe.effect", 3)
        await probe.settled()
    # The backup is older than the last of them.
    await _forget_last(probe.database.admin_dsn)
    code, text = await _command(embedded_nats.url_for(KEEPER), "forget-durables", "routing")
    assert code == 0
    assert sorted(re.findall(r"durable \w+/([\w-]+): deleted", text)) == ["routing-intake", "routing-results"]
    assert await _durables(probe.client) == {
        durable.name for stream in plan() for durable in stream.durables if "routing-" not in durable.name
    }
    async with keeping(embedded_nats.url), probe.consumer():
        await probe.has("probe.effect", 4)
        await probe.settled()
    assert await probe.count("bus.inbox") == 3
    await probe.client.close()
    await probe.pool.close()


@pytest.mark.parametrize("arguments", [("forget-durables",), ("forget-durables", "stranger")])
async def test_only_services_have_durables_to_forget(arguments: tuple[str, ...]) -> None:
    """Without a service's name nothing is done."""
    code, text = await _command("nats://127.0.0.1:1", *arguments)
    assert code == 1
    assert "usage:" in text


async def test_a_restored_producer_goes_on_after_what_was_heard(database: DatabaseFactory) -> None:
    """With the runbook's statement its next events have sequences that no consumer has seen."""
    runbook = (ROOT / "docs/runbook.md").read_text()
    (statement,) = re.findall(r"```sql\n(.*?)```", runbook, re.DOTALL)
    heard, known, new = uuid4(), uuid4(), uuid4()
    database_ = await database("intake")
    async with session(database_.app_dsn) as connection:
        await emit(connection, "intake", outgoing([heard, known], 2))
    async with session(database_.migrator_dsn) as owner:
        await owner.execute("CREATE TEMP TABLE heard (dossier_id uuid, sequence bigint)")
        rows = [(heard, 5), (heard, 4), (known, 1), (new, 3)]
        await owner.copy_records_to_table("heard", records=rows)
        await owner.execute(statement)
    async with session(database_.app_dsn) as connection:
        said = await emit(connection, "intake", outgoing([heard, known, new]))
    assert [envelope.sequence for envelope in said] == [6, 3, 4]


async def _forget_last(dsn: str) -> None:
    """Take the database back to before its last event."""
    async with session(dsn) as admin:
        await admin.execute(
            """
            WITH gone AS (
                DELETE FROM bus.inbox WHERE event_id = (SELECT max(event_id::text)::uuid FROM bus.inbox)
                RETURNING source, dossier_id
            ), effects AS (DELETE FROM probe.dossier USING gone WHERE dossier.dossier_id = gone.dossier_id)
            DELETE FROM bus.position USING gone
            WHERE (position.source, position.dossier_id) = (gone.source, gone.dossier_id)
            """
        )


async def _durables(client: Client) -> set[str]:
    found = set()
    for stream in plan():
        for durable in stream.durables:
            try:
                found.add((await jetstream.consumer_info(client, stream.name, durable.name)).config["name"])
            except jetstream.NotFound:
                continue
    return found


async def _command(url: str, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "libs.bus",
        *arguments,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NATS_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode or 0, output.decode()
