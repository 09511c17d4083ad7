"""Completing steps on a real database: settled once all are done, numbers unique, agencies apart."""

import asyncio
from datetime import date
from uuid import uuid4

import msgspec
import pytest

from libs.contracts.routing import DossierSettled, StepAmended, StepAssigned, StepCompleted
from libs.http.auth import Actor
from services.routing import completion, desk_store, record_store
from services.routing.case import Case, IllegalMove
from services.routing.completion import Completion, NumberTaken, OutcomeRefused
from services.routing.desk import Forbidden, NotMine
from services.routing.outcomes import COMPARISON
from services.routing.renumbering import renumber_batch
from tests.integration.routing.conftest import Office, actor, birth
from tests.unit.routing.samples import CARD, CIVIL, INSURANCE, POLICE, RESIDENCE, accepted

pytestmark = pytest.mark.timeout(60)

RESIDENCE_OUTCOME = {"residence_number": "77/TB", "registered_on": "2026-11-24"}


def card(dossier_id: object, number: str = "TE1929200000001") -> Completion:
    outcome = {
        "card_number": number,
        "valid_from": "2026-11-23",
        "valid_to": "2032-09-30",
        "first_care_facility": "93016",
    }
    return Completion(dossier_id=dossier_id, step=CARD, outcome=outcome)  # type: ignore[arg-type]


async def test_all_steps_completed_settle_the_dossier(office: Office) -> None:
    """When every chosen step is completed the dossier is settled as granted with its three results."""
    dossier = await office.open()
    assert isinstance((await office.complete(actor(CIVIL), birth(dossier)))[0], Case)
    await office.complete(actor(INSURANCE), card(dossier))
    residence = Completion(dossier_id=dossier, step=RESIDENCE, outcome=RESIDENCE_OUTCOME)
    await office.complete(actor(POLICE), residence)
    said = await office.said(dossier)
    assert [type(e).__name__ for e in said] == [
        "CaseOpened",
        "StepAssigned",
        "StepCompleted",
        "StepAssigned",
        "StepAssigned",
        "StepCompleted",
        "StepCompleted",
        "DossierSettled",
    ]
    settled = said[-1]
    assert isinstance(settled, DossierSettled)
    assert (settled.outcome, settled.status) == ("granted", 9)
    assert set(settled.results) == {"birth_certificate", "residence_notice", "insurance_card"}
    rows = await office.pool.fetch("SELECT state, count(*) FROM step GROUP BY state")
    assert {row["state"]: row["count"] for row in rows} == {"completed": 3}


async def test_a_batch_is_done_in_one_transaction_with_a_fate_for_each(office: Office) -> None:
    """In a batch of many births the good ones are completed, the wrong, foreign and double ones told why."""
    dossiers = [await office.open() for _ in range(5)]
    items = [
        birth(dossiers[0], "1"),
        birth(dossiers[1], "x y"),
        birth(dossiers[2], "01"),
        birth(uuid4(), "3"),
        birth(dossiers[3], "4"),
        birth(dossiers[3], "5"),
        card(dossiers[4]),
    ]
    fates = await office.complete(actor(CIVIL), *items)
    kinds = [type(fate) for fate in fates]
    assert kinds == [Case, OutcomeRefused, NumberTaken, NotMine, Case, IllegalMove, NotMine]
    refused = fates[1]
    assert isinstance(refused, OutcomeRefused)
    assert [p.field for p in refused.problems] == ["register_number"]
    assert await office.pool.fetchval("SELECT count(*) FROM outcome") == 2
    assert await office.pool.fetchval("SELECT count(*) FROM outcome_key") == 2
    assert await office.pool.fetchval("SELECT count(*) FROM case_log WHERE move = 'complete'") == 2


async def test_one_register_number_for_one_of_two_racing_officers(office: Office) -> None:
    """Of two births completed at the same moment with one register number exactly one gets it."""
    for turn in range(10):
        first, second = await office.open(), await office.open()
        fates = await asyncio.gather(
            office.complete(actor(CIVIL), birth(first, str(turn + 1))),
            office.complete(actor(CIVIL), birth(second, str(turn + 1))),
        )
        kinds = sorted(type(fate[0]).__name__ for fate in fates)
        assert kinds == ["Case", "NumberTaken"]
    assert await office.pool.fetchval("SELECT count(*) FROM outcome_key") == 10


async def test_two_batches_with_the_same_numbers_crosswise_do_not_deadlock(office: Office) -> None:
    """Two batches that claim the same numbers in opposite order both end, and each number goes to one of them."""
    dossiers = [await office.open() for _ in range(40)]
    one = [birth(dossier, str(n + 1)) for n, dossier in enumerate(dossiers[:20])]
    other = [birth(dossier, str(20 - n)) for n, dossier in enumerate(dossiers[20:])]
    fates = await asyncio.gather(office.complete(actor(CIVIL), *one), office.complete(actor(CIVIL), *other))
    won = [fate for batch in fates for fate in batch if isinstance(fate, Case)]
    assert len(won) == 20


