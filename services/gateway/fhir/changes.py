"""What an update says otherwise than the file of a dossier, as the fields intake corrects. Pure."""

from collections.abc import Sequence
from typing import Any

from services.gateway.fhir.mapping import Mapping

# Kept beside the file, and changed by another call.
_BESIDE = ("stay.",)
# What a file has where nothing was said: no news.
_NOTHING = (None, "", False, 0)
# Not said by FHIR and given a value by intake where it is not: its absence takes nothing away.
_DEFAULTS = {"child.count": 1, "mother.nationality_code": "000", "mother.role": "mother"}

Entry = dict[str, Any]


def changes(file: dict[str, Any], body: dict[str, Any], mapping: Mapping) -> list[Entry]:
    """Entries that make the file say what the body says, as far as FHIR can say it; null takes a field away."""
    gone = [group for group in mapping.groups if at(file, group) is not None and at(body, group) is None]
    # The whole group goes; what lies in it goes with it.
    gone = [group for group in gone if not any(group.startswith(f"{other}.") for other in gone)]
    entries = [{"path": group, "value": None} for group in gone]
    for field in mapping.fields:
        if field.to.startswith(_BESIDE) or any(field.to.startswith(f"{group}.") for group in gone):
            continue
        old, new = at(file, field.to), at(body, field.to)
        if new is None and (old in _NOTHING or old == _DEFAULTS.get(field.to)):
            continue
        if old != new and not (old in _NOTHING and new in _NOTHING):
            entries.append({"path": field.to, "value": new})
    return entries


def asked_for(entries: Sequence[Entry], fields: Sequence[str]) -> tuple[list[Entry], list[Entry]]:
    """The entries that answer a request for supplements of these fields, and the others."""
    answering = [
        entry
        for entry in entries
        if any(entry["path"] == field or entry["path"].startswith(f"{field}.") for field in fields)
    ]
    return answering, [entry for entry in entries if entry not in answering]


def at(tree: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    for name in path.split("."):
        if not isinstance(tree, dict):
            return None
        tree = tree.get(name)
    return tree
