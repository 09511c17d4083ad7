"""What the owner of a matter is asked for an event: which endpoint, with which body. Pure."""

from typing import Any

import msgspec

from libs.contracts.partner import JSON, SAYING_OF, SOURCE_PREFIX, Saying, own_source
from libs.http.problems import FieldError, Problem
from services.gateway.inbound.cloudevent import InboundEvent
from services.gateway.inbound.owner_calls import OWNER_CALLS, OwnerCall, is_id, path_of
from services.gateway.partners.partner import Partner


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner is asked: where, and with which body."""

    call: OwnerCall
    path: str
    content: bytes
    media_type: str


def order_of(partner: Partner, event: InboundEvent) -> Order:
    """What the owner is asked for this event. Raises Problem 422."""
    call, saying = OWNER_CALLS.get(event.type), SAYING_OF.get(event.type)
    if call is None or saying is None:
        raise Problem(422, "type-unknown", "Không có loại sự kiện này", "Xem danh mục những gì đối tác báo.")
    if not own_source(event.source, partner.code):
        raise Problem(
            422,
            "source-not-yours",
            "Nguồn (source) không phải của đối tác này",
            f"Nguồn là {SOURCE_PREFIX}{partner.code}, hoặc một phần sau dấu / bên dưới.",
        )
    if event.media_type not in saying.media_types:
        message = f"Phải là {', '.join(saying.media_types)}"
        raise Problem(422, errors=[FieldError("datacontenttype", "not-in-list", message)])
    if call.about_dossier and not is_id(event.subject):
        message = "Phải là mã hồ sơ (UUID) mà sự kiện nói tới"
        raise Problem(422, errors=[FieldError("subject", "uuid", message)])
    return _order(call, saying, event)


def _order(call: OwnerCall, saying: Saying, event: InboundEvent) -> Order:
    dossier = event.subject.lower()
    named = {name: event.attributes.get(name, "") for name in saying.attributes}
    if saying.media_types != (JSON,):
        path = path_of(call, dossier, named)
        return Order(call=call, path=path, content=event.data, media_type=event.media_type)
    try:
        members = msgspec.json.decode(event.data or b"{}", type=dict[str, msgspec.Raw])
    except ValueError:
        raise Problem(422, errors=[FieldError("data", "type", "Giá trị phải là một đối tượng")]) from None
    for name in call.takes:
        named[name] = _text(members.pop(name, None))
    if call.told_dossier:
        if "dossier_id" in members:
            raise Problem(422, errors=[FieldError("dossier_id", "unknown-field", "Trường không được phép")])
        members["dossier_id"] = msgspec.Raw(msgspec.json.encode(dossier))
    path = path_of(call, dossier, named)
    if not call.body and members:
        raise Problem(422, errors=[FieldError("data", "unknown-field", "Sự kiện này không có dữ liệu")])
    return Order(
        call=call, path=path, content=msgspec.json.encode(members) if call.body else b"", media_type=JSON
    )


def _text(raw: msgspec.Raw | None) -> str:
    """A member that stands in the path; what is no text is refused as one that fits no path."""
    value: Any = msgspec.json.decode(raw) if raw is not None else ""
    return value if isinstance(value, str) else "?"
