"""The city as a whole: who sees what, what happens when servers are away, and what a restart keeps."""

import tempfile
from pathlib import Path

import pytest

from deploy.local.city import City
from tests.fixtures.city import FAST
from tests.pipeline.town import Town, refusal, until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
RETURNED, GRANTED_STATUSES = 10, (9, 10)


async def test_agencies_see_only_their_own_steps(town: Town) -> None:
    """The police of another ward neither list nor open nor complete a step, nor read the file."""
    dossier = (await town.declare())["dossier_id"]
    await town.complete(dossier, "register_birth")
    await town.start(dossier, "register_residence")
    listed = await town.people["other_police"].get("routing", "/steps", limit=500)
    assert dossier not in {step["dossier_id"] for step in listed["steps"]}
    mine = await town.people["police"].get("routing", "/steps", limit=500)
    assert dossier in {step["dossier_id"] for step in mine["steps"]}
    stranger = town.people["other_police"]
    for call in (
        stranger.get("routing", f"/cases/{dossier}"),
        stranger.get("intake", f"/dossiers/{dossier}", purpose="settle-step"),
        stranger.get("results", f"/dossiers/{dossier}/results"),
        stranger.post_json("routing", f"/cases/{dossier}/steps/register_residence/complete", {"outcome": {}}),
    ):
        assert (await refusal(call)).status == 404


async def test_the_edge_accepts_while_nats_is_away(town: Town) -> None:
    """Births are accepted without NATS; when it is back everything arrives by itself."""
    nats, supervisor = town.city.nats, town.city.supervisor
    assert nats is not None
    await supervisor.leave(nats.name)
    await nats.stop()
    try:
        receipts = [await town.declare() for _ in range(3)]
    finally:
        await nats.start()
        supervisor.keep(nats)
    for receipt in receipts:
        await town.complete(receipt["dossier_id"], "register_birth")
        await town.until_result(receipt["dossier_id"], "birth_certificate")


async def test_a_withdrawal_that_comes_too_late_changes_nothing(town: Town) -> None:
    """The agencies have decided, but intake has not heard of it when the family withdraws: the decision stands."""
    dossier = (await town.declare())["dossier_id"]
    await town.complete(dossier, "register_birth")
    await town.complete(dossier, "register_residence")
    await town.start(dossier, "issue_insurance_card")
    nats, supervisor = town.city.nats, town.city.supervisor
    assert nats is not None
    await supervisor.leave(nats.name)
    await nats.stop()
    try:
        await town.complete(dossier, "issue_insurance_card")
        await town.post("hospital", "intake", f"/dossiers/{dossier}/withdrawal", {})
    finally:
        await nats.start()
        supervisor.keep(nats)
    told = await town.until_status(dossier, 9)
    assert told["dossier"]["outcome"] == "granted"
    for code in ("birth_certificate", "insurance_card"):
        await town.hand_over(dossier, (await town.until_result(dossier, code))["id"])
    await town.until_status(dossier, RETURNED)


async def test_the_desk_is_told_once_that_papers_have_come(town: Town) -> None:
    """When a paper lies at the hospital desk its inbox says so, without naming a person."""
    dossier = (await town.declare())["dossier_id"]
    await town.settle(dossier)
    result = await town.until_result(dossier, "insurance_card")
    await town.people["hospital"].post_json("results", f"/results/{result['id']}/arrive", {})

    async def told() -> list[dict[str, str]] | None:
        page = await town.people["hospital"].get("notify", "/inbox", limit=200)
        mine = [m for m in page["messages"] if m["dossier_id"] == dossier]
        return mine or None

    messages = await until(told)
    assert len(messages) == 1
    await town.people["hospital"].post_json("notify", f"/inbox/{messages[0]['message_id']}/read", {})


async def test_everything_survives_a_restart(scratch: Path) -> None:
    """A city stopped in the middle of a case goes on where it was; what was verified still verifies."""
    folder = Path(tempfile.mkdtemp(prefix="restart-", dir=scratch))
    folder.chmod(0o755)
    async with City(folder, extra=FAST) as city, Town(city) as town:
        dossier = (await town.declare())["dossier_id"]
        await town.complete(dossier, "register_birth")
        certificate = await town.until_result(dossier, "birth_certificate")
        await town.start(dossier, "register_residence")
    async with City(folder, extra=FAST) as city, Town(city, seed=6) as town:
        assert (await town.verify(certificate["id"]))["status"] == "valid"
        await town.complete(dossier, "register_residence")
        await town.complete(dossier, "issue_insurance_card")
        for code in ("birth_certificate", "insurance_card"):
            await town.hand_over(dossier, (await town.until_result(dossier, code))["id"])
        await town.until_status(dossier, RETURNED)
