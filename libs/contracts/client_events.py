"""The events as types of the Python client package: copies of the contracts' classes that import nothing of ours."""

import inspect
import re
from types import ModuleType

import msgspec

from libs.contracts import intake, notify, results, routing
from libs.contracts.catalogue import FLOWS
from libs.contracts.event import Event

FOLDER = "clients/python/src/mot_cua/events"
_MODULES: tuple[ModuleType, ...] = (intake, routing, results, notify)
_MADE = "Made by `make events` from the contracts of the city; do not edit."
_DATA = f'''"""What the data of all events have in common. {_MADE}"""

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

# A moment always carries its zone.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """The data of one event: ids, codes, states and times, never a person's data.

    Fields this version does not know are ignored: see `Event.plain`.
    """

    TYPE: ClassVar[str] = ""
'''
# What a module of events may need, and by which words it is seen that it does.
_IMPORTS: tuple[tuple[str, str], ...] = (
    ("date", "from datetime import date"),
    ("ClassVar", "from typing import ClassVar"),
    ("UUID", "from uuid import UUID"),
    ("msgspec", "\nimport msgspec"),
)


def client_events() -> dict[str, bytes]:
    """The package's modules by their paths: one a producer, and one with every name and the table EVENTS."""
    made = {"__init__.py": _index(), "data.py": _DATA}
    made |= {f"{_name(module)}.py": _module(module) for module in _MODULES}
    return {f"{FOLDER}/{name}": text.encode() for name, text in made.items()}


def _index() -> str:
    by_module = {
        "data": ["EventData", "Moment"],
        **{_name(module): [kind.__name__ for kind in _structs(module)] for module in _MODULES},
    }
    lines = [f'"""What each type of event says. {_MADE}"""', "", "from collections.abc import Mapping", ""]
    for module, names in sorted(by_module.items()):
        lines += [f"from mot_cua.events.{module} import (", *(f"    {name}," for name in sorted(names)), ")"]
    names = sorted(["EVENTS", *(name for names in by_module.values() for name in names)], key=_place)
    lines += ["", "__all__ = [", *(f'    "{name}",' for name in names), "]", ""]
    types = [flow.event.__name__ for flow in FLOWS]
    lines += ["# Type on the wire → what its data are.", "EVENTS: Mapping[str, type[EventData]] = {"]
    return "\n".join([*lines, *(f"    {name}.TYPE: {name}," for name in types), "}", ""])


def _place(name: str) -> tuple[bool, str]:
    """Constants before classes, as the linter sorts them."""
    return (not name.isupper(), name)


def _module(module: ModuleType) -> str:
    body = "\n\n".join(_written(kind) for kind in _structs(module))
    imports = [line for word, line in _IMPORTS if re.search(rf"\b{word}\b(?!\")", body)]
    data = ", ".join(word for word in ("EventData", "Moment") if re.search(rf"\b{word}\b", body))
    head = [f'"""What {_name(module)} says. {_MADE}"""', "", *imports]
    head += ["", f"from mot_cua.events.data import {data}", "", "", body]
    return "\n".join(head)


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _structs(module: ModuleType) -> list[type[msgspec.Struct]]:
    """The structs a module defines, in the order it does."""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__
    ]


def _written(kind: type[msgspec.Struct]) -> str:
    text = inspect.getsource(kind)
    if issubclass(kind, Event):
        text = text.replace("(Event,", "(EventData,", 1).replace(
            "    SUBJECT: ClassVar", "    TYPE: ClassVar", 1
        )
    return text
