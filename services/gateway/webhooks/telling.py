"""Partners' contacts are told which endpoints were given up: by a letter that notify sends, one for all of an hour.

A partner that only has events pushed to it has no other way to learn that they do not come. That a letter is owed is
written with the endpoint's state; it is owed until notify has sent it, or the address takes none.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec

from libs.database.transactions import Transactions
from libs.http.client import Refused, ServiceClient, Unavailable
from libs.process.repeating import repeat
from libs.telemetry.logs import log
from services.gateway.partners import partner_store
from services.gateway.partners.partner import address_in
from services.gateway.webhooks import telling_store
from services.gateway.webhooks.addresses import target_of
from services.gateway.webhooks.telling_store import Addressee, Untold

PATH = "/partner-letters/webhooks-stopped"
# notify's word for an address that takes no mail: only that is for ever.
ADDRESS_REFUSED = "address-refused"
PAUSE_SECONDS = 10.0
# How long whoever has begun a letter keeps others from it, and how soon one that notify could not send is tried again.
LEASE = timedelta(minutes=5)
# However often a partner's endpoints come and go.
BETWEEN_LETTERS = timedelta(hours=1)


class _Stopped(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    host: str
    reason: str
    since: datetime


class _Letter(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    to: str
    partner: str
    webhooks: Sequence[_Stopped]


class Telling:
    """A background task of every process."""

    def __init__(
        self, transactions: Transactions, notify: ServiceClient, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._transactions = transactions
        self._notify = notify
        self._pause_seconds = pause_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until told to stop. Raises what is neither an outage nor a lock met."""
        await repeat(self.turn, stop, name="telling", pause_seconds=self._pause_seconds)

    async def turn(self) -> bool:
        """Write to one partner; whether there was one to be written to."""
        async with self._transactions.transaction() as conn:
            partner = await telling_store.claim(conn, LEASE)
            endpoints = [] if partner is None else await telling_store.untold(conn, partner.code)
        if partner is None:
            return False
        if endpoints:
            await self._tell(partner, endpoints)
        return True

    async def _tell(self, partner: Addressee, endpoints: Sequence[Untold]) -> None:
        address = address_in(partner.contact)
        why_not = "" if address else "no-address"
        if address:
            try:
                await self._notify.post(PATH, letter_to(address, partner, endpoints), type(None))
            except Unavailable as error:
                log.warning("partner-not-told-yet", partner=partner.code, reason=error.reason)
                return
            except Refused as error:
                if error.slug != ADDRESS_REFUSED:
                    # A notify of before, or set up wrongly: that says nothing of the address.
                    log.error("partner-not-told-yet", partner=partner.code, reason=str(error))
                    return
                why_not = error.slug
        if why_not:
            log.warning("partner-not-told", partner=partner.code, reason=why_not)
        async with self._transactions.transaction() as conn:
            await telling_store.told(conn, partner.code, endpoints, BETWEEN_LETTERS)
            await partner_store.audit(
                conn,
                partner.code,
                "webhook-not-told" if why_not else "webhook-told",
                who="gateway",
                came_from="",
                detail=" ".join(filter(None, (*(str(each.id) for each in endpoints), why_not))),
            )


def letter_to(address: str, partner: Addressee, endpoints: Sequence[Untold]) -> _Letter:
    """What notify is asked to write; the same for the same failures, so that a repetition is known as one."""
    named = " ".join(f"{each.id} {each.failing_since.isoformat()}" for each in endpoints)
    return _Letter(
        id=uuid5(endpoints[0].id, named),
        to=address,
        partner=partner.name_vi,
        webhooks=[
            _Stopped(id=each.id, host=target_of(each.url).host, reason=each.reason, since=each.failing_since)
            for each in endpoints
        ],
    )
