"""What is told, and that it is told once: coalescing over batches, replays, two batches at once."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from libs.bus.handling import Change, Received
from libs.contracts.event import Event
from libs.contracts.intake import DossierRefused
from libs.contracts.results import ResultHandedOver
from libs.contracts.routing import DossierSettled, SupplementRequested
from services.notify import store
from services.notify.handlers import HANDLERS
from tests.integration.notify.conftest import (
    ADDRESS,
    COUNTER,
    HOSPITAL,
    NAME,
    NOW,
    PHONE,
    Bureau,
    envelope,
    ready,
    received,
)

pytestmark = pytest.mark.timeout(60)
SETTLED = DossierSettled(
    outcome="granted", status=9, settled_at=NOW, on_time=True, results=("birth_certificate",)
)
REFUSED = DossierRefused(code="H1", procedure="2.002621", reason="not-competent", refused_at=NOW)


async def test_one_outcome_is_one_message_over_batches(bureau: Bureau) -> None:
    """Settlement and two results, heard in three batches, are one letter to the applicant and one to the desk."""
    dossier_id = await bureau.dossier(SETTLED)
    await bureau.hear(dossier_id, ready("birth_certificate"))
    await bureau.hear(dossier_id, ready("insurance_card"))
    await bureau.send()
    (mail,) = bureau.post.mails
    assert mail.subject == "Kết quả hồ sơ 313.40.00.H13-261123-0001 đã sẵn sàng"
    assert "Giấy khai sinh" in mail.body
    assert "Thẻ bảo hiểm y tế" in mail.body
    assert await bureau.states(dossier_id) == ["sent", "sent"]


async def test_what_comes_while_a_message_is_being_sent_makes_a_message_of_its_own(bureau: Bureau) -> None:
    """A message taken by a sender does not grow any more: its text may be on its way already."""
    first = ready("birth_certificate")
    dossier_id = await bureau.dossier(first)
    bureau.post.hold.clear()
    await bureau.waiting_is_over()
    sending = asyncio.create_task(bureau.sender().send_due())
    await asyncio.wait_for(bureau.post.received.wait(), 10)
    await bureau.hear(dossier_id, ready("insurance_card"))
    await bureau.hear(dossier_id, first)
    bureau.post.hold.set()
    await sending
    await bureau.send()
    bodies = [mail.body for mail in bureau.post.mails]
    assert ["Giấy khai sinh" in body for body in bodies] == [True, False]
    assert ["Thẻ bảo hiểm y tế" in body for body in bodies] == [False, True]


async def test_an_occasion_told_before_is_told_by_no_growing_message(bureau: Bureau) -> None:
    """A dossier settled a second time, while another message waits, does not repeat what the first letter said."""
    dossier_id = await bureau.dossier(SETTLED)
    await bureau.send()
    await bureau.hear(dossier_id, ready("birth_certificate"))
    await bureau.hear(dossier_id, SETTLED)
    row = next(
        r
        for r in await bureau.messages(dossier_id)
        if r["state"] == "queued" and r["audience"] == "applicant"
    )
    assert [o.rule for o in store.decode_occasions(row["occasions"])] == ["ready"]


async def test_the_same_news_tells_nobody_twice_also_after_a_restart(bureau: Bureau) -> None:
    """Events heard again - the same, or the same fact in a new event - leave one letter and no new row."""
    news: list[Event] = [received(), SETTLED, ready("birth_certificate")]
    dossier_id = await bureau.dossier(*news)
    for _ in range(2):
        await bureau.send()
        for event in news:
            await bureau.hear(dossier_id, event)
        await bureau.hear(dossier_id, *news)
    assert len(bureau.post.mails) == 2
    assert set(await bureau.states(dossier_id)) == {"sent"}


async def test_what_was_overtaken_while_it_waited_is_not_sent(bureau: Bureau) -> None:
    """Ready in the night and handed over before the morning: only the hand-over is told, and no fact twice."""
    lies = ready("birth_certificate")
    dossier_id = await bureau.dossier(lies)
    over = ResultHandedOver(
        result_id=lies.result_id,
        result=lies.result,
        delivery=lies.delivery,
        place=lies.place,
        receiver="mother",
        handed_over_at=NOW,
    )
    await bureau.hear(dossier_id, over)
    await bureau.hear(dossier_id, lies, over)
    await bureau.send()
    rows = {row["rule"]: (row["state"], row["reason"]) for row in await bureau.messages(dossier_id)}
    assert rows["ready"] == ("dropped", "overtaken")
    assert [mail.subject for mail in bureau.post.mails] == ["Đã trao kết quả hồ sơ 313.40.00.H13-261123-0001"]


async def test_two_batches_at_once_plan_one_message(bureau: Bureau) -> None:
    """Two consumers hear of one dossier at the same moment, from two producers: still one message a group."""
    dossier_id = await bureau.dossier()
    await asyncio.gather(
        *(
            bureau.hear(dossier_id, event)
            for event in (SETTLED, ready("birth_certificate"), ready("insurance_card"))
        )
    )
    rows = [row for row in await bureau.messages(dossier_id) if row["audience"] == "applicant"]
    assert len(rows) == 1
    assert len(store.decode_occasions(rows[0]["occasions"])) == 3


async def test_a_batch_of_many_dossiers_is_planned_at_once(bureau: Bureau) -> None:
    """Load and save work on whole batches: 100 dossiers, 100 messages."""
    dossiers = [uuid4() for _ in range(100)]
    async with bureau.pool.acquire() as conn, conn.transaction():
        before = await store.load(conn, sorted(dossiers, key=lambda d: d.int))
        changes = []
        for dossier_id in dossiers:
            news = Received(event=received(), envelope=envelope(dossier_id, received()), now=NOW)
            state = HANDLERS[type(news.event)](before.get(dossier_id), news, bureau.book).state
            assert state is not None
            changes.append(Change(dossier_id=dossier_id, before=None, after=state))
        await store.save(conn, changes)
    assert await bureau.pool.fetchval("SELECT count(*) FROM message") == 100
    assert await bureau.pool.fetchval("SELECT count(*) FROM occasion") == 100


async def test_two_places_are_told_each_of_its_own(bureau: Bureau) -> None:
    """One result lies at the hospital and one at the counter: each desk's message names what lies there."""
    dossier_id = await bureau.dossier(
        ready("birth_certificate", HOSPITAL), ready("insurance_card", COUNTER, "counter")
    )
    await bureau.send()
    rows = await bureau.pool.fetch("SELECT agency, body FROM inbox WHERE dossier_id = $1", dossier_id)
    bodies = {row["agency"]: row["body"] for row in rows}
    assert set(bodies) == {HOSPITAL, COUNTER}
    assert "Thẻ bảo hiểm" not in bodies[HOSPITAL]
    assert "Giấy khai sinh" not in bodies[COUNTER]


