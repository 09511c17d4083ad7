"""Notify over HTTP: desks read their inbox, providers tell what became of messages, operators decide."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from libs.contracts.notify import MessageDelivered, MessageFailed, MessageSent
from libs.http.app import Readiness, build_app
from libs.http.auth import IDENTITY, TokenSigner, TokenVerifier
from libs.http.public_keys import JWKS_NAME, make_key
from services.notify.api import build_router
from tests.integration.notify import post_office
from tests.integration.notify.conftest import ADDRESS, COUNTER, HOSPITAL, NAME, PHONE, Bureau, ready, received

pytestmark = pytest.mark.timeout(60)


class Callers:
    """Clients of notify, one per agency and role."""

    def __init__(self, app: Any, signers: dict[str, TokenSigner], bureau: Bureau, woken: list[bool]) -> None:
        self._app = app
        self._signers = signers
        self.bureau = bureau
        self.woken = woken

    def at(
        self,
        agency: str,
        roles: Sequence[str],
        *,
        kind: str = "officer",
        facility: str = "",
        subject: str = "o1",
    ) -> httpx.AsyncClient:
        """A client with a token of the agency; a fresh idempotency key for each request."""
        return self._client(
            self._signers[IDENTITY].token(
                "notify", subject=subject, kind=kind, agency=agency, roles=roles, facility=facility
            )
        )

    def service(self, name: str) -> httpx.AsyncClient:
        """Another service of the city."""
        return self._client(self._signers[name].token("notify"))

    def _client(self, token: str) -> httpx.AsyncClient:

        async def key(request: httpx.Request) -> None:
            request.headers.setdefault("Idempotency-Key", str(uuid4()))

        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url="http://notify",
            headers={"Authorization": f"Bearer {token}"},
            event_hooks={"request": [key]},
        )

    def hospital(self) -> httpx.AsyncClient:
        """The maternity desk."""
        return self.at(HOSPITAL, ("hospital",), facility="93016")

    def operator(self) -> httpx.AsyncClient:
        """Whoever keeps the services running."""
        return self.at("", ("operator",))

    def provider(self, channel: str = "email") -> httpx.AsyncClient:
        """The system of a channel's provider."""
        return self.at("", ("provider",), kind="system", subject=channel)


@pytest_asyncio.fixture
async def callers(bureau: Bureau, tmp_path: Path) -> AsyncIterator[Callers]:
    """The endpoints on the bureau's database."""
    signers = {
        issuer: TokenSigner.from_file(issuer, make_key(issuer, tmp_path))
        for issuer in (IDENTITY, "portal", "routing")
    }

    async def is_ready() -> Readiness:
        return Readiness(ready=True, checks={})

    app = build_app(
        service="notify",
        version="test",
        lifespan=None,
        ready=is_ready,
        verifier=TokenVerifier(tmp_path / JWKS_NAME, "notify"),
    )
    woken: list[bool] = []
    app.include_router(build_router(bureau.pool, bureau.writer, lambda: woken.append(True)))
    yield Callers(app, signers, bureau, woken)


async def unknown_message(bureau: Bureau) -> tuple[UUID, UUID]:
    """A dossier and its message whose fate nobody knows."""
    dossier_id = await bureau.dossier(received())
    bureau.post.manners = lambda _: post_office.HANG_UP_AFTER_DATA
    await bureau.send()
    bureau.post.manners = lambda _: post_office.GOOD
    (row,) = await bureau.messages(dossier_id)
    assert row["state"] == "unknown"
    return dossier_id, row["id"]


