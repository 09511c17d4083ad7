"""Numbers in Vietnamese words, money and quantities as papers write them. Pure."""

NUMBER_MAX = 999_999_999_999
_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", "nghìn", "triệu", "tỷ")


def number_words(number: int) -> str:
    """A number from 0 to 999,999,999,999 in Vietnamese words. Raises ValueError outside.

    Groups of three after the first are read in full ("không trăm lẻ năm"), for without that 2,005 would read as 2,500.

    >>> number_words(1_250_005)
    'một triệu hai trăm năm mươi nghìn không trăm lẻ năm'
    """
    if not 0 <= number <= NUMBER_MAX:
        raise ValueError(f"number outside 0..{NUMBER_MAX}")
    groups = [number // 1000**power % 1000 for power in range(len(_GROUPS))]
    parts: list[str] = []
    for group, name in zip(reversed(groups), reversed(_GROUPS), strict=True):
        if group:
            parts.append(_under_thousand(group, after_more=bool(parts)))
            parts.append(name)
    return " ".join(filter(None, parts)) or _DIGITS[0]


def _under_thousand(number: int, *, after_more: bool) -> str:
    hundreds, rest = divmod(number, 100)
    parts = [f"{_DIGITS[hundreds]} trăm"] if hundreds or after_more else []
    if rest:
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


def number_text(number: int) -> str:
    """A number with a dot after each three digits: 1.250.000."""
    return f"{number:,}".replace(",", ".")


def money_text(dong: int) -> str:
    """An amount in đồng: 1.250.000 ₫; the blank before the sign does not break a line."""
    return f"{number_text(dong)}\u00a0₫"


def money_words(dong: int) -> str:
    """An amount in đồng in words, beginning a sentence. Raises ValueError below 0 or above NUMBER_MAX.

    >>> money_words(8000)
    'Tám nghìn đồng'
    """
    words = f"{number_words(dong)} đồng"
    return words[0].upper() + words[1:]


def count_text(count: int) -> str:
    """A count as papers write it, so that nobody adds a digit in front: 01, 02, 12."""
    return f"{count:02d}"


def copies_text(*, originals: int, copies: int, electronic: int = 0) -> str:
    """How many of a paper: '01 bản chính, 02 bản sao', each in one piece; empty for none."""
    kinds = ((originals, "bản chính"), (copies, "bản sao"), (electronic, "bản điện tử"))
    return ", ".join(f"{count_text(count)} {name}".replace(" ", "\u00a0") for count, name in kinds if count)
