"""The words of a dossier's page: how its deadline stands, what happened to it, what was just done. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from libs.catalogue import Catalogue, UnknownAgency
from services.portal.case.answers import CaseView, CustodyAct, Deadline, Result
from services.portal.early import early_days
from services.portal.wording import Tag

WORKING_DAY_MINUTES = 8 * 60
# Terms in hours of the clock go on at night.
CLOCK_HOURS = "hour"
CHANNELS: Mapping[str, str] = {
    "hospital": "tại bệnh viện",
    "counter": "tại quầy một cửa",
    "online": "trực tuyến",
    "partner": "từ hệ thống khác",
    "post": "qua bưu chính",
}
DELIVERIES: Mapping[str, str] = {
    "hospital": "trả tại bệnh viện",
    "counter": "trả tại quầy",
    "post": "gửi qua bưu chính",
    "electronic": "bản điện tử",
}
# States of other agencies' steps, of which only the state is told.
STEP_STATES: Mapping[str, str] = {
    "waiting": "chờ bước trước",
    "assigned": "chờ xử lý",
    "started": "đang xử lý",
    "completed": "đã hoàn thành",
    "returned": "bị trả lại, chờ phân công",
    "cancelled": "không thực hiện",
}
CUSTODY: Mapping[str, str] = {
    "dispatch": "Chuyển kết quả đi",
    "arrive": "Nhận kết quả về nơi trả",
    "hand-over": "Trả kết quả",
    "revoke": "Thu hồi kết quả",
    "supersede": "Thay kết quả bằng bản mới",
    "redirect": "Đổi cách nhận theo yêu cầu của gia đình",
    "redirect-refused": "Không đổi được cách nhận theo yêu cầu của gia đình",
}
# Who took a result, how their right was established, and why what they showed differs: codes of results' custody.
RECEIVERS: Mapping[str, str] = {
    "mother": "Mẹ",
    "father": "Cha",
    "applicant": "Người nộp hồ sơ",
    "guardian": "Người giám hộ",
    "relative": "Người thân thích",
    "authorised": "Người được ủy quyền",
    "carrier": "Đơn vị vận chuyển",
}
CHECKS: Mapping[str, str] = {
    "identity-number": "số giấy tờ tùy thân trùng với hồ sơ",
    "name-and-paper": "họ tên trùng với hồ sơ, nhận diện bằng giấy tờ",
    "authorisation": "giấy tờ tùy thân và văn bản ủy quyền",
    "guardianship": "giấy tờ tùy thân và giấy tờ về việc giám hộ",
    "carrier-proof": "giấy báo phát của đơn vị vận chuyển",
    "officer-responsibility": "khác với hồ sơ, người trao xác nhận và chịu trách nhiệm",
}
MISMATCHES: Mapping[str, str] = {
    "document-renewed": "giấy tờ tùy thân đã được cấp lại, đổi số",
    "dossier-misspelt": "hồ sơ ghi chưa đúng",
    "other": "lý do khác",
}
HANDED_TO = re.compile(rf"({'|'.join(RECEIVERS)}): ({'|'.join(CHECKS)})(?: \(({'|'.join(MISMATCHES)})\))?")
# What is said after an act; the undo that takes it back, and the paper that goes with it.
DONE: Mapping[str, str] = {
    "start": "Đã bắt đầu xử lý.",
    "complete": "Đã hoàn thành bước, kết quả đã được ghi.",
    "amend": "Đã sửa kết quả; giấy tờ sẽ được lập lại.",
    "return": "Đã chuyển trả bước.",
    "supplement-request": "Đã yêu cầu bổ sung; thời hạn tạm dừng cho đến khi nhận đủ.",
    "refuse": "Đã từ chối; người nộp sẽ được báo lý do.",
    "pause": "Đã tạm dừng thời hạn.",
    "resume": "Thời hạn được tính tiếp.",
    "finding": "Đã ghi kết luận.",
    "assign": "Đã phân công cơ quan giải quyết.",
    "sign-apology": "Đã ký văn bản xin lỗi và hẹn lại.",
    "accept": "Đã tiếp nhận hồ sơ.",
    "not-accept": "Đã từ chối tiếp nhận hồ sơ.",
    "withdraw": "Đã ghi nhận việc rút hồ sơ.",
    "correct": "Đã sửa thông tin hồ sơ.",
    "supply": "Đã ghi nhận nội dung bổ sung.",
    "undo-start": "Đã hoàn tác: bước chờ xử lý như trước.",
    "undo-return": "Đã hoàn tác việc chuyển trả.",
    "undo-pause": "Đã hoàn tác việc tạm dừng thời hạn.",
    "undo-supplement-request": "Đã thu hồi yêu cầu bổ sung; người nộp sẽ được báo.",
}
# Acts after which the officer is done here, and the list that has the next dossier.
NEXT_LISTS: Mapping[str, str] = {
    "complete": "cho-xu-ly",
    "return": "cho-xu-ly",
    "refuse": "cho-xu-ly",
    "supplement-request": "cho-xu-ly",
    "assign": "tra-lai",
    "sign-apology": "xin-loi",
    "accept": "cho-tiep-nhan",
    "not-accept": "cho-tiep-nhan",
}
# Act → the official paper that tells it (papers.py): number of the form and words.
PAPERS: Mapping[str, tuple[str, str]] = {
    "supplement-request": ("02", "In phiếu yêu cầu bổ sung"),
    "refuse": ("03", "In phiếu từ chối"),
    "not-accept": ("03", "In phiếu từ chối"),
    "sign-apology": ("04", "In phiếu xin lỗi và hẹn lại"),
}
CONTROL_SLIP = ("05", "In phiếu kiểm soát")


# What intake wants a person to look at once more: its flag → what an officer should know.
FLAGS: Mapping[str, str] = {
    "identity-typed": "Giấy tờ của mẹ nhập tay, chưa đối chiếu thẻ",
    "card-number-differs": "Số giấy tờ của mẹ trên thẻ khác giấy chứng sinh",
    "card-name-differs": "Họ tên của mẹ trên thẻ khác giấy chứng sinh",
    "card-birth-date-differs": "Ngày sinh của mẹ trên thẻ khác giấy chứng sinh",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the page's timeline."""

    at: datetime
    words: str
    who: str = ""
    where: str = ""
    more: str = ""