async def test_a_desk_reads_its_inbox_and_that_is_the_delivery(callers: Callers) -> None:
    """Only the desk's own agency sees the message; reading it, also twice, is one delivered event."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(ready())
    await bureau.send()
    async with callers.hospital() as hospital, callers.at(COUNTER, ("one_stop",)) as counter:
        assert (await counter.get("/inbox")).json()["messages"] == []
        (entry,) = (await hospital.get("/inbox")).json()["messages"]
        assert entry["subject"] == "Kết quả hồ sơ 313.40.00.H13-261123-0001 đã về"
        url = f"/inbox/{entry['message_id']}/read"
        assert (await counter.post(url)).status_code == 404
        assert [(await hospital.post(url)).status_code for _ in range(2)] == [204, 204]
        assert (await hospital.get("/inbox")).json()["messages"] == []
        assert len((await hospital.get("/inbox", params={"unread": False})).json()["messages"]) == 1
        assert (await hospital.post(f"/inbox/{uuid4()}/read")).status_code == 404
    said = [e for e in await bureau.said(dossier_id) if getattr(e, "channel", "") == "desk"]
    assert [e.SUBJECT for e in said] == [MessageSent.SUBJECT, MessageDelivered.SUBJECT]


async def test_the_inbox_keeps_the_order_of_arrival(callers: Callers) -> None:
    """Pages follow one another without gap or repetition, the oldest message first."""
    bureau = callers.bureau
    arrived = []
    for _ in range(5):
        arrived.append(str(await bureau.dossier(ready())))
        await bureau.send()
    seen: list[str] = []
    async with callers.hospital() as hospital:
        after: int | None = 0
        while after is not None:
            page = (await hospital.get("/inbox", params={"after": after, "limit": 2})).json()
            seen += [entry["dossier_id"] for entry in page["messages"]]
            after = page["next"]
    assert seen == arrived


async def test_a_letter_laid_in_is_there_even_when_the_sender_dies_after(callers: Callers) -> None:
    """The desk's message is laid in and ended in one transaction: a lost lease lets it wait, not vanish."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(ready(), email="")
    await bureau.pool.execute(
        "UPDATE message SET state = 'sending', attempts = 1, lease_until = now() - interval '1 second'"
    )
    await bureau.sender().send_due()
    await bureau.send()
    rows = {row["audience"]: row["state"] for row in await bureau.messages(dossier_id)}
    assert rows["desk"] == "sent"
    assert rows["applicant"] == "unknown"
    assert await bureau.pool.fetchval("SELECT count(*) FROM inbox") == 1


async def test_a_provider_clears_up_an_unknown_fate(callers: Callers) -> None:
    """The receipt makes it delivered with one event; the same receipt, or a late contrary one, changes nothing."""
    bureau = callers.bureau
    dossier_id, message_id = await unknown_message(bureau)
    async with callers.provider() as provider:
        url = "/providers/email/receipts"
        given = {"provider_id": str(message_id), "state": "delivered"}
        for _ in range(2):
            answer = await provider.post(url, json=given)
            assert answer.json() == {"message_id": str(message_id), "state": "delivered"}
        late = await provider.post(url, json=given | {"state": "failed", "reason": "mailbox-full"})
        assert late.json()["state"] == "delivered"
    await bureau.send()
    assert [type(event) for event in await bureau.said(dossier_id)] == [MessageDelivered]
    assert len(bureau.post.mails) == 1


async def test_a_receipt_finds_a_message_whose_sender_died(callers: Callers) -> None:
    """Nothing was noted of the provider's id; our own id in the receipt leads to the message."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(received())
    bureau.post.hold.clear()
    dying = asyncio.create_task(bureau.send())
    await asyncio.wait_for(bureau.post.received.wait(), 10)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    bureau.post.hold.set()
    await bureau.leases_are_over()
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    assert row["state"] == "unknown"
    async with callers.provider() as provider:
        given = {"provider_id": "z-77", "message_id": str(row["id"]), "state": "delivered"}
        assert (await provider.post("/providers/email/receipts", json=given)).status_code == 200
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["channel"], row["provider_id"]) == ("delivered", "email", "z-77")


async def test_a_receipt_of_a_failure_is_told(callers: Callers) -> None:
    """A bounce after acceptance: sent, then failed with the provider's code."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(received())
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    async with callers.provider() as provider:
        given = {"provider_id": str(row["id"]), "state": "failed", "reason": "mailbox-full"}
        assert (await provider.post("/providers/email/receipts", json=given)).json()["state"] == "failed"
    sent, failed = await bureau.said(dossier_id)
    assert isinstance(sent, MessageSent)
    assert isinstance(failed, MessageFailed)
    assert failed.reason == "mailbox-full"


