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
    parts: list[tuple[str, dict[str, Any]]] = []
    _take_apart(msgspec.json.decode(file.content), "", 0, parts)
    names = dict.fromkeys(name for called, part in parts for name in _names(called, part))
    numbers = {key for called, part in parts for key in _numbers(called, part)}
    return Facts(
        dossier_id=dossier.id,
        version=file.version,
        readers=readers_of(dossier),
        names=tuple(names)[:NAMES_MAX],
        numbers=tuple(sorted(numbers)),
    )


def _take_apart(value: Any, called: str, depth: int, parts: list[tuple[str, dict[str, Any]]]) -> None:
    """Add every object within a value to `parts`, the outer before the inner, with the key it lies under."""
    if isinstance(value, dict):
        parts.append((called, value))
        if depth < DEPTH_MAX:
            for key, inner in value.items():
                if isinstance(inner, dict | list):
                    _take_apart(inner, key, depth + 1, parts)
    elif isinstance(value, list) and depth < DEPTH_MAX:
        for inner in value:
            _take_apart(inner, called, depth + 1, parts)


def _names(called: str, part: dict[str, Any]) -> Iterator[str]:
    if called in _PEOPLE or not _PERSON_SIGNS.isdisjoint(part):
        for key in ("name", "intended_name"):
            if isinstance(name := part.get(key), str) and folded_words(name):
                yield tidy(name)[:NAME_LENGTH_MAX]


def _numbers(called: str, part: dict[str, Any]) -> Iterator[UUID]:
    for key, value in part.items():
        kind = _NUMBERED.get(called) if key == "number" else _NUMBERS.get(key)
        if kind is not None and isinstance(value, str):
            yield from number_keys(kind, value)
