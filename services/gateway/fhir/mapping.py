"""mapping.yaml as it is read: once, every path parsed, so that a slip in it stops the process and not a sender."""

from collections.abc import Mapping as MappingOf
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import msgspec
import yaml

from services.gateway.fhir.paths import Path, parsed
from services.gateway.fhir.reading import READINGS

FILE = FilePath(__file__).with_name("mapping.yaml")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value is read: of which role, at which paths, how."""

    role: str
    paths: tuple[Path, ...]
    reading: str


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the declaration: `to` is its path, `label` its Vietnamese name.

    `empty`: an empty text stands in the declaration without it, for intake to say what is missing.
    """

    to: str
    label: str
    sources: tuple[Source, ...]
    required: bool = False
    unless: str = ""
    fallback: str = ""
    empty: bool = False


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """The whole table. `constants` are the systems, `codes` the code tables, `groups` what is left out together."""

    constants: MappingOf[str, frozenset[str]]
    relations: MappingOf[str, frozenset[str]]
    observed: MappingOf[str, frozenset[str]]
    codes: MappingOf[str, MappingOf[str, Any]]
    groups: MappingOf[str, str]
    quiet: MappingOf[str, frozenset[str]]
    fields: tuple[Field, ...]

    def field(self, path: str) -> Field | None:
        """The field of this path, or the nearest one above or below it."""
        exact = next((one for one in self.fields if one.to == path), None)
        return exact or next(
            (one for one in self.fields if one.to.startswith(f"{path}.") or path.startswith(f"{one.to}.")),
            None,
        )


@cache
def load_mapping() -> Mapping:
    """The table. Raises ValueError for what is not written as it must be."""
    raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    made = Mapping(
        constants=_sets(raw["systems"]),
        relations=_sets(raw["relations"]),
        observed=_sets(raw["observed"]),
        codes={
            name: {str(key): value for key, value in table.items()} for name, table in raw["codes"].items()
        },
        groups=raw["groups"],
        quiet=_sets(raw["quiet"]),
        fields=tuple(_field(one) for one in raw["fields"]),
    )
    for one in made.fields:
        for source in one.sources:
            if source.reading not in READINGS:
                raise ValueError(f"{one.to}: nothing is read as {source.reading!r}")
    return made


def _field(raw: dict[str, Any]) -> Field:
    given = dict(raw)
    reading = given.pop("as")
    sources = [_source(given.pop("from"), given.pop("path", ()), reading)]
    if other := given.pop("or_from", None):
        sources.append(_source(other["from"], other["path"], other.get("as", reading)))
    if unknown := set(given) - set(Field.__struct_fields__):
        raise ValueError(f"{given.get('to')}: {sorted(unknown)} is not understood")
    return Field(**given, sources=tuple(sources))


def _source(role: str, paths: str | list[str] | tuple[()], reading: str) -> Source:
    texts = [paths] if isinstance(paths, str) else list(paths)
    return Source(role=role, paths=tuple(parsed(text) for text in texts), reading=reading)


def _sets(raw: dict[str, list[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(str(one) for one in values) for name, values in raw.items()}
