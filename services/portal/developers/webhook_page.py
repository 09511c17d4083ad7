"""One webhook: its settings and secret, a test event, what was sent to it, and sending again what was not taken."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused, Unavailable
from services.portal.developers.deliveries_wanted import ANY, NO_DOSSIER, SENT_CHOICES, WANTED, Wanted
from services.portal.developers.delivery_page import UNKNOWN, name_of
from services.portal.developers.door import INTEGRATOR, show
from services.portal.developers.event_list import CHOICES, EVENTS
from services.portal.developers.partner import partner_of
from services.portal.developers.webhook_list import (
    EVERYTHING,
    FIELDS,
    TYPED_WRONGLY,
    lacking,
    patterns,
    typed_of,
)
from services.portal.developers.webhooks import STATES_WANTED, Replay, Webhooks
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.refusals import reason_of, reasons_at
from services.portal.rendering import part
from services.portal.sessions import Person

router = APIRouter()
TEMPLATE = "webhook.html"
# Hours the old secret goes on signing; hours back from which is sent again.
OVERLAPS = (("24", "24 giờ"), ("1", "1 giờ"), ("72", "3 ngày"), ("0", "ngừng ngay"))
SINCE = (("1", "1 giờ qua"), ("24", "24 giờ qua"), ("72", "3 ngày qua"), ("720", "30 ngày qua"))
REPLAYS = {
    "recover": "Gửi lại những lần lỗi",
    "replay-missing": "Gửi những sự kiện chưa từng gửi",
}
DONE = {
    "luu": "Đã lưu.",
    "bat": "Đã bật webhook.",
    "tat": "Đã tạm dừng webhook. Sự kiện vẫn được giữ.",
    # The gateway was away, or the receiver lets it wait: from here the two look the same.
    UNKNOWN: "Chưa rõ đã gửi được hay chưa. Hãy xem ở Các lần gửi sau ít giây, nếu không thấy lần gửi này thì gửi lại.",
}
DELETED = "/dev/webhook?xong=xoa"


@router.get("/dev/webhook/{endpoint}")
async def webhook(
    request: Request,
    endpoint: UUID,
    person: INTEGRATOR,
    wanted: WANTED,
    xong: str = "",
    truoc: str = "",
    phat_lai: UUID | None = None,
) -> Response:
    """The whole of it, with the deliveries that are looked for, before a place in the list."""
    replay = await Webhooks(person).replayed(endpoint, phat_lai) if phat_lai else None
    problems = [NO_DOSSIER] if wanted.misread else []
    return await _show(
        request,
        person,
        endpoint,
        problems=problems,
        done=DONE.get(xong, ""),
        wanted=wanted,
        before=truoc,
        replay=replay,
    )


@router.post("/dev/webhook/{endpoint}")
async def change(request: Request, endpoint: UUID, person: INTEGRATOR) -> Response:
    """Save its settings, or pause and resume it."""
    form = await form_of(request, person.csrf)
    webhooks, key = Webhooks(person), text_of(form, "khoa")
    if wanted := text_of(form, "bat-tat"):
        await webhooks.set(endpoint, enabled=wanted == "bat", key=key)
        return _back(endpoint, "bat" if wanted == "bat" else "tat")
    typed = typed_of({name: text_of(form, name) for name in FIELDS.values()})
    problems = lacking(typed)
    if not problems:
        try:
            await webhooks.set(
                endpoint,
                url=typed["dia-chi"],
                types=patterns(typed["loai"]),
                description=typed["mo-ta"],
                key=key,
            )
        except Refused as refused:
            if refused.status not in TYPED_WRONGLY:
                raise
            problems = reasons_at(refused, FIELDS, "dia-chi")
    if problems:
        return await _show(request, person, endpoint, status=422, problems=problems, typed=typed)
    return _back(endpoint, "luu")


@router.post("/dev/webhook/{endpoint}/xoa")
async def delete(request: Request, endpoint: UUID, person: INTEGRATOR) -> Response:
    """Forget it."""
    form = await form_of(request, person.csrf)
    await Webhooks(person).delete(endpoint, key=text_of(form, "khoa"))
    return RedirectResponse(DELETED, 303)


@router.post("/dev/webhook/{endpoint}/bi-mat")
async def rotate(request: Request, endpoint: UUID, person: INTEGRATOR) -> Response:
    """A new secret, in this answer and nowhere else."""
    form = await form_of(request, person.csrf)
    hours = text_of(form, "chong")
    webhooks = Webhooks(person)
    overlap = int(hours) if hours in dict(OVERLAPS) else int(OVERLAPS[0][0])
    secret = await webhooks.rotate(endpoint, overlap, key=text_of(form, "khoa"))
    found = await webhooks.one(endpoint)
    return show(request, "secret.html", person, endpoint=found, secret=secret, rotated=True)


@router.post("/dev/webhook/{endpoint}/thu")
async def test(request: Request, endpoint: UUID, person: INTEGRATOR) -> Response:
    """Send a test event, and show how it went."""
    form = await form_of(request, person.csrf)
    type_ = text_of(form, "loai-thu")
    given = type_ if type_ in EVENTS else ""
    try:
        delivery = await Webhooks(person).test(endpoint, given, key=text_of(form, "khoa"))
    except Refused as refused:
        return await _refused(request, person, endpoint, refused)
    except Unavailable:
        return _back(endpoint, UNKNOWN)
    return RedirectResponse(f"/dev/webhook/{endpoint}/lan-gui/{delivery.event_id}?xong=thu", 303)


@router.post("/dev/webhook/{endpoint}/gui-lai")
async def again(request: Request, endpoint: UUID, person: INTEGRATOR) -> Response:
    """Send again what failed, or what was never sent, since some time ago."""
    form = await form_of(request, person.csrf)
    kind, since = _replay_of(form)
    try:
        replay = await Webhooks(person).replay(endpoint, kind, since, key=text_of(form, "khoa"))
    except Refused as refused:
        return await _refused(request, person, endpoint, refused)
    return RedirectResponse(f"/dev/webhook/{endpoint}?phat_lai={replay.id}", 303)


@router.get("/dev/webhook/{endpoint}/phat-lai/{replay}")
async def progress(
    request: Request,
    endpoint: UUID,
    replay: UUID,
    person: INTEGRATOR,
    wanted: WANTED,
    truoc: str = "",
    het: str = "",
) -> Response:
    """How far sending again has got, and what has changed with it on the page that waits for it.

    When it is done the page asks once more, for the `het`: the endpoint's own times are noted a little later.
    """
    # Before the deliveries: what it says is done has its outcome among them.
    found = await Webhooks(person).replayed(endpoint, replay)
    standing = await _standing(person, endpoint, wanted, truoc)
    return part(
        request,
        f"developers/{TEMPLATE}",
        "progress",
        person,
        replay=found,
        refreshed=True,
        last=bool(het),
        **standing,
    )


def _back(endpoint: UUID, done: str) -> Response:
    return RedirectResponse(f"/dev/webhook/{endpoint}?xong={done}", 303)


def _replay_of(form: FormData) -> tuple[str, datetime]:
    kind, hours = text_of(form, "cach"), text_of(form, "tu-luc")
    back = int(hours) if hours in dict(SINCE) else int(SINCE[0][0])
    return kind if kind in REPLAYS else "recover", datetime.now(UTC) - timedelta(hours=back)


async def _refused(request: Request, person: Person, endpoint: UUID, refused: Refused) -> Response:
    if refused.status in (401, 404):
        raise refused
    problems = [("", reason_of(refused).rstrip("."))]
    return await _show(request, person, endpoint, status=refused.status, problems=problems)


async def _show(
    request: Request,
    person: Person,
    endpoint: UUID,
    *,
    status: int = 200,
    problems: list[tuple[str, str]] | None = None,
    typed: Mapping[str, str] | None = None,
    done: str = "",
    wanted: Wanted = ANY,
    before: str = "",
    replay: Replay | None = None,
) -> Response:
    standing = await _standing(person, endpoint, wanted, before)
    found = standing["endpoint"]
    saved = {
        "dia-chi": found.url,
        "loai": "\n".join(found.types) or EVERYTHING,
        "mo-ta": found.description,
    }
    return show(
        request,
        TEMPLATE,
        person,
        status=status,
        problems=problems or [],
        typed=typed or saved,
        done=done,
        states=STATES_WANTED,
        replay=replay,
        refreshed=False,
        last=False,
        since=SINCE,
        overlaps=OVERLAPS,
        event_types=CHOICES,
        sent_types=SENT_CHOICES,
        to_loopback=(await partner_of(person)).webhooks_to_loopback,
        **standing,
    )


async def _standing(person: Person, endpoint: UUID, wanted: Wanted, before: str) -> dict[str, Any]:
    """What changes while somebody looks: how it stands, what holds it up, and its deliveries."""
    webhooks = Webhooks(person)
    found = await webhooks.one(endpoint)
    listed = await webhooks.deliveries(
        endpoint, state=wanted.state, type_=wanted.type, dossier=wanted.dossier, before=before
    )
    failed = [each for each in listed.deliveries if each.failing]
    return {
        "endpoint": found,
        "endpoint_id": endpoint,
        "refused": await webhooks.delivery(endpoint, found.failing_event) if found.failing_event else None,
        "deliveries": listed.deliveries,
        "older": listed.before,
        "wanted": wanted,
        "before": before,
        # The oldest of those on the page: with it the trouble began.
        "first_failed": min(failed, key=lambda each: each.occurred_at).event_id if failed else None,
        "name_of": name_of,
        "replays": REPLAYS,
    }
