"""XML9 uploads over HTTP: the file in, a report per record out, in Vietnamese.

A file is stored part by part, each in a transaction of its own, and its report last: births of the ward that come
meanwhile wait for one part, not for the file, and locks are taken in the order of reception_store. A file that was cut
short by a failure is sent again: what was stored of it is reported as known.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID
from weakref import WeakValueDictionary

import asyncpg
from fastapi import APIRouter, Depends, Request, Response

from libs.bus.ids import new_id
from libs.bus.writer import Writer
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, described_answers, read_bytes
from libs.http.idempotency import Answer, answered_before, idempotency_key, once
from libs.http.problems import Problem
from libs.telemetry.logs import log
from services.intake import upload_store
from services.intake.dossier import Dossier
from services.intake.office import Office
from services.intake.reception import Submission
from services.intake.reception_store import Known, store_submissions
from services.intake.uploads import Prepared, UploadAnswer, prepare, upload_answer
from services.intake.xml9 import UploadLimits, UploadRefused

HOSPITAL = require("hospital")
LIMITS = UploadLimits()
# Each needs up to some hundred MiB and a core for seconds.
AT_ONCE_MAX = 2
WAIT_SECONDS_MAX = 20.0
# One transaction takes this many records, so that others of the ward wait little and a failure costs few a second try.
CHUNK_RECORDS = 100
# A copy of a file that is just being stored in this process waits for its report; the largest takes some ten seconds.
TURN_SECONDS_MAX = 60.0


def router(office: Office) -> APIRouter:
    """The endpoints POST /births/xml9 and GET /uploads/{upload_id}."""
    routes = APIRouter(tags=["uploads"])
    places = asyncio.Semaphore(AT_ONCE_MAX)
    turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    described = described_answers({201: UploadAnswer}, takes=("application/xml",))

    @routes.post("/births/xml9", status_code=201, openapi_extra=described)
    async def upload(request: Request, actor: Annotated[Actor, Depends(HOSPITAL)]) -> Response:
        """Take the XML9 file of QĐ 4750/QĐ-BYT as the raw body; good records become dossiers, bad ones are named."""
        idempotency_key(request)
        if not office.facility_of(actor):
            raise Problem(403)
        data = await read_bytes(request, limit_bytes=LIMITS.upload_bytes_max)
        prepared = await _prepared(office, actor, data, places)
        turn = turns.setdefault(f"{prepared.facility_code}/{prepared.fingerprint}", asyncio.Lock())
        async with asyncio.timeout(TURN_SECONDS_MAX):
            await turn.acquire()
        try:
            return await _taken(request, actor, office, prepared)
        finally:
            turn.release()

    @routes.get("/uploads/{upload_id}", openapi_extra=described_answers({200: UploadAnswer}))
    async def report(upload_id: UUID, actor: Annotated[Actor, Depends(HOSPITAL)]) -> Response:
        """The report of an upload of my hospital."""
        async with office.reading() as connection:
            found = await upload_store.find(connection, upload_id)
        if found is None or found.facility_code != office.facility_of(actor):
            raise Problem(404)
        return MsgspecResponse(found)

    return routes


async def _taken(request: Request, actor: Actor, office: Office, prepared: Prepared) -> Response:
    """Store what is new of the file and answer with the report; the same file again gets the report there is."""
    if (answered := await answered_before(request, actor, office.writer)) is not None:
        return answered
    file = prepared.facility_code, prepared.fingerprint
    async with office.reading() as connection:
        known = await upload_store.same_before(connection, *file)
        upload_id = await upload_store.id_of(connection, *file) or new_id()
    report = known
    if report is None:
        outcomes = await _store_all(office.writer, prepared.submissions)
        report = upload_answer(upload_id, prepared, outcomes)

    async def work(connection: Any) -> Answer:
        # Another process may have stored a copy of the file meanwhile.
        told = known or await upload_store.same_before(connection, *file)
        if told is not None:
            return Answer(200, told, f"/uploads/{told.upload_id}")
        kept = await upload_store.keep(connection, report, prepared.fingerprint, actor.subject)
        return Answer(201, kept, f"/uploads/{kept.upload_id}")

    return await once(request, actor, office.writer, work)


async def _prepared(office: Office, actor: Actor, data: bytes, places: asyncio.Semaphore) -> Prepared:
    """Read and judge the file in a thread. Raises Problem 422 for the whole file, TimeoutError when too many wait."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        await places.acquire()
    try:
        return await asyncio.to_thread(
            prepare, data, office.sender(actor), office.fresh, office.now(), office.desk
        )
    except UploadRefused as error:
        title = "Tệp XML9 không được nhận"
        raise Problem(422, f"upload-{error.code}", title, error.message_vi) from None
    finally:
        places.release()


async def _store_all(writer: Writer, submissions: Sequence[Submission]) -> list[Dossier | Known | None]:
    """Store the good records, many at a time; where that fails, one by one, so that one stops no other."""
    outcomes: list[Dossier | Known | None] = []
    for start in range(0, len(submissions), CHUNK_RECORDS):
        chunk = submissions[start : start + CHUNK_RECORDS]
        try:
            async with writer.transaction() as connection:
                stored = await store_submissions(connection, chunk)
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            log.warning("upload-chunk-failed", error=type(error).__name__, count=len(chunk))
            outcomes.extend([await _store_one(writer, submission) for submission in chunk])
        else:
            outcomes.extend(stored)
    return outcomes


async def _store_one(writer: Writer, submission: Submission) -> Dossier | Known | None:
    try:
        async with writer.transaction() as connection:
            (outcome,) = await store_submissions(connection, [submission])
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        log.warning("upload-record-failed", error=type(error).__name__)
        return None
    return outcome
