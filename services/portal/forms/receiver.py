"""Who receives results, as the bed's and the counter's page ask it: one set of boxes, one body for results. Pure."""

from collections.abc import Mapping

from libs.http.client import Refused
from services.portal.forms.reading import Problems

MISMATCHES = (
    ("document-renewed", "Đã đổi giấy tờ tùy thân"),
    ("dossier-misspelt", "Hồ sơ ghi sai"),
    ("other", "Lý do khác"),
)
FAMILY = (
    ("mother", "Mẹ"),
    ("father", "Cha"),
    ("authorised", "Người được ủy quyền"),
    ("guardian", "Người giám hộ"),
    ("relative", "Người thân thích"),
)
# Member of results' receiver → box of the page.
BOXES: Mapping[str, str] = {
    "name": "ho-ten",
    "identity_number": "so-giay-to",
    "relation": "quan-he",
    "authorisation": "uy-quyen",
    "evidence": "giay-chung-minh",
    "mismatch": "ly-do",
}
# Field of results' problems → box of the page.
PLACES: Mapping[str, str] = {f"receiver.{member}": box for member, box in BOXES.items()}


def receiver_of(typed: Mapping[str, str]) -> dict[str, str]:
    """The receiver as results takes it, from what was typed."""
    return {member: typed.get(box, "") for member, box in BOXES.items()}


def lacking(typed: Mapping[str, str], chosen: list[str], relations: Mapping[str, str]) -> Problems:
    """What is missing before results is asked; `relations` are those the page offers."""
    problems: Problems = [] if chosen else [("ket-qua", "Hãy chọn kết quả để trao.")]
    if not typed.get("ho-ten"):
        problems.append(("ho-ten", "Hãy quét thẻ hoặc ghi họ tên người nhận."))
    if typed.get("quan-he", "") not in relations:
        problems.append(("quan-he", "Hãy chọn người nhận là ai trong hồ sơ."))
    if typed.get("ly-do", "") not in ("", *dict(MISMATCHES)):
        problems.append(("ly-do", "Hãy chọn lý do trong danh sách."))
    return problems


def card_differs(refused: Refused) -> bool:
    """Whether results refused because the card and the dossier do not say the same."""
    return any(error.code == "mismatch" for error in refused.told.errors)
