"""Fills the texts of messages: placeholders from the occasions (events) and the dossier. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import Any

import msgspec

from libs.catalogue.calendar import VIETNAM

PLACEHOLDERS = frozenset(
    {
        "code",
        "procedure",
        "link",
        "desk",
        "received",
        "appointment",
        "components",
        "respond_by",
        "day",
        "results",
        "arrived",
        "granted",
        "refused",
        "reason",
    }
)

_DENIED = ("refused", "stopped")

_DELIVERY_WORDS = {
    "hospital": "nhận tại {place}",
    "counter": "nhận tại {place}",
    "post": "gửi qua bưu chính",
    "electronic": "bản điện tử, tải về bằng mã tra cứu và 4 ký tự cuối của số giấy tờ hoặc số điện thoại",
}
# Of what somebody has already: where it was given, nothing to be done any more.
_HANDED_OVER_WORDS = {
    "hospital": "tại {place}",
    "counter": "tại {place}",
    "post": "qua bưu chính",
    "electronic": "bản điện tử",
}


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """One event a message speaks of: its rule and the event's own fields (codes, times; never personal data)."""

    rule: str
    key: str
    facts: dict[str, Any]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What the texts need besides the occasions: the dossier's code, its procedure's name, the link, and name lists.

    `desk` is the one-stop shop that answers for the dossier; `fields` are the labels of form fields by path.
    `reasons` are those for which a step or a dossier may be refused or stopped.
    """

    code: str
    procedure: str
    link: str
    desk: str
    results: Mapping[str, str]
    components: Mapping[str, str]
    fields: Mapping[str, str]
    places: Mapping[str, str]
    steps: Mapping[str, str] = {}
    reasons: Mapping[str, str] = {}


def placeholders_of(text: str) -> set[str]:
    """The names between braces in a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def fill(text: str, occasions: Sequence[Occasion], words: Words) -> str:
    """The finished text. A placeholder nothing is known for becomes empty, never a brace for a citizen to read.

    Of a fact that several occasions state, such as an appointment, the latest holds.
    """
    facts: dict[str, Any] = {}
    for occasion in occasions:
        facts.update(occasion.facts)
    values = {
        "code": words.code,
        "procedure": words.procedure,
        "link": words.link,
        "desk": words.desk,
        "received": moment_words(facts.get("received_at")),
        "appointment": moment_words(facts.get("appointment_at")),
        "respond_by": moment_words(facts.get("respond_by")),
        "day": str(facts.get("day", "")),
        "components": _wanted(facts, words),
        "results": _results(occasions, words),
        "arrived": _arrived(occasions, words),
        "granted": _granted(occasions, words),
        "refused": _refused(occasions, words),
        "reason": _reason(occasions, words),
    }
    return " ".join(text.format_map(values).split())


def _wanted(facts: Mapping[str, Any], words: Words) -> str:
    """The papers and the form fields that are missing."""
    papers = facts.get("components") or facts.get("missing") or ()
    names = [words.components.get(code, code) for code in papers]
    for path in facts.get("fields") or ():
        label = words.fields.get(path)
        names.append(f"thông tin “{label}”" if label else "thông tin trong tờ khai")
    return "; ".join(dict.fromkeys(names))


def _results(occasions: Sequence[Occasion], words: Words) -> str:
    """The results the occasions speak of, each with where it is to be had."""
    return _sentence(_name(o, words) for o in occasions if o.facts.get("result"))


def _arrived(occasions: Sequence[Occasion], words: Words) -> str:
    """The same as a sentence of its own, for texts that speak of something else; empty when there is none."""
    results = _results(occasions, words)
    return f"Kết quả đã có: {results}" if results else ""


def _granted(occasions: Sequence[Occasion], words: Words) -> str:
    """The results the latest settlement granted, those that have arrived with where they are to be had.

    A refused step names results too: those that will not be issued.
    """
    settlements = [o.facts.get("results") for o in occasions if o.facts.get("settled_at")]
    if not settlements or not settlements[-1]:
        return ""
    arrived = {o.facts["result"]: _name(o, words) for o in occasions if o.facts.get("result")}
    names = (arrived.get(code, words.results.get(code, code)) for code in settlements[-1])
    return f"Kết quả được cấp: {_sentence(names)}"


def _name(occasion: Occasion, words: Words) -> str:
    """A result's name, and how it is received where the occasion says so."""
    facts = occasion.facts
    name = words.results.get(facts["result"], facts["result"])
    ways = _HANDED_OVER_WORDS if facts.get("handed_over_at") else _DELIVERY_WORDS
    where = ways.get(str(facts.get("delivery", "")), "")
    place = words.places.get(str(facts.get("place", "")), "nơi đã chọn")
    return f"{name} ({where.format(place=place)})" if where else name


def _sentence(names: Iterable[str]) -> str:
    text = "; ".join(dict.fromkeys(names))
    return f"{text}." if text else ""


def _refused(occasions: Sequence[Occasion], words: Words) -> str:
    """The names of the steps that will not be done, those that fall with another after it."""
    steps = [
        step
        for occasion in occasions
        if occasion.facts.get("outcome") in _DENIED and occasion.facts.get("step")
        for step in (occasion.facts["step"], *occasion.facts.get("dropped", ()))
    ]
    return "; ".join(dict.fromkeys(words.steps.get(step, step) for step in steps))


def _reason(occasions: Sequence[Occasion], words: Words) -> str:
    """Why, as a sentence; empty when the catalogue has no words for it."""
    codes = [str(o.facts.get("reason", "")) for o in occasions if o.facts.get("outcome") in _DENIED]
    told = dict.fromkeys(words.reasons[code] for code in codes if code in words.reasons)
    return f"Lý do: {'; '.join(told)}." if told else ""


def moment_words(value: Any) -> str:
    """A moment as letters write it, on Vietnam's clock; empty for none."""
    if not value:
        return ""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    local = moment.astimezone(VIETNAM)
    return f"{local:%H:%M} ngày {local:%d/%m/%Y}"
