"""Letters go out once: whatever the mail server, the database or the sender itself does in between."""

import asyncio
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from uuid import UUID, uuid4

import pytest

from libs.catalogue.calendar import VIETNAM
from libs.contracts.notify import MessageFailed, MessageSent
from services.notify.channels import Accepted, Begin, Destination, Letter, NotTaken, Refused
from services.notify.rules import QuietHours
from services.notify.sender import FAILURES_MAX
from tests.fixtures.servers import eventually
from tests.integration.notify import post_office
from tests.integration.notify.conftest import ADDRESS, PHONE, Bureau, ready, received

pytestmark = pytest.mark.timeout(60)


class Recording:
    """A channel that does as it is told and remembers who was written to."""

    def __init__(self, name: str, outcome: Exception | None = None) -> None:
        self.name = name
        self.outcome = outcome
        self.addresses: list[str] = []

    async def send(self, letter: Letter, destination: Destination, begin: Begin) -> Accepted:
        """Take the letter, or raise what was ordered."""
        await begin()
        self.addresses.append(destination.address)
        if self.outcome is not None:
            raise self.outcome
        return Accepted(provider_id=f"{self.name}-{letter.id}")


async def test_a_message_is_queued_then_sent(bureau: Bureau) -> None:
    """The applicant gets one letter, by our id; the state and one event say so."""
    dossier_id = await bureau.dossier(received())
    assert await bureau.states(dossier_id) == ["queued"]
    assert await bureau.send() == 1
    (row,) = await bureau.messages(dossier_id)
    (mail,) = bureau.post.mails
    assert (row["state"], row["channel"], row["attempts"]) == ("sent", "email", 1)
    assert (mail.recipient, UUID(mail.message_id)) == (ADDRESS, row["id"])
    assert "313.40.00.H13-261123-0001" in mail.body
    assert "http://city.example/h/t0ken" in mail.body
    (event,) = await bureau.said(dossier_id)
    assert isinstance(event, MessageSent)
    assert (event.message_id, event.rule, event.channel) == (row["id"], "received", "email")


@pytest.mark.parametrize("manners", ["data-451", "recipient-450", "sender-550", "greeting-554"])
async def test_a_server_that_does_not_take_it_now_gets_it_later_once(bureau: Bureau, manners: str) -> None:
    """A refusal for now, or of ourselves, postpones the letter; the next try delivers it, and only one letter."""
    dossier_id = await bureau.dossier(received())
    bureau.post.manners = lambda _: manners
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["failures"]) == ("queued", 1)
    assert row["not_before"] > datetime.now(UTC)
    assert await bureau.sender().send_due() == 0
    bureau.post.manners = lambda _: post_office.GOOD
    await bureau.send()
    await bureau.send()
    assert await bureau.states(dossier_id) == ["sent"]
    assert len(bureau.post.mails) == 1


async def test_a_server_that_is_away_is_tried_until_patience_ends(bureau: Bureau) -> None:
    """The server turns everybody away: two days of tries, then the message has failed and one event says why."""
    dossier_id = await bureau.dossier(received())
    bureau.post.manners = lambda _: "greeting-421"
    for _ in range(FAILURES_MAX):
        assert await bureau.states(dossier_id) == ["queued"]
        await bureau.send()
    assert await bureau.states(dossier_id) == ["failed"]
    (event,) = await bureau.said(dossier_id)
    assert isinstance(event, MessageFailed)
    assert event.reason == "smtp-421"


@pytest.mark.parametrize(("manners", "reason"), [("recipient-550", "smtp-550"), ("data-554", "smtp-554")])
async def test_a_refusal_for_ever_is_a_failure_everybody_hears_of(
    bureau: Bureau, manners: str, reason: str
) -> None:
    """5xx for this recipient or letter: failed, with the code, and no second try."""
    dossier_id = await bureau.dossier(received())
    bureau.post.manners = lambda recipient: manners if recipient else post_office.GOOD
    await bureau.send()
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["reason"], row["attempts"]) == ("failed", reason, 1)
    (event,) = await bureau.said(dossier_id)
    assert isinstance(event, MessageFailed)
    assert event.reason == reason


@pytest.mark.parametrize("manners", [post_office.HANG_UP_AFTER_DATA, post_office.SILENT_AFTER_DATA])
async def test_a_server_that_takes_it_without_a_word_gets_no_second_letter(
    bureau: Bureau, manners: str
) -> None:
    """The content was handed over, the answer never came: unknown, for ever, and one letter at the server."""
    dossier_id = await bureau.dossier(received())
    bureau.post.manners = lambda _: manners
    await bureau.send()
    bureau.post.manners = lambda _: post_office.GOOD
    for _ in range(3):
        await bureau.leases_are_over()
        await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["reason"]) == ("unknown", "no-answer-after-data")
    assert len(bureau.post.mails) == 1
    assert await bureau.said(dossier_id) == []


