"""What of a dossier the search index holds: names, digests of numbers, and who may find it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from libs.catalogue.folding import tidy
from services.intake.dossier import Dossier
from services.intake.file_store import FileVersion
from services.intake.search_text import NumberKind, folded_words, number_keys

NAMES_MAX = 16
NAME_LENGTH_MAX = 255
DEPTH_MAX = 12
# A part of a file is a person when it is called so, or holds what only people have.
_PEOPLE = frozenset({"applicant", "mother", "father", "child", "subject"})
_PERSON_SIGNS = frozenset({"sex", "identity", "document", "birth_date", "birth_time", "relation"})
_NUMBERS: Mapping[str, NumberKind] = {
    "personal_id": "identity",
    "social_insurance_number": "insurance",
    "insurance_number": "insurance",
    "insurance_card": "insurance",
    "insurance_card_number": "insurance",
    "temporary_card": "insurance",
    "temporary_card_number": "insurance",
    "phone": "phone",
    "zalo": "phone",
    "gcs_code": "certificate",
}
# Where a plain `number` is that of something people are looked up by.
_NUMBERED: Mapping[str, NumberKind] = {
    "identity": "identity",
    "document": "identity",
    "certificate": "certificate",
    "medical_certificate": "certificate",
}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the index says of one dossier; `version` is that of the file it was read from."""

    dossier_id: UUID
    version: int
    readers: tuple[str, ...]
    names: tuple[str, ...]
    numbers: tuple[UUID, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Every word of the names without accents, once each."""
        return tuple(sorted({word for name in self.names for word in folded_words(name)}))


def readers_of(dossier: Dossier) -> tuple[str, ...]:
    """Who may find the dossier: the agencies concerned, the hospital that declared it, the desks that hand over."""
    hospital = (hospital_reader(dossier.facility),) if dossier.facility else ()
    return tuple(sorted({*dossier.concerned, *dossier.handing_places, *hospital}))


def hospital_reader(facility: str) -> str:
    """What stands for a hospital among the readers; no agency's code has this form."""
    return f"facility/{facility}"


def facts_of(dossier: Dossier, file: FileVersion) -> Facts:
    """The facts of a dossier and the newest version of its file. Raises msgspec.DecodeError for a file that is none."""
    content = msgspec.json.decode(file.content)
    names = dict.fromkeys(_names(content, "", 0))
    numbers = dict.fromkeys(_numbers(content, "", 0))
    return Facts(
        dossier_id=dossier.id,
        version=file.version,
        readers=readers_of(dossier),
        names=tuple(names)[:NAMES_MAX],
        numbers=tuple(sorted(numbers)),
    )


def _names(part: Any, called: str, depth: int) -> Iterator[str]:
    if depth > DEPTH_MAX:
        return
    if isinstance(part, list):
        for item in part:
            yield from _names(item, called, depth + 1)
    if not isinstance(part, dict):
        return
    if called in _PEOPLE or _PERSON_SIGNS & part.keys():
        for key in ("name", "intended_name"):
            if isinstance(name := part.get(key), str) and folded_words(name):
                yield tidy(name)[:NAME_LENGTH_MAX]
    for key, inner in part.items():
        yield from _names(inner, key, depth + 1)


def _numbers(part: Any, called: str, depth: int) -> Iterator[UUID]:
    if depth > DEPTH_MAX:
        return
    if isinstance(part, list):
        for item in part:
            yield from _numbers(item, called, depth + 1)
    if not isinstance(part, dict):
        return
    for key, inner in part.items():
        kind = _NUMBERED.get(called) if key == "number" else _NUMBERS.get(key)
        if kind is not None and isinstance(inner, str):
            yield from number_keys(kind, inner)
        yield from _numbers(inner, key, depth + 1)
