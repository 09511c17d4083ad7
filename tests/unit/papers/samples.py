"""One of each paper, with values a counter would have."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from libs.catalogue.calendar import VIETNAM
from libs.papers import (
    Apology,
    BedCard,
    Component,
    CongratulationLetter,
    ControlSlip,
    Missing,
    Office,
    Officer,
    Paper,
    Person,
    Receipt,
    Refusal,
    Register,
    RegisterRow,
    StopNotice,
    SupplementRequest,
    Transfer,
)

ON = date(2026, 11, 27)
RECEIVED = datetime(2026, 11, 23, 9, 5, tzinfo=VIETNAM)
DUE = datetime(2026, 11, 26, 16, 30, tzinfo=VIETNAM)
URL = "https://motcua.example.vn/h/5Jx0a8QmT2vKq9yZrW1uLg"
CODE = "313.40.00.H13-261123-0001"
PROCEDURE = "Đăng ký khai sinh, đăng ký thường trú, cấp thẻ bảo hiểm y tế cho trẻ em dưới 6 tuổi"
OFFICE = Office(
    name="Trung tâm Phục vụ hành chính công phường Ngã Bảy",
    place="Ngã Bảy",
    parent="Ủy ban nhân dân phường Ngã Bảy",
    address="Phường Ngã Bảy, thành phố Cần Thơ",
    phone="0293 3866 123",
    hours="7 giờ – 11 giờ và 13 giờ – 17 giờ, thứ Hai đến thứ Sáu",
)
HOSPITAL = Office(name="Bệnh viện Đa khoa khu vực Ngã Bảy", place="Ngã Bảy", phone="0293 3867 115")
OFFICER = Officer(name="Trần Thị Bích Phượng", phone="0293 3866 124")
MOTHER = Person(
    name="Nguyễn Thị Ngọc Mai",
    address="Khu vực 3, phường Ngã Bảy, thành phố Cần Thơ",
    phone="0912 345 678",
    email="mai@example.vn",
)
COMPONENTS = (
    Component(name="Tờ khai điện tử", originals=1),
    Component(name="Giấy chứng sinh", electronic=1, note="bệnh viện gửi"),
    Component(name="Căn cước của người mẹ", originals=1, copies=2),
)
NO_ONE = Person(name="")
BARE = Office(name="Bộ phận một cửa", place="Ngã Bảy")


def paper(form: str, *, who: Person = MOTHER, text: str = "") -> Paper:
    """A sample of the form; with `text` every field that people fill in says that."""
    return _CASES[form](who, text)


def _receipt(who: Person, text: str) -> Receipt:
    return Receipt(
        office=OFFICE,
        officer=OFFICER,
        applicant=who,
        code=CODE,
        tracking_url=URL,
        procedure=text or PROCEDURE,
        components=(Component(name=text, originals=1, note=text),) if text else COMPONENTS,
        received_at=RECEIVED,
        due_at=DUE,
        fee_dong=1_250_000,
        number="12",
        time_limit=text or "3 ngày làm việc",
        result_place=text or "Bệnh viện Đa khoa khu vực Ngã Bảy",
        register_book="02/2026",
        register_number="1125",
    )


def _supplement_request(who: Person, text: str) -> SupplementRequest:
    return SupplementRequest(
        office=OFFICE,
        officer=OFFICER,
        applicant=who,
        procedure=text or PROCEDURE,
        missing=(
            Missing(name=text or "Giấy chứng sinh", what=text or "Bản nộp bị mờ", originals=1),
            Missing(name="Ý kiến đồng ý của chủ hộ", originals=1, copies=1),
        ),
        reason=text or "Giấy tờ mờ, rách hoặc không đọc được",
        code=CODE,
        tracking_url=URL,
        number="7",
        until=DUE,
    )


def _refusal(who: Person, text: str) -> Refusal:
    return Refusal(
        office=OFFICE,
        officer=OFFICER,
        applicant=who,
        procedure=text or PROCEDURE,
        reason=text or "Không thuộc thẩm quyền giải quyết",
        detail=text,
        legal_basis=(text or "Điều 13 Luật Hộ tịch số 60/2014/QH13",),
        next_steps=(text or "Nộp hồ sơ nơi cha hoặc mẹ cư trú.", "Nộp tại Cổng Dịch vụ công quốc gia."),
        returned=(text or "Giấy chứng sinh",),
    )


def _apology(who: Person, text: str) -> Apology:
    return Apology(
        office=OFFICE,
        officer=OFFICER,
        applicant=who,
        code=CODE,
        tracking_url=URL,
        procedure=text or PROCEDURE,
        received_at=RECEIVED,
        old_due_at=DUE,
        new_due_at=DUE + timedelta(days=4),
        reason=text or "Chưa có số định danh cá nhân của trẻ",
        signer_title="Giám đốc",
        signer_name=text or "Lê Hoàng Ân",
        extension="2 ngày làm việc",
    )


def _stop_notice(who: Person, text: str) -> StopNotice:
    return StopNotice(
        office=OFFICE,
        officer=OFFICER,
        applicant=who,
        code=CODE,
        tracking_url=URL,
        procedure=text or PROCEDURE,
        received_at=RECEIVED,
        requested_by=text or "Người nộp hồ sơ",
        stage=text or "Đăng ký thường trú",
        reason=text or "Gia đình rút hồ sơ",
        fee_consequence=text or "Chưa thu, không phải nộp",
        signer_title="Giám đốc",
        signer_name="Lê Hoàng Ân",
    )


def _control_slip(who: Person, text: str) -> ControlSlip:
    return ControlSlip(
        office=OFFICE,
        code=CODE,
        tracking_url=URL,
        procedure=text or PROCEDURE,
        received_at=RECEIVED,
        due_at=DUE,
        lines=(
            Transfer(giver=who.name, taker="Tư pháp – hộ tịch", at=RECEIVED, outcome="on-time", note=text),
            Transfer(giver="Tư pháp – hộ tịch", taker="Công an phường", at=DUE, outcome="late"),
        ),
    )


def _register(who: Person, text: str) -> Register:
    row = RegisterRow(
        code=CODE,
        procedure=text or PROCEDURE,
        applicant=who,
        agency=text or "Tư pháp – hộ tịch",
        received_at=RECEIVED,
        due_at=DUE,
        delivery=text or "Tại bệnh viện",
        note=text,
    )
    return Register(office=OFFICE, first_day=date(2026, 11, 1), last_day=ON, rows=(row, row), book="02/2026")


def _congratulation_letter(who: Person, text: str) -> CongratulationLetter:
    return CongratulationLetter(
        office=OFFICE,
        born_on=date(2026, 11, 21),
        signer_title="Chủ tịch",
        child=text or "Trần Gia Hân",
        mother=who.name,
        father=text or "Trần Văn Bảy",
        signer_name="Lê Hoàng Ân",
    )


def _bed_card(who: Person, text: str) -> BedCard:
    return BedCard(
        office=HOSPITAL, bed=text or "Phòng 203 – Giường 12", tracking_url=URL, initials="N.T.N.M."
    )


_CASES: dict[str, Callable[[Person, str], Paper]] = {
    "receipt": _receipt,
    "supplement-request": _supplement_request,
    "refusal": _refusal,
    "apology": _apology,
    "stop-notice": _stop_notice,
    "control-slip": _control_slip,
    "register": _register,
    "congratulation-letter": _congratulation_letter,
    "bed-card": _bed_card,
}
SAMPLES = tuple(_CASES)