async def test_an_address_no_letter_can_go_to_fails_and_harms_nobody(bureau: Bureau) -> None:
    """A line break, a blank or a second recipient in the address is refused before the server hears of it."""
    for address in (
        "mai@example.vn\r\nBcc: x@example.vn",
        "mai@example.vn> NOTIFY=NEVER",
        "mai@exa mple.vn",
        "mai@example.vn\x00",
        "a@example.vn, b@example.vn",
        "a@example.vn b@example.vn",
        "group: a@example.vn;",
        "mai",
        "mái@example.vn",
        "a..b@example.vn",
        ".a@example.vn",
        "a@..",
        "a@-",
        "a@-example.vn",
        "a@" + "x" * 64 + ".vn",
        "=?utf-8?q?a?=@example.vn",
    ):
        dossier_id = await bureau.dossier(received(), email=address)
        await bureau.send()
        (row,) = await bureau.messages(dossier_id)
        assert (row["state"], row["reason"]) == ("failed", "address-not-usable")
    assert bureau.post.visits == 0


async def test_a_letter_is_automatic_mail_that_every_server_can_carry(bureau: Bureau) -> None:
    """Plain text in seven bits, one recipient, an id of ours, and marked as automatic (RFC 3834)."""
    letter = Letter(id=uuid4(), subject="Hẹn trả kết quả", body="Ngắn và có dấu.")

    async def begin() -> None:
        """Nobody notes it."""

    destination = Destination(channel="email", address=f" {ADDRESS} ")
    await bureau.channels["email"].send(letter, destination, begin)
    (mail,) = bureau.post.mails
    assert mail.content.isascii()
    message = message_from_bytes(mail.content, policy=policy.default)
    assert message.get_content_type() == "text/plain"
    assert (message["To"], message["Auto-Submitted"]) == (ADDRESS, "auto-generated")
    assert (mail.message_id, mail.subject) == (str(letter.id), letter.subject)
    assert mail.body.strip() == letter.body


async def test_a_sender_that_dies_on_the_way_leaves_an_unknown_fate(bureau: Bureau) -> None:
    """Killed between taking and telling: after the lease the message is unknown, and nobody sends it by itself."""
    dossier_id = await bureau.dossier(received())
    bureau.post.hold.clear()
    dying = asyncio.create_task(bureau.send())
    await asyncio.wait_for(bureau.post.received.wait(), 10)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    bureau.post.hold.set()
    assert await bureau.states(dossier_id) == ["sending"]
    assert await bureau.send() == 0
    await bureau.leases_are_over()
    assert await bureau.send() == 0
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["reason"]) == ("unknown", "sender-lost")
    assert len(bureau.post.mails) == 1


async def test_a_slow_sender_that_comes_back_clears_up_what_it_did(bureau: Bureau) -> None:
    """Its lease is long over and the message unknown; the letter was taken after all, and it says so."""
    dossier_id = await bureau.dossier(received())
    bureau.post.hold.clear()
    slow = asyncio.create_task(bureau.send())
    await asyncio.wait_for(bureau.post.received.wait(), 10)
    await bureau.leases_are_over()
    assert await bureau.send() == 0
    assert await bureau.states(dossier_id) == ["unknown"]
    bureau.post.hold.set()
    await slow
    assert await bureau.states(dossier_id) == ["sent"]
    assert len(await bureau.said(dossier_id)) == 1


async def test_two_senders_at_once_send_each_letter_once(bureau: Bureau) -> None:
    """Four senders over one table: every message is sent exactly once."""
    dossiers = [await bureau.dossier(received()) for _ in range(30)]
    await bureau.waiting_is_over()
    taken = await asyncio.gather(*(bureau.sender(batch=7).send_due() for _ in range(4)))
    while await bureau.sender(batch=7).send_due():
        pass
    assert sum(taken) == 28
    assert len({mail.message_id for mail in bureau.post.mails}) == len(bureau.post.mails) == 30
    for dossier_id in dossiers:
        assert [type(event) for event in await bureau.said(dossier_id)] == [MessageSent]


async def test_letters_that_cannot_be_begun_in_time_are_put_back(bureau: Bureau) -> None:
    """What a full batch cannot begin within half the lease goes back unsent instead of outliving the lease."""
    dossiers = [await bureau.dossier(received()) for _ in range(3)]
    bureau.post.manners = lambda _: post_office.SILENT_AFTER_DATA
    await bureau.send(at_once=1, lease_seconds=1.0)
    rows = [(await bureau.messages(dossier_id))[0] for dossier_id in dossiers]
    ends = sorted((row["state"], row["reason"], row["failures"]) for row in rows)
    assert ends == [("queued", "lease-too-short", 0)] * 2 + [("unknown", "no-answer-after-data", 0)]
    assert bureau.post.visits == 1


