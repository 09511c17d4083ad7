"""A database of intake as after many births: dossiers and files copied in, the index made by the worker itself."""

from collections.abc import Container, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from bench.search.people import People
from libs.contracts.intake import ChosenResult
from services.intake.births import (
    Attendants,
    BirthDeclaration,
    Certificate,
    Child,
    Contact,
    Father,
    IdentityDocument,
    Mother,
    Residence,
)
from services.intake.dossier import ACCEPTED, Dossier
from services.intake.store import encode_state

FIRST = datetime(2022, 1, 3, 2, tzinfo=UTC)
APART = timedelta(minutes=2)
# Of five births of the city three belong to this ward, two to the other. One hospital declares nearly all of them.
WARDS = ("31340", "31340", "31340", "31411", "31411")
FACILITY, SMALL_FACILITY = "93016", "93007"
ONE_IN_SMALL = 1000
COPY_ROWS = 10_000


class Born(msgspec.Struct, frozen=True, kw_only=True):
    """One birth of the bench: the dossier and its declaration."""

    dossier: Dossier
    declaration: BirthDeclaration


def born(count: int, seed: int = 1) -> Iterator[Born]:
    """`count` births in the order of time."""
    people = People(seed)
    for number in range(count):
        at = FIRST + number * APART
        father = people.man()
        yield _birth(number, at, people.woman(), father, people.child(father))


async def fill(admin_dsn: str, count: int, kept: Container[int]) -> list[Born]:
    """Store `count` births, without noting them for the index; those with the numbers in `kept` are returned."""
    found: list[Born] = []
    connection = await asyncpg.connect(admin_dsn, timeout=10, command_timeout=600)
    try:
        # No triggers and no foreign keys: the worker is to find them by a rebuild.
        await connection.execute("SET session_replication_role = replica")
        batch: list[Born] = []
        for number, each in enumerate(born(count)):
            batch.append(each)
            if number in kept:
                found.append(each)
            if len(batch) == COPY_ROWS:
                await _copy(connection, batch)
                batch = []
        await _copy(connection, batch)
        await connection.execute(
            """
            INSERT INTO code_counter (prefix, day, last)
            SELECT split_part(code, '-', 1), max(received_at)::date, 1 FROM dossier GROUP BY 1
            """
        )
    finally:
        await connection.close(timeout=10)
    return found


async def _copy(connection: "asyncpg.Connection[Any]", batch: list[Born]) -> None:
    await connection.copy_records_to_table(
        "dossier",
        columns=[
            "id", "code", "token", "procedure", "receiving_agency", "facility", "status", "received_at",
            "appointment_at", "state",
        ],
        records=[
            (
                d.id, d.code, d.token, d.procedure, d.receiving_agency, d.facility, d.status, d.received_at,
                d.appointment_at, encode_state(d),
            )
            for d in (each.dossier for each in batch)
        ],
    )  # fmt: skip
    await connection.copy_records_to_table(
        "file",
        columns=["dossier_id", "version", "kind", "content", "written_by"],
        records=[
            (each.dossier.id, 1, "birth", msgspec.json.encode(each.declaration), "midwife") for each in batch
        ],
    )


def _birth(number: int, at: datetime, mother: str, father: str, child: str) -> Born:
    ward = WARDS[number % len(WARDS)]
    facility = FACILITY if number % ONE_IN_SMALL else SMALL_FACILITY
    low = number * 2_654_435_761 % (1 << 62)
    dossier_id = UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | low)
    residence = Residence(
        address="Khu vực 3, thành phố Cần Thơ", province_code="92", commune_code=ward, as_of=date(2025, 7, 1)
    )
    declaration = BirthDeclaration(
        certificate=Certificate(
            facility_code=facility, number=f"{number:07d}", book=f"01/{at.year}", issued_on=at.date()
        ),
        mother=Mother(
            name=mother,
            birth_date=date(1995, 3, 8),
            ethnic_code="01",
            document=IdentityDocument(number=f"092195{number:06d}", kind="personal-id"),
            residence=residence,
            contact=Contact(phone=f"09{number % 50_000_000:08d}"),
        ),
        father=Father(name=father, document=IdentityDocument(number=f"092093{number:06d}")),
        child=Child(
            sex=1 + number % 2,
            birth_time=at.replace(tzinfo=None),
            place_of_birth="Bệnh viện đa khoa khu vực Ngã Bảy",
            intended_name=child,
            weight_g=3200,
        ),
        attendants=Attendants(midwife="Lê Thị Hoa"),
    )
    dossier = Dossier(
        id=dossier_id,
        code=f"{ward[:3]}.{ward[3:]}.00.H13-{at:%y%m%d}-{number % 10_000:04d}",
        token=f"{number:024d}",
        procedure="3.000722",
        procedure_from=date(2026, 11, 1),
        channel="hospital",
        receiving_agency=f"one-stop-{ward}-2025",
        facility=facility,
        unit=ward,
        unit_as_of=date(2025, 7, 1),
        options={"residence": True, "insurance": True},
        results=(ChosenResult(code="birth_certificate", delivery="hospital", place=f"hospital-{facility}"),),
        components=("declaration", "medical_certificate"),
        missing=(),
        state=ACCEPTED,
        likely_duplicate=False,
        received_at=at,
        accepted_at=at,
        appointment_at=at + timedelta(days=4),
        assignments={
            "birth": f"civil-status-{ward}-2025",
            "residence": f"police-{ward}-2025",
            "insurance": "social-insurance-nga-bay-2025",
        },
        began=True,
    )
    return Born(dossier=dossier, declaration=declaration)
