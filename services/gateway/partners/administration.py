"""What administrators do to partners: each deed is checked, done and audited in the caller's transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from libs.catalogue import Catalogue
from libs.catalogue.errors import UnknownAgency
from libs.http.problems import FieldError, Problem
from services.gateway.partners import partner_store
from services.gateway.partners.keys import public_key, thumbprint
from services.gateway.partners.partner import (
    ACTIVE,
    CODE,
    READER,
    REVOKED,
    SUSPENDED,
    Partner,
    address_in,
    is_pattern,
)

CONTACT_MAX = 320
LAST_KEY = "last-key"
_DEEDS = {ACTIVE: "resumed", SUSPENDED: "suspended", REVOKED: "revoked"}


class By(msgspec.Struct, frozen=True):
    """Who does it, and from where."""

    who: str
    came_from: str


def checked(partner: Partner, catalogue: Catalogue) -> Partner:
    """A new partner whose agency, roles and scope exist and whose contact can be told; its facility is the agency's.

    Raises Problem 422.
    """
    wrong: list[FieldError] = []
    if not CODE.fullmatch(partner.code):
        wrong.append(FieldError("code", "invalid", "Mã gồm 2 đến 63 chữ thường không dấu, số và dấu -"))
    if not (1 <= len(partner.name_vi) <= 200 and partner.name_vi.isprintable()):
        wrong.append(FieldError("name", "invalid", "Tên dài từ 1 đến 200 ký tự"))
    facility = ""
    if partner.agency:
        try:
            agency = catalogue.agency(partner.agency)
        except UnknownAgency:
            wrong.append(FieldError("agency", "unknown", "Không có đơn vị này"))
        else:
            facility = agency.facility_code
            if set(partner.roles) - set(agency.roles):
                wrong.append(
                    FieldError("roles", "not-of-agency", "Đơn vị không có thẩm quyền của vai trò này")
                )
    elif partner.roles:
        wrong.append(FieldError("roles", "agency-missing", "Vai trò phải thuộc một đơn vị"))
    wrong += _wrong_contact(partner.contact) + _wrong_scope(partner.types, partner.reads)
    if wrong:
        raise Problem(422, errors=wrong)
    return msgspec.structs.replace(partner, facility=facility, roles=tuple(sorted(set(partner.roles))))


async def add(conn: Any, partner: Partner, by: By) -> None:
    """Keep a new partner. Raises Problem 409 when there is one of this code."""
    if not await partner_store.insert(conn, partner):
        raise Problem(409, "partner-exists", "Mã đối tác đã được dùng")
    acts = " ".join(filter(None, (partner.agency, partner.facility, *partner.roles)))
    await _audit(conn, partner.code, "added", by, f"{acts or '-'}; {_scope(partner.types, partner.reads)}")


async def change_scope(conn: Any, code: str, types: Sequence[str], reads: Sequence[str], by: By) -> None:
    """Let it read these types of these dossiers from now on. Raises Problem 404 or 422."""
    if wrong := _wrong_scope(types, reads):
        raise Problem(422, errors=wrong)
    await known(conn, code)
    await partner_store.set_scope(conn, code, types, reads)
    await _audit(conn, code, "scope-changed", by, _scope(types, reads))


async def change_contact(conn: Any, code: str, contact: str, by: By) -> None:
    """Who is told from now on when events cannot be brought to the partner. Raises Problem 404 or 422."""
    if wrong := _wrong_contact(contact):
        raise Problem(422, errors=wrong)
    await known(conn, code)
    await partner_store.set_contact(conn, code, contact)
    # Whose address it was and is stands with the partner, not in its audit.
    await _audit(conn, code, "contact-changed", by)


async def add_key(
    conn: Any, code: str, written: str, by: By, *, kid: str = "", not_after: datetime | None = None
) -> str:
    """Add a public key (JWK or PEM) and return its kid. Raises Problem 404, 409 or 422.

    A key the partner has, or had, is not added under another kid: what is ended because it leaked stays ended.
    """
    partner = await known(conn, code)
    if partner.state == REVOKED:
        raise Problem(409, "partner-revoked", "Đối tác đã bị thu hồi quyền")
    kid, jwk = public_key(written, kid)
    mark = thumbprint(jwk)
    same = next((key for key in partner.keys if thumbprint(key.jwk) == mark), None)
    if same is not None and not partner.has_key(kid):
        raise Problem(
            409,
            "key-known",
            f"Đối tác đã đăng ký chính khóa này, với mã {same.kid}",
            "" if same.counts(datetime.now(UTC)) else "Khóa đó đã ngừng dùng: hãy tạo cặp khóa mới.",
            extra={"kid": same.kid},
        )
    if not await partner_store.add_key(conn, code, kid, jwk, not_after):
        raise Problem(409, "key-exists", "Đối tác đã có khóa với mã này")
    await _audit(conn, code, "key-added", by, kid)
    return kid


async def retire_key(conn: Any, code: str, kid: str, by: By, *, even_last: bool = False) -> None:
    """End a key, and within ten seconds the tokens it has got. Raises Problem 404.

    Raises Problem 409 for the last key that counts, after which nothing of the partner's gets in, unless `even_last`.
    """
    partner = await known(conn, code)
    if not even_last and partner.is_last_key(kid, datetime.now(UTC)):
        raise Problem(
            409,
            LAST_KEY,
            "Đây là khóa duy nhất còn dùng được",
            "Hãy thêm một khóa khác trước, rồi mới ngừng dùng khóa này.",
        )
    if not await partner_store.retire_key(conn, code, kid):
        raise Problem(404, "key-not-found", "Không tìm thấy khóa còn dùng với mã này")
    await _audit(conn, code, "key-retired", by, kid)


async def set_state(conn: Any, code: str, state: str, by: By) -> None:
    """Suspend, let go on, or revoke for ever. Raises Problem 404, or 409 for a partner that was revoked."""
    partner = await known(conn, code)
    if partner.state == REVOKED:
        raise Problem(409, "partner-revoked", "Đối tác đã bị thu hồi quyền")
    await partner_store.set_state(conn, code, state)
    await _audit(conn, code, _DEEDS[state], by)


async def known(conn: Any, code: str) -> Partner:
    """The partner, locked. Raises Problem 404."""
    partner = await partner_store.find(conn, code, lock=True)
    if partner is None:
        raise Problem(404, "partner-not-found", "Không tìm thấy đối tác")
    return partner


def _wrong_contact(contact: str) -> list[FieldError]:
    if len(contact) > CONTACT_MAX or not contact.isprintable():
        return [FieldError("contact", "invalid", f"Liên hệ dài tối đa {CONTACT_MAX} ký tự")]
    if contact and not address_in(contact):
        return [FieldError("contact", "no-address", "Liên hệ phải có một địa chỉ thư điện tử, hoặc để trống")]
    return []


def _wrong_scope(types: Sequence[str], reads: Sequence[str]) -> list[FieldError]:
    wrong = [
        FieldError("types", "unknown", f"Không có loại sự kiện nào là {pattern}")
        for pattern in types
        if not is_pattern(pattern)
    ]
    return wrong + [
        FieldError("reads", "invalid", "Phạm vi là facility/<mã>, agency/<mã>, unit/<mã> hoặc *")
        for reader in reads
        if not READER.fullmatch(reader)
    ]


def _scope(types: Sequence[str], reads: Sequence[str]) -> str:
    return f"{','.join(types) or '-'} of {','.join(reads) or '-'}"


async def _audit(conn: Any, code: str, what: str, by: By, detail: str = "") -> None:
    await partner_store.audit(conn, code, what, who=by.who, came_from=by.came_from, detail=detail)
