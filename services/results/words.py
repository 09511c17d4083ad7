"""Vietnamese words for papers: dates in letters, sexes, relations, and the letters papers can show. Pure."""

import unicodedata
from datetime import date, datetime

from libs.catalogue.calendar import VIETNAM

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

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")


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


def number_words(number: int) -> str:
    """A number from 0 to 9999 in Vietnamese words. Raises ValueError outside."""
    if not 0 <= number <= 9999:
        raise ValueError("number outside 0..9999")
    thousands, rest = divmod(number, 1000)
    parts = []
    if thousands:
        parts.append(f"{_DIGITS[thousands]} nghìn")
        if not rest:
            return parts[0]
    hundreds, rest = divmod(rest, 100)
    if hundreds or thousands:
        parts.append(f"{_DIGITS[hundreds]} trăm")
        if not rest:
            return " ".join(parts)
    parts.append(_under_hundred(rest, after_more=bool(parts)))
    return " ".join(parts)


def _under_hundred(number: int, *, after_more: bool) -> str:
    tens, units = divmod(number, 10)
    if tens == 0:
        return f"lẻ {_DIGITS[units]}" if after_more else _DIGITS[units]
    head = "mười" if tens == 1 else f"{_DIGITS[tens]} mươi"
    if units == 0:
        return head
    if units == 5:
        return f"{head} lăm"
    if units == 1 and tens > 1:
        return f"{head} mốt"
    return f"{head} {_DIGITS[units]}"


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


def moment_text(moment: datetime) -> str:
    """A moment in local time: 14 giờ 05 phút, ngày 05/09/2026."""
    local = moment.astimezone(VIETNAM)
    return f"{local:%H} giờ {local:%M} phút, ngày {local:%d/%m/%Y}"


def place_and_date(place: str, moment: datetime) -> str:
    """The line above a signature."""
    local = moment.astimezone(VIETNAM)
    return f"{place}, ngày {local:%d} tháng {local:%m} năm {local.year}"


# Left behind by copying from web pages and word processors; they say nothing.
_DROPPED = dict.fromkeys(map(ord, "\u200b\ufeff\u00ad"))
_SIGNS = frozenset("°€±×÷²³№")
_PUNCTUATION_MAX = 0x206F


def printable(text: str) -> str:
    """The text in the one spelling of its letters. Raises ValueError for letters the papers' type cannot show.

    The type has Latin letters only. A name in other letters would come out as empty boxes on a signed document, and
    an invisible character (such as one that turns the direction of writing) could make it read as another name.
    """
    text = unicodedata.normalize("NFC", text.translate(_DROPPED))
    if all(_is_shown(character) for character in set(text)):
        return text
    raise ValueError("letters that cannot be printed")


def _is_shown(character: str) -> bool:
    code, category = ord(character), unicodedata.category(character)
    if code < 127:
        return code >= 32 or character in "\n\t"
    if category[0] == "L" or category == "Mn":
        return unicodedata.name(character, "").startswith(("LATIN ", "COMBINING ", "MODIFIER LETTER "))
    return (category[0] in "PZN" and code <= _PUNCTUATION_MAX) or character in _SIGNS
