"""The part of FHIRPath that mapping.yaml is written in: it finds values and says where in the Bundle each stands. Pure.

    identifier.where(system = %personal_number).value     name     value.ofType(Quantity)     name[0].given
    birthDate.extension('http://hl7.org/fhir/StructureDefinition/patient-birthTime').value.ofType(dateTime)

`%name` is any of the URIs of `systems` in mapping.yaml. The kept FHIRPath libraries give values without their places,
and the place is what a sender needs to be told.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.gateway.fhir.place_in_bundle import Place

Constants = Mapping[str, frozenset[str]]

_STEP = re.compile(
    r"""(?P<name>[A-Za-z]\w*)(?:\[(?P<index>\d+)\])?$
    |where\((?P<left>[\w.]+)\s*=\s*(?P<right>%\w+|'[^']*')\)$
    |extension\('(?P<url>[^']+)'\)$
    |ofType\((?P<type>\w+)\)$""",
    re.VERBOSE,
)
# A dot between steps, not one inside brackets or quotes.
_BETWEEN = re.compile(r"\.(?![^()]*\))")


class Node(msgspec.Struct, frozen=True):
    """An element: where it stands, what it is, and the extensions of a primitive, which stand beside it."""

    place: Place
    value: Any
    beside: Any = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a path; exactly one of its parts is given."""

    name: str = ""
    index: int | None = None
    where: tuple[tuple[str, ...], str] | None = None
    url: str = ""
    type: str = ""


class Path(msgspec.Struct, frozen=True):
    """A path, read once."""

    text: str
    steps: tuple[Step, ...]


def parsed(text: str) -> Path:
    """Read a path. Raises ValueError for what is beyond our part of FHIRPath."""
    return Path(text, tuple(_step(part, text) for part in _BETWEEN.split(text)))


def found(path: Path, start: Sequence[Node], constants: Constants) -> list[Node]:
    """Every element at the path, and the elements a `where` has looked at are not among them. Raises nothing."""
    nodes = list(start)
    for step in path.steps:
        nodes = [following for node in nodes for following in _follow(step, node, constants)]
    return nodes


def child(node: Node, name: str) -> list[Node]:
    """The elements of one name below a node; lists give their items."""
    if not isinstance(node.value, dict):
        return []
    keys = [name] if name in node.value or f"_{name}" in node.value else _choices(node.value, name)
    return [item for key in keys for item in _items(node, key)]


def text_in(value: Any, name: str) -> str:
    """The text of one name in an element; empty where there is none, or something else."""
    said = value.get(name) if isinstance(value, dict) else None
    return said if isinstance(said, str) else ""


def _step(part: str, text: str) -> Step:
    read = _STEP.match(part)
    if read is None:
        raise ValueError(f"{text}: cannot read {part!r}")
    if read["left"]:
        return Step(where=(tuple(read["left"].split(".")), read["right"]))
    if read["url"]:
        return Step(url=read["url"])
    if read["type"]:
        return Step(type=read["type"])
    return Step(name=read["name"], index=int(read["index"]) if read["index"] else None)


def _follow(step: Step, node: Node, constants: Constants) -> list[Node]:
    if step.where is not None:
        return [node] if _holds(step.where, node, constants) else []
    if step.url:
        holder = node.beside if isinstance(node.beside, dict) else node.value
        place = (*node.place[:-1], f"_{node.place[-1]}") if isinstance(node.beside, dict) else node.place
        extensions = child(Node(place, holder), "extension")
        return [one for one in extensions if isinstance(one.value, dict) and one.value.get("url") == step.url]
    if step.type:
        suffix = step.type[0].upper() + step.type[1:]
        named = next((key for key in reversed(node.place) if isinstance(key, str)), "")
        return [node] if named.endswith(suffix) else []
    nodes = child(node, step.name)
    return nodes if step.index is None else nodes[step.index : step.index + 1]


def _holds(where: tuple[tuple[str, ...], str], node: Node, constants: Constants) -> bool:
    left, right = where
    wanted = constants[right[1:]] if right.startswith("%") else frozenset({right[1:-1]})
    nodes = [node]
    for name in left:
        nodes = [following for one in nodes for following in child(one, name)]
    return any(isinstance(one.value, str) and one.value in wanted for one in nodes)


def _choices(element: Mapping[str, Any], name: str) -> list[str]:
    long = len(name)
    return [key for key in element if key.startswith(name) and key[long : long + 1].isupper()]


def _items(node: Node, key: str) -> list[Node]:
    value, beside = node.value.get(key), node.value.get(f"_{key}")
    place = (*node.place, key)
    if isinstance(value, list):
        return [Node((*place, index), item) for index, item in enumerate(value)]
    return [] if value is None and beside is None else [Node(place, value, beside)]
