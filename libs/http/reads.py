"""Reads of people's data: every one has a purpose and leaves a row (blueprint 4; Luật 91/2025/QH15).

purpose = purpose_of(request)
async with writer.transaction() as connection:
    file = await store.file(connection, dossier_id)
    await record_reads(connection, actor, purpose, "dossier", [dossier_id])
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request

from libs.http.auth import Actor
from libs.http.problems import Problem

HEADER = "X-Purpose"

# Code → what it means to the citizen who asks who looked at their file.
PURPOSES: Mapping[str, str] = {
    "settle-step": "Giải quyết bước được giao trong hồ sơ",
    "check-dossier": "Kiểm tra, tiếp nhận hồ sơ tại bộ phận một cửa",
    "supplement": "Yêu cầu hoặc tiếp nhận bổ sung hồ sơ",
    "make-document": "Lập giấy tờ kết quả",
    "hand-over": "Trả kết quả cho người nhận",
    "bedside": "Theo dõi mẹ và bé đang nằm viện nơi khai sinh",
    "search": "Tìm hồ sơ theo mã, số giấy tờ, số điện thoại hoặc họ tên",
    "notify": "Gửi thông báo cho người dân",
    "revoke": "Thu hồi hoặc thay thế kết quả",
    "answer-citizen": "Trả lời câu hỏi của người dân về hồ sơ của họ",
    "audit": "Thanh tra, kiểm tra theo thẩm quyền",
}


def purpose_of(request: Request, allowed: Collection[str] = tuple(PURPOSES)) -> str:
    """The purpose the caller states in X-Purpose. Raises Problem 400 when it is missing or not among `allowed`."""
    purpose = request.headers.get(HEADER, "")
    if purpose in allowed:
        return purpose
    raise Problem(
        400,
        "purpose-required",
        "Thiếu mục đích truy cập dữ liệu",
        f"Tiêu đề {HEADER} phải là một trong các mã được phép.",
        extra={"allowed": sorted(allowed)},
    )


async def record_reads(
    connection: Any, actor: Actor, purpose: str, what: str, dossier_ids: Sequence[UUID]
) -> None:
    """Add one row per dossier read, in the caller's transaction. `what` names the kind of data, e.g. "people"."""
    if not dossier_ids:
        return
    await connection.execute(
        """
        INSERT INTO http.read_log (actor_kind, actor, agency, purpose, what, dossier_id)
        SELECT $1, $2, $3, $4, $5, unnest($6::uuid[])
        """,
        actor.kind,
        actor.subject,
        actor.agency,
        purpose,
        what,
        list(dict.fromkeys(dossier_ids)),
    )
