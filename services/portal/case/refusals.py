"""Why the services would not do it, in the words and at the fields of the page. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from libs.http.client import Refused
from services.portal.forms.reading import PREFIX, Problems
from services.portal.sessions import Person
from services.portal.wording import day_and_clock

FIELDS = {
    "reason": "ly-do",
    "note": "ghi-chu",
    "explanation": "ghi-chu",
    "to": "co-quan",
    "agency": "lua-chon",
    "option": "lua-chon",
    "value": "lua-chon",
    "appointment_at": "ngay-hen",
    "components": "giay-to",
    "fields": "muc",
}


# A supplement names data by their place among those it hands in.
_ENTRY = re.compile(r"fields\[(\d{1,3})\]")


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed the step meanwhile, as a refusal tells it."""

    at: datetime | None = None
    by: str = ""


def changed_by(refused: Refused) -> str:
    """The login of who changed the step meanwhile; empty when the refusal is of another kind or does not tell."""
    return _change(refused).by if refused.slug == "version-changed" else ""


def notice_of(refused: Refused, person: Person, names: Mapping[str, str]) -> str:
    """The sentence above the panel: who was first (by name) and when, and that nothing typed is lost."""
    told = refused.told.detail or refused.told.title or "Không thực hiện được."
    if refused.slug != "version-changed":
        return told
    change = _change(refused)
    who = "cán bộ của cơ quan khác"
    if change.by:
        mine = change.by == person.account.login
        who = "chính ông/bà, ở một cửa sổ khác" if mine else names.get(change.by, change.by)
    when = f" lúc {day_and_clock(change.at)}" if change.at else ""
    return (
        f"Bước này vừa được thay đổi bởi {who}{when}. "
        "Tình trạng mới hiện ở trên; nội dung ông/bà đã nhập vẫn còn bên dưới."
    )


def _change(refused: Refused) -> _Change:
    try:
        return msgspec.json.decode(refused.answer, type=_Change)
    except msgspec.MsgspecError:
        return _Change()


def problems_of(refused: Refused, sent: Mapping[str, Any]) -> Problems:
    """The fields that are wrong in what was `sent`; what has no field of its own stands above all."""
    errors = [(_field(error.field, sent), error.message) for error in refused.told.errors]
    if not errors and refused.status == 422:
        errors = [("", refused.told.detail or refused.told.title)]
    return errors


def _field(path: str, sent: Mapping[str, Any]) -> str:
    """The name of the page's field for a place in what was sent."""
    entry = _ENTRY.match(path)
    entries = sent.get("fields", ())
    if entry and int(entry[1]) < len(entries) and isinstance(entries[int(entry[1])], dict):
        return f"{PREFIX}{entries[int(entry[1])]['path']}"
    first = path.partition("[")[0].partition(".")[0]
    if first == "outcome":
        return PREFIX + path.partition(".")[2]
    if first in FIELDS:
        return FIELDS[first]
    # Of a correction the services name the place in the file.
    return PREFIX + path if path and not path.startswith("changes") else ""
