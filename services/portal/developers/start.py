"""The first page: the way to a verified webhook in five minutes, which knows what of it is done."""

import asyncio
from datetime import UTC, datetime

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.portal.developers.door import is_sandbox, show
from services.portal.developers.event_list import EVENTS
from services.portal.developers.partner import Audit, Partner, audit_of, partner_of
from services.portal.developers.webhooks import Endpoint, Webhooks, troubled
from services.portal.sessions import visitor

router = APIRouter()
BIRTH_MADE = "sandbox-birth"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the way; `done` None where nobody can know."""

    name: str
    about: str
    address: str
    link: str
    done: bool | None = None


def steps(
    partner: Partner | None, endpoints: tuple[Endpoint, ...], audit: Audit, *, sandbox: bool, now: datetime
) -> list[Step]:
    """The way, as far as it has been gone. Pure."""
    signed_in = partner is not None
    found = [
        Step(
            name="Đăng nhập",
            about="Bằng tài khoản tích hợp do người vận hành của thành phố cấp, có mã xác thực.",
            address="/dev" if signed_in else "/dang-nhap?tiep=/dev",
            link="Đã đăng nhập" if signed_in else "Đăng nhập",
            done=signed_in,
        ),
        Step(
            name="Chọn sự kiện",
            about=f"{len(EVENTS)} loại sự kiện, mỗi loại nói rõ đã xảy ra gì và chưa quyết định gì.",
            address="/dev/su-kien",
            link="Xem danh mục sự kiện",
        ),
        Step(
            name="Thêm webhook",
            about="Địa chỉ https của chương trình nhận. Khóa bí mật hiện một lần, hãy chép ngay.",
            address="/dev/webhook",
            link="Thêm webhook",
            done=bool(endpoints),
        ),
        Step(
            name="Kiểm chữ ký",
            about="Mười dòng mã, hoặc thư viện standardwebhooks. Không khớp thì trang Kiểm chữ ký nói vì sao.",
            address="/dev/mau",
            link="Xem mã mẫu",
        ),
        Step(
            name="Gửi sự kiện thử",
            about="Từ trang của webhook. Chương trình trả lời 2xx thì lần gửi hiện là Đã nhận.",
            address=f"/dev/webhook/{endpoints[0].id}#gui-thu" if endpoints else "/dev/webhook",
            link="Gửi sự kiện thử",
            done=any(endpoint.last_success_at for endpoint in endpoints),
        ),
    ]
    if sandbox and (partner is None or partner.declares_births):
        found.append(
            Step(
                name="Tạo một ca sinh thử",
                about="Người không có thật, sự kiện thật: xem cả hồ sơ đi qua phường, công an, bảo hiểm.",
                address="/dev/thu",
                link="Tạo ca sinh thử",
                done=any(deed.what == BIRTH_MADE for deed in audit.deeds),
            )
        )
    found.append(
        Step(
            name="Thêm khóa công khai",
            about="Khi hệ thống tự gọi API: đọc luồng sự kiện, khai báo sinh, làm bước của mình.",
            address="/dev/khoa",
            link="Thêm khóa",
            done=partner is not None and any(key.counts(now) for key in partner.keys),
        )
    )
    return found


@router.get("/dev")
async def start(request: Request) -> Response:
    """Where to begin; for somebody of a partner with what is done already."""
    person = await visitor(request)
    partner: Partner | None = None
    endpoints: tuple[Endpoint, ...] = ()
    audit = Audit()
    if person is not None and person.account.partner:
        partner, endpoints, audit = await asyncio.gather(
            partner_of(person), Webhooks(person).listed(), audit_of(person)
        )
    return show(
        request,
        "start.html",
        person,
        partner=partner,
        troubled=troubled(endpoints),
        steps=steps(partner, endpoints, audit, sandbox=is_sandbox(request), now=datetime.now(UTC)),
        types=len(EVENTS),
    )
