"""Fills the texts of messages: placeholders from the occasions (events) and the dossier. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")

PLACEHOLDERS = frozenset(
    {"code", "procedure", "link", "appointment", "components", "respond_by", "day", "results"}
)

_DELIVERY_WORDS = {
    "hospital": "nhận tại {place}",
    "counter": "nhận tại {place}",
    "post": "gửi qua bưu chính",
    "electronic": "bản điện tử trong kho dữ liệu của bạn",
}


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """One event a message speaks of: its rule and the event's own fields (codes, times; never personal data)."""

    rule: str
    key: str
    facts: dict[str, Any]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What the texts need besides the occasions: the dossier's code, its procedure's name, the link, and name lists."""

    code: str
    procedure: str
    link: str
    results: Mapping[str, str]
    components: Mapping[str, str]
    places: Mapping[str, str]


def placeholders_of(text: str) -> set[str]:
    """The names between braces in a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def fill(text: str, occasions: Sequence[Occasion], words: Words) -> str:
    """The finished text. A placeholder nothing is known for becomes empty, never a brace for a citizen to read."""
    facts: dict[str, Any] = {}
    for occasion in occasions:
        facts.update(occasion.facts)
    values = {
        "code": words.code,
        "procedure": words.procedure,
        "link": words.link,
        "appointment": _moment(facts.get("appointment_at")),
        "respond_by": _moment(facts.get("respond_by")),
        "day": str(facts.get("day", "")),
        "components": _components(facts, words),
        "results": _results(occasions, words),
    }
    return " ".join(text.format_map(values).split())


def _components(facts: Mapping[str, Any], words: Words) -> str:
    codes = facts.get("components") or facts.get("missing") or ()
    return "; ".join(words.components.get(code, code) for code in codes)


def _results(occasions: Sequence[Occasion], words: Words) -> str:
    lines = []
    for occasion in occasions:
        code = occasion.facts.get("result")
        if not code:
            continue
        name = words.results.get(code, code)
        where = _DELIVERY_WORDS.get(str(occasion.facts.get("delivery", "")), "")
        place = words.places.get(str(occasion.facts.get("place", "")), "nơi đã chọn")
        lines.append(f"{name} ({where.format(place=place)})" if where else name)
    return "; ".join(dict.fromkeys(lines)) + "." if lines else ""


def _moment(value: Any) -> str:
    if not value:
        return ""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    local = moment.astimezone(LOCAL)
    return f"{local:%H:%M} ngày {local:%d/%m/%Y}"