async def test_a_desk_message_without_a_desk_is_dropped(bureau: Bureau) -> None:
    """A supplement asked of a counter's dossier concerns no hospital: nobody is told, nothing fails."""
    dossier_id = await bureau.dossier(facility="")
    elsewhere = await bureau.dossier(_supplement(), facility="99999")
    await bureau.hear(dossier_id, received(missing=("declaration",)))
    await bureau.hear(dossier_id, _supplement())
    await bureau.send()
    states = {row["rule"]: row["state"] for row in await bureau.messages(dossier_id)}
    assert states["supplement-desk"] == "dropped"
    assert {row["state"] for row in await bureau.messages(elsewhere)} == {"sent", "dropped"}


async def test_missing_form_fields_are_named_from_the_procedure_s_form(bureau: Bureau) -> None:
    """A request for form fields only: the letter names them and the desk, in the catalogue's words."""
    await bureau.dossier(_supplement((), ("mother.identity.number", "child.birth_time")))
    await bureau.send()
    (mail,) = bureau.post.mails
    assert (
        "cần bổ sung: thông tin “Số giấy tờ (người mẹ)”; thông tin “Giờ và ngày sinh (trẻ em)”." in mail.body
    )
    assert "hoặc tại Trung tâm Phục vụ hành chính công phường Ngã Bảy." in mail.body


async def test_a_desk_and_a_place_that_follow_from_a_pattern_have_their_names(bureau: Bureau) -> None:
    """Agencies not written out one by one are named too; one nobody knows is described, never a code."""
    await bureau.dossier(ready("birth_certificate", "one-stop-31366-2025", "counter"))
    await bureau.dossier(REFUSED, receiving_agency="nowhere")
    await bureau.send()
    bodies = " ".join(mail.body for mail in bureau.post.mails)
    assert "(nhận tại Trung tâm Phục vụ hành chính công xã Châu Thành)" in bodies
    assert "Vui lòng đến bộ phận một cửa tiếp nhận hồ sơ để nhận phiếu từ chối" in bodies


async def test_a_procedure_this_catalogue_does_not_know_makes_the_letter_wait(bureau: Bureau) -> None:
    """The catalogue is older than the dossier: the letter is tried again until a newer one is there."""
    dossier_id = await bureau.dossier(received(), procedure="9.999999")
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["reason"], row["failures"]) == ("queued", "catalogue-lacks-words", 1)
    bureau.intake.add(dossier_id)
    await bureau.send()
    assert await bureau.states(dossier_id) == ["sent"]


def _supplement(components: tuple[str, ...] = ("declaration",), fields: tuple[str, ...] = ()) -> Event:
    return SupplementRequested(
        request=1,
        step="register_birth",
        components=components,
        fields=fields,
        reason="missing",
        respond_by=NOW,
        requested_at=NOW,
    )


async def test_no_address_and_no_name_is_stored(bureau: Bureau) -> None:
    """After every kind of end no table of notify holds the applicant's name, address or phone."""
    await bureau.dossier(received(), SETTLED, ready())
    await bureau.send()
    for manners in ("data-451", "data-554", "hang-up-after-data"):
        bureau.post.manners = lambda _, order=manners: order  # type: ignore[misc]
        await bureau.dossier(received(), ready())
        await bureau.send()
    tables = await bureau.pool.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('public', 'bus', 'http')"
    )
    for table in tables:
        try:
            rows = await bureau.pool.fetch(f"SELECT to_json(t)::text AS row FROM {table['name']} t")
        except asyncpg.InsufficientPrivilegeError:
            continue  # the ledger of migrations is not the service's to read
        for row in rows:
            text = row["row"]
            decoded = text + _unhexed(text)
            for secret in (NAME, "Mai", ADDRESS, PHONE):
                assert secret not in decoded, table["name"]


def _unhexed(text: str) -> str:
    """The bytea columns of a row as text."""
    return " ".join(
        bytes.fromhex(part.split('"')[0]).decode("utf-8", "replace") for part in text.split("\\\\x")[1:]
    )
