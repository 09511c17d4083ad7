"""Reads the catalogue's YAML files into Structs, and knows which file holds which version without opening it.

A procedure version is `<code>@<first day in force>.yaml`, so the folder listing is the index.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from libs.catalogue.errors import CatalogueError

_T = TypeVar("_T")
_VERSION_FILE = re.compile(r"^(?P<code>[A-Za-z0-9.\-]+)@(?P<first_day>\d{4}-\d{2}-\d{2})\.yaml$")
_REFERENCE = "#/$defs/"
BYTES_MAX = 1_000_000


class VersionFile(msgspec.Struct, frozen=True, order=True):
    """One version of a procedure: its first day in force and its file."""

    first_day: date
    path: Path


def read_yaml(path: Path, into: type[_T]) -> _T:
    """The file as the given type; raises CatalogueError naming the file and the wrong key."""
    return convert(read_plain(path), into, path)


def read_plain(path: Path) -> Any:
    """The file as plain lists and mappings; raises CatalogueError when it is no YAML or too large."""
    if path.stat().st_size > BYTES_MAX:
        raise CatalogueError(f"{path.name}: larger than {BYTES_MAX} bytes")
    try:
        return yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise CatalogueError(f"{path.name}: {error}") from error


def convert(plain: Any, into: type[_T], path: Path) -> _T:
    """Plain data as the given type; raises CatalogueError naming the file and the wrong key."""
    try:
        return msgspec.convert(plain, into)
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{path.name}: {error}") from error


def version_files(folder: Path) -> dict[str, list[VersionFile]]:
    """Code → its versions, oldest first, from the names of the files in the folder and below."""
    found: dict[str, list[VersionFile]] = {}
    for path in sorted(folder.rglob("*.yaml")):
        match = _VERSION_FILE.match(path.name)
        if match is None:
            raise CatalogueError(f"{path.name}: must be named <code>@<first day in force>.yaml")
        version = VersionFile(date.fromisoformat(match["first_day"]), path)
        found.setdefault(match["code"], []).append(version)
    for code, versions in found.items():
        versions.sort()
        if len({version.first_day for version in versions}) < len(versions):
            raise CatalogueError(f"{code}: two files for one first day")
    return found


def version_on(versions: list[VersionFile], on: date) -> VersionFile | None:
    """The newest version that has begun by the day, or None."""
    index = bisect_right([version.first_day for version in versions], on)
    return versions[index - 1] if index else None


def with_definitions(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with the shared definitions it refers to (`#/$defs/name`) put in, so that it stands alone."""
    used: dict[str, Any] = {}
    waiting = _referred(schema)
    while waiting:
        name = waiting.pop()
        if name in used:
            continue
        if name not in definitions:
            raise CatalogueError(f"a schema refers to the unknown definition {name}")
        used[name] = definitions[name]
        waiting |= _referred(definitions[name])
    return {**schema, "$defs": used} if used else schema


def _referred(node: Any) -> set[str]:
    if isinstance(node, Mapping):
        own = node.get("$ref")
        names = {own.removeprefix(_REFERENCE)} if isinstance(own, str) else set()
        return names.union(*(_referred(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(_referred(value) for value in node))
    return set()
