"""Paths of a form's fields: dotted names, items of lists by number from 0. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from libs.catalogue.forms import followed

PATH = re.compile(r"[a-z][a-z0-9_]{0,40}(\.[a-z0-9_]{1,40}){0,7}")


def in_schema(schema: Mapping[str, Any], path: str) -> bool:
    """Whether a form's schema has a field at the path; items of lists are numbered."""
    if not PATH.fullmatch(path):
        return False
    part = schema
    for name in path.split("."):
        part = followed(part, schema)
        inner = part.get("items") if name.isdigit() else part.get("properties", {}).get(name)
        if not isinstance(inner, Mapping):
            return False
        part = inner
    return True


def shown_path(path: str) -> str:
    """A path as it may be answered: what does not look like one could be anything."""
    return path if PATH.fullmatch(path) else "?"
