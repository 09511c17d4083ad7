"""The events as types of the Python client package: a copy of the contracts' classes that imports nothing of ours."""

import inspect
import re
from types import ModuleType

import msgspec

from libs.contracts import intake, notify, results, routing
from libs.contracts.catalogue import FLOWS
from libs.contracts.event import Event

PATH = "clients/python/src/mot_cua/events.py"
_MODULES: tuple[ModuleType, ...] = (intake, routing, results, notify)
_HEAD = '''"""What each type of event says. Made by `make events` from the contracts of the city; do not edit.

Fields this version does not know are ignored: see `Event.plain`.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

# A moment always carries its zone.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """The data of one event: ids, codes, states and times, never a person's data."""

    TYPE: ClassVar[str] = ""
'''


def client_events() -> bytes:
    """The module's text: every event and what it consists of, and EVENTS, the types by their names on the wire."""
    parts = [_HEAD]
    for module in _MODULES:
        parts += [_written(kind) for kind in _structs(module)]
    table = "".join(f"    {flow.event.__name__}.TYPE: {flow.event.__name__},\n" for flow in FLOWS)
    parts.append(f"EVENTS: Mapping[str, type[EventData]] = {{\n{table}}}\n")
    return "\n\n".join(parts).encode()


def _structs(module: ModuleType) -> list[type[msgspec.Struct]]:
    """The structs a module defines, in the order it does."""
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__
    ]


def _written(kind: type[msgspec.Struct]) -> str:
    # What the linter is told here, it sees for itself there.
    text = re.sub(r"  # noqa: .*", "", inspect.getsource(kind))
    if issubclass(kind, Event):
        text = text.replace("(Event,", "(EventData,", 1).replace(
            "    SUBJECT: ClassVar", "    TYPE: ClassVar", 1
        )
    return text
