"""What a text of a declaration or a form may hold: how long it is, and no signs that a reader cannot see. Pure.

A name with a bidirectional override reads as another name, and a control character breaks the paper it is printed on.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from services.intake.births import BirthDeclaration, Problem
from services.intake.xml9_fields import FIELDS

# Fields XML9 knows have its maxima (Bảng 9); a father's are those of the mother, others those of an address.
NAME_LENGTH_MAX, TEXT_LENGTH_MAX = 255, 1024
_FREE = frozenset(rule.path for rule in FIELDS if rule.length_max is None)
_LENGTHS: Mapping[str, int] = {
    **{rule.path: rule.length_max for rule in FIELDS if rule.kind == "text" and rule.length_max},
    # A personal number in its place (since 2025-08-01) has no room in XML9.
    "mother.insurance_number": 12,
    "father.name": NAME_LENGTH_MAX,
}
# Control characters but line ends and tabs, and the signs that turn the direction of writing (Unicode UAX 9).
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
HIDDEN_VI = "Có ký tự điều khiển hoặc ký tự đổi chiều chữ, không đọc được khi in."


def text_problems(declaration: BirthDeclaration) -> Iterator[Problem]:
    """Texts of a declaration that are too long or hold hidden signs. What XML9 carries on unread (`extra`) is left."""
    for path, text in _texts(declaration, ""):
        if path.startswith("extra"):
            continue
        if _HIDDEN.search(text):
            yield Problem(field=path, code="hidden-sign", message_vi=HIDDEN_VI)
        longest = _LENGTHS.get(path, TEXT_LENGTH_MAX)
        if path not in _FREE and len(text) > longest:
            yield Problem(field=path, code="too-long", message_vi=f"Dài quá {longest} ký tự.")


def hidden_signs(data: Any, path: str = "") -> Iterator[Problem]:
    """Texts of a form that hold hidden signs; its schema says how long they may be."""
    for place, text in _texts(data, path):
        if _HIDDEN.search(text):
            yield Problem(field=place, code="hidden-sign", message_vi=HIDDEN_VI)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text with its path; lists count from 0."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _texts(getattr(value, field), f"{path}.{field}".lstrip("."))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}.{index}".lstrip("."))