async def test_one_failing_letter_does_not_hold_up_its_batch(bureau: Bureau) -> None:
    """A channel that breaks on one letter leaves that one unknown; the others of the batch are sent."""

    class Breaking(Recording):
        async def send(self, letter: Letter, destination: Destination, begin: Begin) -> Accepted:
            await super().send(letter, destination, begin)
            if destination.address == "broken@example.vn":
                raise RuntimeError("a fault of ours")
            return Accepted(provider_id=str(letter.id))

    bureau.channels = {"email": Breaking("email")}
    broken = await bureau.dossier(received(), email="broken@example.vn")
    whole = [await bureau.dossier(received()) for _ in range(5)]
    await bureau.send()
    assert await bureau.states(broken) == ["unknown"]
    for dossier_id in whole:
        assert await bureau.states(dossier_id) == ["sent"]


async def test_quiet_hours_postpone_what_would_ring(bureau: Bureau) -> None:
    """At night the applicant's message waits untaken, still growing; the desk's goes out."""
    now = datetime.now(VIETNAM)
    night = QuietHours(start=f"{now - timedelta(hours=1):%H:%M}", end=f"{now + timedelta(hours=1):%H:%M}")
    day = bureau.book
    bureau.book = type(day)(quiet_hours=night, rules=day.rules)
    dossier_id = await bureau.dossier(ready())
    assert await bureau.send() == 1
    await bureau.hear(dossier_id, ready("insurance_card"))
    rows = {row["audience"]: row for row in await bureau.messages(dossier_id) if row["state"] == "queued"}
    assert rows["applicant"]["attempts"] == 0
    bureau.book = day
    await bureau.send()
    (mail,) = bureau.post.mails
    assert "Giấy khai sinh" in mail.body
    assert "Thẻ bảo hiểm y tế" in mail.body


async def test_intake_away_makes_everything_wait(bureau: Bureau) -> None:
    """However long intake is away nothing is sent and nothing fails; when it is back the letter goes out."""
    dossier_id = await bureau.dossier(received())
    bureau.intake.away = True
    for _ in range(20):
        await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["failures"], row["reason"]) == ("queued", 0, "intake-away")
    bureau.intake.away = False
    await bureau.send()
    assert await bureau.states(dossier_id) == ["sent"]


async def test_nobody_to_reach_is_a_visible_failure(bureau: Bureau) -> None:
    """Without an address for any channel of the city the message fails as no-destination."""
    dossier_id = await bureau.dossier(received(), email="")
    await bureau.send()
    (event,) = await bureau.said(dossier_id)
    assert isinstance(event, MessageFailed)
    assert (event.channel, event.reason) == ("", "no-destination")


async def test_the_preferred_channel_is_used_and_a_refusal_leads_to_the_next(bureau: Bureau) -> None:
    """Preference goes before the city's ranking; a refused channel is followed by the next one, once."""
    sms, zalo, mail = Recording("sms"), Recording("zalo", Refused("not-a-follower")), Recording("email")
    bureau.channels = {"email": mail, "sms": sms, "zalo": zalo}
    ranking = ("email", "sms", "zalo")
    await bureau.dossier(received(), preferred_channel="sms")
    await bureau.send(ranking=ranking)
    assert (sms.addresses, zalo.addresses, mail.addresses) == ([PHONE], [], [])
    dossier_id = await bureau.dossier(received(), preferred_channel="zalo")
    await bureau.send(ranking=ranking)
    assert (len(sms.addresses), zalo.addresses, mail.addresses) == (1, [PHONE], [ADDRESS])
    assert (await bureau.messages(dossier_id))[0]["channel"] == "email"


async def test_an_applicant_who_wants_no_messages_gets_none(bureau: Bureau) -> None:
    """Although there is an address: the message is dropped, which is no failure anybody is told of."""
    dossier_id = await bureau.dossier(received(), preferred_channel="none")
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["reason"]) == ("dropped", "not-wanted")
    assert bureau.post.visits == 0
    assert await bureau.said(dossier_id) == []


async def test_a_preferred_channel_that_is_away_is_waited_for(bureau: Bureau) -> None:
    """Not taken now is no refusal: the message is not sent on another channel besides."""
    zalo, mail = Recording("zalo", NotTaken("busy")), Recording("email")
    bureau.channels = {"email": mail, "zalo": zalo}
    dossier_id = await bureau.dossier(received(), preferred_channel="zalo")
    await bureau.send(ranking=("email", "zalo"))
    assert (await bureau.states(dossier_id), mail.addresses) == (["queued"], [])
    zalo.outcome = None
    await bureau.send(ranking=("email", "zalo"))
    assert (await bureau.states(dossier_id), mail.addresses) == (["sent"], [])


async def test_the_sender_outlives_its_database(bureau: Bureau) -> None:
    """While another session holds the table the sender waits; then the letter goes out."""
    dossier_id = await bureau.dossier(received())
    await bureau.waiting_is_over()
    stop = asyncio.Event()

    async def blocked() -> bool:
        return bool(await bureau.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

    async def sent() -> bool:
        return await bureau.states(dossier_id) == ["sent"]

    async with bureau.pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE message IN ACCESS EXCLUSIVE MODE")
        running = asyncio.create_task(bureau.sender().run(stop))
        await eventually(blocked)
    await eventually(sent)
    stop.set()
    await asyncio.wait_for(running, 10)
    assert len(bureau.post.mails) == 1
