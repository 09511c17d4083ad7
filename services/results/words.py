"""Vietnamese words for results: dates in letters, sexes, relations, decisions. Pure."""

from datetime import date, datetime

from libs.catalogue.calendar import VIETNAM
from libs.printing.numerals import number_words

SEXES = {
    "1": "Nam",
    "2": "Nữ",
    "3": "Chưa xác định",
    "male": "Nam",
    "female": "Nữ",
    "undetermined": "Chưa xác định",
}
RELATIONS = {
    "mother": "Mẹ",
    "father": "Cha",
    "applicant": "Người yêu cầu",
    "authorised": "Người được ủy quyền",
    "guardian": "Người giám hộ",
    "relative": "Người thân",
    "carrier": "Bưu chính phát tận tay",
}
IDENTITY_KINDS = {
    "citizen_id": "Căn cước",
    "old_identity_card": "Chứng minh nhân dân",
    "passport": "Hộ chiếu",
    "other": "Giấy tờ",
}
# What results are called before they are issued; then a paper says itself what it is.
RESULTS = {
    "birth_certificate": "Giấy khai sinh",
    "residence_notice": "Thông báo kết quả đăng ký cư trú",
    "insurance_card": "Thẻ bảo hiểm y tế",
    "identity_card": "Thẻ căn cước",
    "marriage_certificate": "Giấy chứng nhận kết hôn",
    "marital_status_certificate": "Giấy xác nhận tình trạng hôn nhân",
    "death_extract": "Trích lục khai tử",
    "extract": "Bản sao trích lục hộ tịch",
    "certified_copy": "Bản sao được chứng thực từ bản chính",
    "certified_signature": "Giấy tờ, văn bản được chứng thực chữ ký",
    "report_answer": "Trả lời phản ánh",
}
# Where a result can be, as people read it.
STATES = {
    "pending": "Đang chờ phát hành",
    "issued": "Đã phát hành",
    "dispatched": "Đang chuyển đến nơi trả",
    "ready": "Có kết quả, chờ trao",
    "handed-over": "Đã trao",
    "revoked": "Đã bị thu hồi",
    "superseded": "Đã được thay thế",
    "cancelled": "Đã hủy",
    "rejected": "Không phát hành được, đang giải quyết lại",
}
# How a citizen's report ended (the outcome of NB.24H).
DECISIONS = {
    "done": "Đã xử lý",
    "forwarded": "Đã chuyển cơ quan có thẩm quyền",
    "explained": "Đã giải thích",
    "unfounded": "Không có cơ sở",
}


def day_words(day: date) -> str:
    """A date in letters as a birth certificate writes it.

    >>> day_words(date(2026, 9, 5))
    'Ngày năm tháng chín năm hai nghìn không trăm hai mươi sáu'
    """
    return f"Ngày {number_words(day.day)} tháng {_month_word(day.month)} năm {number_words(day.year)}"


def birth_words(text: str) -> str:
    """A date of birth or death in letters, also one of which only the month or the year is known (the rest 00 or none).

    Raises ValueError for a date no calendar has.

    >>> birth_words("1958")
    'Năm một nghìn chín trăm năm mươi tám'
    >>> birth_words("1958-00-00") == birth_words("1958")
    True
    """
    parts = _known(text).split("-")
    if len(parts) == 3:
        return day_words(date.fromisoformat("-".join(parts)))
    words = f"năm {number_words(int(parts[0]))}"
    if len(parts) == 2:
        words = f"tháng {_month_word(date(int(parts[0]), int(parts[1]), 1).month)} {words}"
    return words[0].upper() + words[1:]


def _known(text: str) -> str:
    """The date without the day and month written as 00, as papers of people whose birthday nobody knows have it."""
    year, _, rest = text.partition("-")
    month, _, day = rest.partition("-")
    if month == "00":
        return year
    return f"{year}-{month}" if day == "00" else text


def _month_word(month: int) -> str:
    return "tư" if month == 4 else number_words(month)


def day_text(value: str | date | datetime) -> str:
    """A day as people write it (05/09/2026), a month as 09/2026; other text (a year alone) comes back unchanged."""
    if isinstance(value, datetime):
        value = value.astimezone(VIETNAM).date()
    elif isinstance(value, str):
        value = _known(value)
        try:
            return f"{date.fromisoformat(value[:10]):%d/%m/%Y}"
        except ValueError:
            year, _, month = value.partition("-")
            return f"{month}/{year}" if len(value) == 7 and month.isdigit() else value
    return f"{value:%d/%m/%Y}"