def deadline_flag(deadline: Deadline) -> Tag | None:
    """How the deadline stands, in words with their colour; None where nothing runs."""
    left = _span(deadline)
    match deadline.word:
        case "stopped":
            return Tag("đang dừng tính hạn", "calm")
        case "missed":
            return Tag(f"quá hạn {left}".strip(), "late")
        case "near":
            return Tag(f"sắp đến hạn, còn {left}" if left else "sắp đến hạn", "near")
        case "running":
            return Tag(f"còn {left}", "calm") if left else None
    return None


def _span(deadline: Deadline) -> str:
    """The time left or over: days, or less than one working day in hours of work."""
    if deadline.left_minutes is None:
        return ""
    minutes, days = abs(deadline.left_minutes), abs(deadline.left_days or 0)
    if deadline.unit == CLOCK_HOURS:
        return f"{minutes // 60} giờ" if minutes >= 60 else f"{minutes} phút"
    if days and minutes >= WORKING_DAY_MINUTES:
        return f"{days} ngày"
    return f"{minutes // 60} giờ làm việc" if minutes >= 60 else f"{minutes} phút làm việc"


def early_flag(case: CaseView, catalogue: Catalogue) -> Tag | None:
    """That the dossier was settled whole working days before its appointment; None when not, or refused."""
    if case.settled is None:
        return None
    days = early_days(case.status, case.settled.at, case.appointment_at, catalogue.calendar())
    return Tag(f"trả sớm {days} ngày làm việc", "early") if days > 0 else None


def agency_words(catalogue: Catalogue, code: str) -> str:
    """What an agency is called; its code when the catalogue does not know it."""
    try:
        return catalogue.agency(code).name_vi if code else ""
    except UnknownAgency:
        return code


def flags_of(flags: Iterable[str]) -> tuple[Tag, ...]:
    """What officers are told to look at, in the order it was noted; notes for others are left out."""
    return tuple(Tag(FLAGS[flag], "near") for flag in flags if flag in FLAGS)


def papers_to_print(case: CaseView | None, *, handling: bool) -> tuple[tuple[str, str], ...]:
    """The official papers there are of a dossier, by what was done: number of the form and words.

    Who only has a step of it prints what their own agency told the applicant: those lines name a colleague.
    """
    if case is None:
        return ()
    done = {entry.what for entry in case.timeline if handling or entry.by}
    papers = dict(paper for act, paper in PAPERS.items() if act in done)
    return (*papers.items(), CONTROL_SLIP) if handling else tuple(papers.items())


def timeline(
    case: CaseView | None,
    custody: tuple[CustodyAct, ...],
    results: tuple[Result, ...],
    catalogue: Catalogue,
    names: Mapping[str, str],
) -> tuple[Line, ...]:
    """What happened to the dossier and to its results, the newest first; `names` of officers by login."""
    lines = [*_case_lines(case, catalogue, names), *_custody_lines(custody, results, catalogue, names)]
    # Of one moment what was told later stands above, as everywhere.
    lines.sort(key=lambda line: line.at)
    return tuple(lines[::-1])


def _case_lines(case: CaseView | None, catalogue: Catalogue, names: Mapping[str, str]) -> Iterator[Line]:
    if case is None:
        return
    words = {one.code: one.name_vi for reasons in catalogue.reasons.values() for one in reasons}
    for entry in case.timeline:
        step = case.step_name(entry.step) if entry.step else ""
        reason = words.get(entry.reason, "")
        yield Line(
            at=entry.at,
            words=f"{entry.words}: {step}" if step else entry.words,
            who=names.get(entry.by, entry.by),
            where=agency_words(catalogue, entry.agency),
            more=". ".join(part for part in (reason, entry.note) if part),
        )


def custody_note(note: str) -> str:
    """How a receiver's right was established, which the chain of custody keeps in codes; other notes as they are."""
    found = HANDED_TO.fullmatch(note)
    if found is None:
        return note
    told = f"{RECEIVERS[found[1]]}: {CHECKS[found[2]]}"
    return f"{told} ({MISMATCHES[found[3]]})" if found[3] else told


def _custody_lines(
    custody: tuple[CustodyAct, ...],
    results: tuple[Result, ...],
    catalogue: Catalogue,
    names: Mapping[str, str],
) -> Iterator[Line]:
    papers = {result.id: result.name_vi for result in results}
    for act in custody:
        name = papers.get(act.result_id, "")
        words = CUSTODY.get(act.act, act.act)
        yield Line(
            at=act.at,
            words=f"{words}: {name}" if name else words,
            who=names.get(act.actor, act.actor),
            where=agency_words(catalogue, act.agency),
            more=custody_note(act.note),
        )
