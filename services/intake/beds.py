"""Two mothers in one bed: most likely a slip, of which the ward is warned without a word about who lies there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.intake import file_store, stay_store
from services.intake.births import Problem
from services.intake.reception import FILE_BIRTH, Submission
from services.intake.stays import LEFT_AFTER, UNTOLD_STAY, Stay

BED_SHARED = Problem(
    field="stay.bed",
    code="bed-shared",
    message_vi="Phòng, giường này đang có hồ sơ của một người mẹ khác chưa ra viện. Hãy xem lại phòng, giường.",
    severity="warning",
)


class _Document(msgspec.Struct, frozen=True):
    number: str


class _Mother(msgspec.Struct, frozen=True):
    document: _Document


class _Birth(msgspec.Struct, frozen=True):
    mother: _Mother


async def shared_beds(
    connection: Any, new: Sequence[Submission], *, now: datetime, wall_clock: datetime
) -> frozenset[UUID]:
    """Which of these births, just stored, name a bed in which by its hospital's other dossiers another mother lies."""
    told = {
        one.dossier.id: one.content
        for one in new
        if one.kind == FILE_BIRTH and one.stay and _names_a_bed(one.stay)
    }
    return await _sharing(connection, told, now, wall_clock)


async def doubts_about(
    connection: Any, dossier_id: UUID, stay: Stay, *, now: datetime, wall_clock: datetime
) -> tuple[Problem, ...]:
    """What the ward should look at again of a stay just stored; nothing where they have left by now."""
    if not _names_a_bed(stay) or (stay.discharge_at is not None and stay.discharge_at <= wall_clock):
        return ()
    files = await file_store.newest(connection, [dossier_id])
    told = {one.dossier_id: one.content for one in files.values() if one.kind == FILE_BIRTH}
    return (BED_SHARED,) if await _sharing(connection, told, now, wall_clock) else ()


def with_warning(new: Submission, shared: frozenset[UUID]) -> tuple[Problem, ...]:
    """The doubts about a submission, that about its bed among them."""
    return (*new.warnings, BED_SHARED) if new.dossier.id in shared else new.warnings


def _names_a_bed(stay: Stay) -> bool:
    """Each room has a bed 1: without its room a bed is nobody's."""
    return bool(stay.room and stay.bed)


async def _sharing(
    connection: Any, told: Mapping[UUID, bytes], now: datetime, wall_clock: datetime
) -> frozenset[UUID]:
    """Which of these births (`told`: dossier and declaration) are in a bed with another mother.

    Who has left is told as the bedside list does (stay_store.bedside), sooner where no discharge was told.
    """
    if not told:
        return frozenset()
    pairs = await stay_store.in_the_same_bed(
        connection,
        list(told),
        wall_clock=wall_clock,
        left_before=now - LEFT_AFTER,
        untold_before=now - UNTOLD_STAY,
    )
    files = await file_store.newest(connection, list({other for _, other in pairs}))
    mothers = {other: _mother_of(file.content) for other, file in files.items() if file.kind == FILE_BIRTH}
    return frozenset(
        dossier_id
        for dossier_id, other in pairs
        if other in mothers and mothers[other] != _mother_of(told[dossier_id])
    )


def _mother_of(content: bytes) -> str:
    """What tells one mother from another: the number of her paper."""
    return msgspec.json.decode(content, type=_Birth).mother.document.number