async def test_an_agency_sees_and_does_only_its_own_steps(office: Office) -> None:
    """Another agency is told that there is no such step; an officer of the agency in another role is refused."""
    dossier = await office.open()
    elsewhere = Actor(
        subject="x", kind="officer", agency="civil-status-31411-2025", roles=frozenset({"civil_status"})
    )
    assert isinstance((await office.complete(elsewhere, birth(dossier)))[0], NotMine)
    other_role = Actor(subject="x", kind="officer", agency=CIVIL.agency, roles=frozenset({"justice"}))
    assert isinstance((await office.complete(other_role, birth(dossier)))[0], Forbidden)
    async with office.pool.acquire() as connection:
        listed = await desk_store.on_desk(connection, CIVIL.agency, [], rows_max=10)
        assert [(row.dossier_id, row.step) for row in listed] == [(dossier, "register_birth")]
        assert await desk_store.on_desk(connection, elsewhere.agency, [], rows_max=10) == []


async def test_a_pending_number_is_supplied_later_and_replaces_the_certificate(office: Office) -> None:
    """A birth registered without the child's number says so; the number supplied later has the result replaced."""
    dossier = await office.open()
    other = await office.open()
    await office.complete(actor(CIVIL), birth(dossier, "7"), birth(other, "8", "092226000008"))
    completed = [e for e in await office.said(dossier) if isinstance(e, StepCompleted)]
    assert completed[0].pending == ("personal_id",)
    patch = Completion(dossier_id=dossier, step="register_birth", outcome={"personal_id": "092226000008"})
    with pytest.raises(NumberTaken):
        await amend(office, patch)
    patch = msgspec.structs.replace(patch, outcome={"personal_id": "092226000009"})
    await amend(office, patch)
    amended = (await office.said(dossier))[-1]
    assert isinstance(amended, StepAmended)
    assert amended.fields == ("personal_id",)
    assert [result.code for result in amended.replaces] == ["birth_certificate"]
    async with office.pool.acquire() as connection:
        newest = await record_store.newest_outcomes(connection, [(dossier, "register_birth")])
    assert newest[0].revision == 2
    assert b"092226000009" in newest[0].data
    assert "092226000009" not in str([*await office.said(dossier), await office.case(dossier)])


async def test_a_corrected_register_number_frees_the_wrong_one(office: Office) -> None:
    """After a register number was corrected another birth may have the number that was wrong."""
    first, second = await office.open(), await office.open()
    await office.complete(actor(CIVIL), birth(first, "7"))
    await amend(office, Completion(dossier_id=first, step="register_birth", outcome={"register_number": "8"}))
    assert isinstance((await office.complete(actor(CIVIL), birth(second, "7")))[0], Case)


async def test_a_number_recorded_in_the_earlier_way_stays_taken(office: Office) -> None:
    """Numbers claimed before the present way of comparing are claimed anew: taken for all but their own step."""
    first, second = await office.open(), await office.open()
    await office.complete(actor(CIVIL), birth(first, "7", "092226000001"))
    await office.pool.execute(
        "UPDATE outcome_key SET comparison = 1, name = 'register', digest = '\\x00' WHERE name = 'birth-register'"
    )
    await office.pool.execute("UPDATE outcome_key SET comparison = 1")
    assert await renumbered(office) == 1
    assert await renumbered(office) == 0
    names = await office.pool.fetch("SELECT name, comparison FROM outcome_key ORDER BY name")
    assert [tuple(row) for row in names] == [
        ("birth-register", COMPARISON),
        ("personal_id", COMPARISON),
    ]
    assert isinstance((await office.complete(actor(CIVIL), birth(second, "07")))[0], NumberTaken)
    await amend(office, Completion(dossier_id=first, step="register_birth", outcome={"register_page": "3"}))


async def test_what_the_catalogue_no_longer_knows_keeps_its_claim(office: Office) -> None:
    """A claim that cannot be made anew stays as it is and is not looked at again."""
    await office.pool.execute(
        "INSERT INTO outcome_key (digest, name, dossier_id, step) VALUES ('\\x01', 'register', $1, 'gone')",
        uuid4(),
    )
    assert await renumbered(office) == 1
    assert await office.pool.fetchval("SELECT comparison FROM outcome_key") == COMPARISON


async def renumbered(office: Office) -> int:
    async with office.pool.acquire() as connection, connection.transaction():
        return await renumber_batch(connection, office.rules)


async def test_a_stale_version_is_refused(office: Office) -> None:
    """An officer who has read an older version of the step is told so, and nothing is written."""
    dossier = await office.open()
    stale = msgspec.structs.replace(birth(dossier), version=99)
    fate = (await office.complete(actor(CIVIL), stale))[0]
    assert isinstance(fate, IllegalMove)
    assert (fate.code, fate.facts) == (
        "version-changed",
        {"version": "1", "step": "register_birth"},
    )
    assert not [e for e in await office.said(dossier) if isinstance(e, StepCompleted)]


async def test_a_unit_of_before_the_merger_reaches_the_agency_of_today(office: Office) -> None:
    """A dossier with the commune code of 2024 is assigned to the agencies of the ward it has become."""
    dossier = await office.open(accepted(unit="31341", unit_as_of=date(2024, 6, 1)))
    assigned = [e for e in await office.said(dossier) if isinstance(e, StepAssigned)]
    assert [e.agency for e in assigned] == [CIVIL.agency]


async def amend(office: Office, patch: Completion) -> Case:
    async with office.pool.acquire() as connection, connection.transaction():
        return await completion.amend(connection, office.rules, actor(CIVIL), patch)