async def test_receipts_are_the_providers_and_of_their_channel(callers: Callers) -> None:
    """Officers give no receipts, a provider none on another's channel, nobody for a desk's message."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(received(), ready())
    await bureau.send()
    ids = {row["audience"]: str(row["id"]) for row in await bureau.messages(dossier_id)}
    given = {"provider_id": ids["applicant"], "message_id": ids["applicant"], "state": "delivered"}
    to_desk = {"provider_id": ids["desk"], "message_id": ids["desk"], "state": "delivered"}
    async with (
        callers.operator() as operator,
        callers.provider("email") as mail,
        callers.provider("zalo") as zalo,
        callers.provider("desk") as desk,
    ):
        assert (await operator.post("/providers/email/receipts", json=given)).status_code == 403
        assert (await zalo.post("/providers/email/receipts", json=given)).status_code == 403
        assert (await zalo.post("/providers/zalo/receipts", json=given)).status_code == 404
        assert (await desk.post("/providers/desk/receipts", json=to_desk)).status_code == 403
        assert (await mail.post("/providers/email/receipts", json=to_desk)).status_code == 404
    assert set(await bureau.states(dossier_id)) == {"sent"}


async def test_a_receipt_moves_no_message_the_provider_has_not_heard_of(callers: Callers) -> None:
    """Queued, taken or put back after a clear refusal: it is not found, stays as it is, and is sent."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(received())
    (row,) = await bureau.messages(dossier_id)
    given = {"provider_id": str(row["id"]), "message_id": str(row["id"]), "state": "delivered"}
    async with callers.provider() as provider:
        assert (await provider.post("/providers/email/receipts", json=given)).status_code == 404
        bureau.intake.away = True
        await bureau.send()
        bureau.intake.away = False
        assert (await provider.post("/providers/email/receipts", json=given)).status_code == 404
        bureau.post.manners = lambda _: "data-451"
        await bureau.send()
        assert (await provider.post("/providers/email/receipts", json=given)).status_code == 404
    assert await bureau.said(dossier_id) == []
    bureau.post.manners = lambda _: post_office.GOOD
    await bureau.send()
    assert await bureau.states(dossier_id) == ["sent"]


async def test_a_late_receipt_of_a_failed_sending_does_not_stop_the_second(callers: Callers) -> None:
    """Bounced, and sent again by an operator: the provider's repeated word on the first letter finds nothing."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(received())
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    given = {"provider_id": str(row["id"]), "message_id": str(row["id"]), "state": "sent"}
    async with callers.provider() as provider, callers.operator() as operator:
        bounced = given | {"state": "failed", "reason": "mailbox-full"}
        await provider.post("/providers/email/receipts", json=bounced)
        await operator.post(f"/messages/{row['id']}/send-again", json={"reason": "asked"})
        assert (await provider.post("/providers/email/receipts", json=given)).status_code == 404
    await bureau.send()
    assert await bureau.states(dossier_id) == ["sent"]
    assert len(bureau.post.mails) == 2


@pytest.mark.parametrize("reason", ["Hộp thư của chị Mai đầy", "nguyen-thi-mai", "0912345678", "x\n"])
async def test_what_is_published_of_a_failure_is_one_of_our_codes(callers: Callers, reason: str) -> None:
    """No text of a provider's own stands in an event, however much it looks like a code."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(received())
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    async with callers.provider() as provider:
        given = {"provider_id": str(row["id"]), "state": "failed", "reason": reason}
        assert (await provider.post("/providers/email/receipts", json=given)).status_code == 422
    assert await bureau.states(dossier_id) == ["sent"]


async def test_an_operator_sees_unknown_messages_and_sends_one_again(callers: Callers) -> None:
    """The decision needs a reason, is recorded with who made it, wakes the sender, and sends exactly one letter."""
    bureau = callers.bureau
    dossier_id, message_id = await unknown_message(bureau)
    async with callers.operator() as operator:
        (listed,) = (await operator.get("/messages")).json()["messages"]
        assert (listed["id"], listed["reason"]) == (str(message_id), "no-answer-after-data")
        for secret in (ADDRESS, NAME, PHONE):
            assert secret not in str(listed)
        url = f"/messages/{message_id}/send-again"
        assert (await operator.post(url, json={})).status_code == 422
        key = {"Idempotency-Key": "decision-1"}
        wanted = {"reason": "server-log-says-lost", "note": "Máy chủ thư xác nhận không nhận được"}
        answers = [await operator.post(url, json=wanted, headers=key) for _ in range(2)]
        assert [a.status_code for a in answers] == [200, 200]
        assert callers.woken
        await bureau.sender().send_due()
        assert (await operator.post(url, json=wanted)).status_code == 409
        (decision,) = (await operator.get(f"/messages/{message_id}/decisions")).json()
    assert (decision["actor"], decision["was"], decision["reason"]) == (
        "o1",
        "unknown",
        "server-log-says-lost",
    )
    assert [mail.message_id for mail in bureau.post.mails] == [str(message_id)] * 2
    assert [type(event) for event in await bureau.said(dossier_id)] == [MessageSent]


