"""HTTP of identity: kiosks, boards, counter screens and tablets are paired once by a code."""

import secrets
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from libs.database.transactions import Transactions
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, answers, body, read_body
from libs.http.idempotency import Answer, once
from libs.http.limits import client_network
from libs.http.problems import Problem
from services.identity import attempt_store, device_store, refusals, store
from services.identity.api import PORTAL
from services.identity.domain import OPERATOR
from services.identity.lockout import PAIRING
from services.identity.sealing import device_token_of, hash_of
from services.identity.views import (
    DeviceAdded,
    DeviceAnswer,
    DeviceClaim,
    DeviceView,
    NewPairing,
    OfDevice,
    OfPairing,
    PairedDevice,
    PairingStarted,
    PairingWaits,
)

OFFICER = require("one_stop", OPERATOR, kinds=("officer",))
PAIRING_LIFE = timedelta(minutes=10)
# Any browser may open the page that begins a pairing; with more waiting, six digits would be easily hit.
OPEN_PAIRINGS_MAX = 100
# One house's network cannot take the places of all; whoever asks there for more loses the code asked for first.
NETWORK_PAIRINGS_MAX = 3
# What a provider gives to a site or more; a subscriber's /56 has 256 of the /64 that are counted elsewhere.
IPV6_PREFIX = 48
CODE_TRIES = 20


def build_router(transactions: Transactions) -> APIRouter:
    """Pairing by the device (through the portal) and by an officer."""
    router = APIRouter(tags=["devices"])
    _add_device_side(router, transactions)
    _add_officer_side(router, transactions)
    return router


def _add_device_side(router: APIRouter, transactions: Transactions) -> None:
    @router.post("/devices/pairings", openapi_extra=body(NewPairing, answers={201: PairingStarted}))
    async def start(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """A device wants to be paired: the code it shows until an officer types it."""
        pairing = hash_of((await read_body(request, NewPairing)).pairing)
        network = hash_of(client_network(request, ipv6_prefix=IPV6_PREFIX))
        async with transactions.transaction() as conn:
            before = await device_store.begun_before(conn, pairing)
            if before is not None:
                return _started(before["code"], before["seconds"])
            await device_store.make_room(conn, network, PAIRING_LIFE, NETWORK_PAIRINGS_MAX)
            for _try in range(CODE_TRIES):
                code = f"{secrets.randbelow(1_000_000):06d}"
                state = await device_store.open_pairing(
                    conn, pairing, code, network, PAIRING_LIFE, OPEN_PAIRINGS_MAX
                )
                if state == "open":
                    return _started(code, int(PAIRING_LIFE.total_seconds()))
        raise Problem(429, headers={"Retry-After": "60"})

    @router.post(
        "/devices/pairings/state",
        openapi_extra=body(OfPairing, answers={200: PairedDevice, 202: PairingWaits}),
    )
    async def state(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """Whether an officer has typed the code; then the device's token, the same however often it is asked for."""
        pairing = (await read_body(request, OfPairing)).pairing
        async with transactions.transaction() as conn:
            found = await device_store.pairing_state(conn, hash_of(pairing))
            if found is None:
                raise Problem(
                    410, "pairing-expired", "Mã ghép nối đã hết hạn", "Hãy lấy mã mới trên thiết bị."
                )
            if found["device_id"] is None:
                return MsgspecResponse(PairingWaits(), 202)
            token = device_token_of(pairing)
            await device_store.give_token(conn, found["device_id"], hash_of(token))
        return MsgspecResponse(PairedDevice(device=token))

    @router.post("/devices/token", openapi_extra=body(OfDevice, answers={200: DeviceAnswer}))
    async def token(request: Request, _: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """What the device with this token is, unless it was revoked."""
        device = hash_of((await read_body(request, OfDevice)).device)
        async with transactions.transaction() as conn:
            row = await device_store.by_token(conn, device)
        if row is None:
            raise Problem(401, "device-unknown", "Thiết bị chưa được ghép nối hoặc đã bị thu hồi")
        return MsgspecResponse(DeviceAnswer(**dict(row)))


def _add_officer_side(router: APIRouter, transactions: Transactions) -> None:
    @router.post("/devices", openapi_extra=body(DeviceClaim, answers={201: DeviceAdded}))
    async def claim(request: Request, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """The officer types the code a device shows: it is one of the officer's agency from now on."""
        given = await read_body(request, DeviceClaim)
        key = (PAIRING, actor.subject)
        async with transactions.transaction() as conn:
            wait = await attempt_store.begin(conn, [key])
        if wait > 0:
            raise refusals.locked(wait)

        async def work(conn: Any) -> Answer:
            device = uuid4()
            await device_store.insert(
                conn,
                device,
                kind=given.kind,
                agency=actor.agency,
                place=given.place,
                name=given.name,
                paired_by=actor.subject,
            )
            if not await device_store.claim(conn, given.code, device):
                raise Problem(404, "pairing-not-found", "Không có thiết bị nào đang chờ với mã này")
            await store.record(conn, "device-paired", device_id=device, actor=actor.subject)
            return Answer(201, DeviceAdded(id=device))

        response = await once(request, actor, transactions, work)
        async with transactions.transaction() as conn:
            await attempt_store.succeeded(conn, [key])
        return response

    @router.get("/devices", openapi_extra=answers({200: list[DeviceView]}))
    async def devices(actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """The devices of the officer's agency; an operator sees all."""
        async with transactions.transaction() as conn:
            rows = await device_store.devices(conn, _scope(actor))
        return MsgspecResponse([DeviceView(**dict(row)) for row in rows])

    @router.post("/devices/{device_id}/revoke", openapi_extra=answers({204: None}))
    async def revoke(
        request: Request, device_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """The device's token is worth nothing from now on."""

        async def work(conn: Any) -> Answer:
            first = await device_store.revoke(conn, device_id, _scope(actor))
            if first is None:
                raise Problem(404, "device-not-found", "Không tìm thấy thiết bị")
            if first:
                await store.record(conn, "device-revoked", device_id=device_id, actor=actor.subject)
            return Answer(204)

        return await once(request, actor, transactions, work)


def _started(code: str, seconds: int) -> Response:
    return MsgspecResponse(PairingStarted(code=code, expires_in_seconds=seconds), 201)


def _scope(actor: Actor) -> str | None:
    """The agency whose devices the actor may see; None: all."""
    return None if OPERATOR in actor.roles else actor.agency
