"""The two kinds of kustomize patches, as far as our overlays use them; anything else is refused, not guessed."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

Document = dict[str, Any]

# The field that identifies an element of a list when it is merged (Kubernetes' x-kubernetes-patch-merge-key).
MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
}
DELETE = {"$patch": "delete"}


class PatchError(Exception):
    """A patch that does not fit its target, or uses a feature this renderer does not have."""


def merge(target: Document, patch: Mapping[str, Any]) -> Document:
    """Apply a strategic-merge patch and return the result; neither argument is changed.

    null deletes a field, `$patch: delete` an element. Raises PatchError for a list of mappings that has no merge
    key here: real kustomize would look the rule up in the API's schema.
    """
    merged = dict(target)
    for field, value in patch.items():
        if value is None:
            merged.pop(field, None)
        elif isinstance(value, Mapping):
            before = merged.get(field)
            merged[field] = merge(before if isinstance(before, dict) else {}, value)
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            merged[field] = _merge_list(field, merged.get(field) or [], value)
        else:
            merged[field] = deepcopy(value)
    return merged


def _merge_list(field: str, before: Sequence[Document], patch: Sequence[Document]) -> list[Document]:
    key = MERGE_KEYS.get(field)
    if key is None:
        raise PatchError(f"a patch of the list {field} needs a JSON patch (op, path, value)")
    merged = {item[key]: item for item in before}
    added = []
    for item in patch:
        if item.get("$patch") == "delete":
            merged.pop(item[key], None)
        elif item[key] in merged:
            merged[item[key]] = merge(merged[item[key]], item)
        else:
            added.append(merge({}, item))
    # kustomize puts new elements first.
    return added + list(merged.values())


def apply_operations(target: Document, operations: Sequence[Mapping[str, Any]]) -> Document:
    """Apply a JSON patch (RFC 6902: add, remove, replace, test) and return the result. Raises PatchError."""
    document = deepcopy(target)
    for operation in operations:
        apply = OPERATIONS.get(operation["op"])
        if apply is None:
            raise PatchError(f"JSON patch operation {operation['op']!r} is not supported")
        *parents, last = [_unescape(part) for part in operation["path"].split("/")[1:]]
        place: Any = document
        try:
            for part in parents:
                place = place[int(part)] if isinstance(place, list) else place[part]
            apply(place, int(last) if isinstance(place, list) and last != "-" else last, operation)
        except (KeyError, IndexError, ValueError) as error:
            raise PatchError(f"JSON patch: nothing at {operation['path']}") from error
    return document


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _add(place: Any, last: Any, operation: Mapping[str, Any]) -> None:
    if isinstance(place, list):
        place.insert(len(place) if last == "-" else last, operation["value"])
    else:
        place[last] = operation["value"]


def _remove(place: Any, last: Any, _: Mapping[str, Any]) -> None:
    del place[last]


def _replace(place: Any, last: Any, operation: Mapping[str, Any]) -> None:
    # Looked up first: replacing what is not there is a mistake.
    _ = place[last]
    place[last] = operation["value"]


def _test(place: Any, last: Any, operation: Mapping[str, Any]) -> None:
    if place[last] != operation["value"]:
        raise PatchError(f"JSON patch: {operation['path']} is not {operation['value']!r}")


OPERATIONS: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
}
