"""Bodies of POST /births: made-up births as a hospital's form sends them."""

from datetime import date
from typing import Any

import msgspec

from deploy.local.sample_xml9 import FACILITY, Births, envelope
from services.intake.xml9 import parse_upload

RECORDS_AT_ONCE = 100


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration and what the desk needs to know of it later."""

    body: bytes
    mother_name: str
    mother_number: str
    child_name: str
    born_on: date
    female: bool


def births(count: int, maker: Births, *, today: date) -> list[Birth]:
    """`count` single births, none of them twice for one maker; made through the XML9 reader, whose words they are."""
    made: list[Birth] = []
    while len(made) < count:
        records = [maker.single() for _ in range(min(RECORDS_AT_ONCE, count - len(made)))]
        for record in parse_upload(envelope(records, made_on=today), today=today).records:
            if record.declaration is None:
                raise ValueError(f"a made-up birth breaks a rule: {record.problems}")
            made.append(_birth(record.declaration))
    return made


def _birth(declaration: Any) -> Birth:
    body = msgspec.to_builtins(declaration)
    body.pop("extra", None)
    return Birth(
        body=msgspec.json.encode(body),
        mother_name=declaration.mother.name,
        mother_number=declaration.mother.document.number,
        child_name=declaration.child.intended_name,
        born_on=declaration.child.birth_time.date(),
        female=declaration.child.sex == 2,
    )


__all__ = ["FACILITY", "Birth", "Births", "births"]