async def test_a_receipt_may_still_stop_a_message_that_waits_to_be_sent_again(callers: Callers) -> None:
    """The first letter turns out delivered before the second is taken: there is no second letter."""
    bureau = callers.bureau
    dossier_id, message_id = await unknown_message(bureau)
    async with callers.operator() as operator, callers.provider() as provider:
        await operator.post(f"/messages/{message_id}/send-again", json={"reason": "asked"})
        given = {"provider_id": str(message_id), "state": "delivered"}
        assert (await provider.post("/providers/email/receipts", json=given)).json()["state"] == "delivered"
    await bureau.send()
    assert len(bureau.post.mails) == 1
    assert await bureau.states(dossier_id) == ["delivered"]


async def test_a_receipt_still_stops_it_after_the_provider_has_not_taken_it_again(callers: Callers) -> None:
    """Sent again and turned away: the first letter's receipt is as good as before."""
    bureau = callers.bureau
    dossier_id, message_id = await unknown_message(bureau)
    async with callers.operator() as operator, callers.provider() as provider:
        await operator.post(f"/messages/{message_id}/send-again", json={"reason": "asked"})
        bureau.post.manners = lambda _: "data-451"
        await bureau.send()
        assert await bureau.states(dossier_id) == ["queued"]
        given = {"provider_id": str(message_id), "state": "delivered"}
        assert (await provider.post("/providers/email/receipts", json=given)).json()["state"] == "delivered"
    bureau.post.manners = lambda _: post_office.GOOD
    await bureau.send()
    assert len(bureau.post.mails) == 1
    assert await bureau.states(dossier_id) == ["delivered"]


async def test_only_operators_decide_and_only_about_what_went_wrong(callers: Callers) -> None:
    """A desk may neither list nor resend; a message that was sent is not sent again."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(received())
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    async with callers.hospital() as hospital, callers.operator() as operator:
        url = f"/messages/{row['id']}/send-again"
        assert (await hospital.get("/messages")).status_code == 403
        assert (await hospital.post(url, json={"reason": "asked"})).status_code == 403
        assert (await hospital.get(f"/messages/{row['id']}/decisions")).status_code == 403
        assert (await operator.post(url, json={"reason": "asked"})).status_code == 409
        assert (
            await operator.post(f"/messages/{uuid4()}/send-again", json={"reason": "x"})
        ).status_code == 404
        assert (await operator.get("/messages", params={"state": "sent"})).status_code == 422


async def test_a_dossier_s_messages_are_seen_by_the_desks_concerned(callers: Callers) -> None:
    """The receiving counter and the hospital see what was told, each reading recorded; another desk sees nothing."""
    bureau = callers.bureau
    dossier_id = await bureau.dossier(received())
    await bureau.send()
    url = f"/dossiers/{dossier_id}/messages"
    async with (
        callers.hospital() as hospital,
        callers.at(COUNTER, ("one_stop",)) as counter,
        callers.at("one-stop-31411-2025", ("one_stop",)) as stranger,
        callers.at("", ("one_stop",)) as nowhere,
    ):
        for concerned in (hospital, counter):
            (message,) = (await concerned.get(url)).json()
            assert (message["rule"], message["state"]) == ("received", "sent")
        for other in (stranger, nowhere):
            assert (await other.get(url)).status_code == 404
        assert (message["about_vi"], message["state_vi"]) == ("Đã nộp hồ sơ", "Đã gửi")
    async with callers.service("portal") as portal:
        (message,) = (await portal.get(url)).json()
        assert (ADDRESS in str(message), NAME in str(message), message["channel"]) == (False, False, "email")
    async with callers.service("routing") as other_service:
        assert (await other_service.get(url)).status_code == 403
    assert await bureau.pool.fetchval("SELECT count(*) FROM http.read_log") == 3


async def test_decisions_cannot_be_changed_by_the_service(bureau: Bureau) -> None:
    """The service's own database role may add decisions, not change or delete them."""
    for statement in ("DELETE FROM decision", "UPDATE decision SET actor = 'x'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bureau.pool.execute(statement)
