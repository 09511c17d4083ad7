"""What a procedure of the catalogue asks for and promises, in the words of its page. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from libs.catalogue import Fee, Limit, Procedure
from libs.catalogue.conditions import Condition, Option

APPLICANTS: Mapping[str, str] = {
    "anyone": "Bất kỳ ai",
    "self": "Chính người có yêu cầu",
    "spouse": "Vợ hoặc chồng",
    "child": "Con",
    "parent": "Cha hoặc mẹ",
    "grandparent": "Ông hoặc bà",
    "relative": "Người thân thích",
    "guardian": "Người giám hộ",
    "caregiver": "Người đang chăm sóc, nuôi dưỡng trẻ",
    "organisation": "Cơ quan, tổ chức có liên quan",
}
CHANNELS: Mapping[str, str] = {
    "counter": "Trực tiếp tại Bộ phận Một cửa",
    "online": "Trực tuyến trên Cổng Dịch vụ công quốc gia",
    "post": "Qua bưu chính",
    "hospital": "Ngay tại bệnh viện nơi sinh",
}
DELIVERIES: Mapping[str, str] = {
    "hospital": "tại bệnh viện",
    "counter": "tại nơi nộp hồ sơ",
    "post": "qua bưu chính",
    "electronic": "bản điện tử",
}
# Which office looks the paper up itself, by the register the catalogue names.
LOOKED_UP: Mapping[str, str] = {
    "population": "Không phải nộp nếu tra cứu được trong Cơ sở dữ liệu quốc gia về dân cư",
    "civil_status": "Không phải nộp nếu tra cứu được trong Cơ sở dữ liệu hộ tịch",
    "hospital": "Không phải nộp nếu bệnh viện đã chuyển dữ liệu",
    "land": "Không phải nộp nếu tra cứu được trong dữ liệu đất đai",
}
UNITS: Mapping[str, str] = {
    "hour": "giờ",
    "working_hour": "giờ làm việc",
    "working_day": "ngày làm việc",
    "calendar_day": "ngày",
}
FEE_UNITS: Mapping[str, str] = {
    "dossier": "hồ sơ",
    "copy": "bản",
    "page": "trang",
    "case": "trường hợp",
    "person": "người",
}
SAME_DAY = "Trong ngày; nộp sau 15 giờ thì trong ngày làm việc tiếp theo"


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """A paper to tick: how many, when it is needed, and what makes it unnecessary."""

    code: str
    name: str
    amount: str
    when: str = ""
    instead: str = ""


def applicants(procedure: Procedure) -> list[str]:
    """Who may hand it in; empty when the source does not say."""
    return [APPLICANTS[code] for code in procedure.applicants if code in APPLICANTS]


def papers(procedure: Procedure) -> list[Paper]:
    """What to bring, in the order of the catalogue."""
    options = {option.code: option for option in procedure.options}
    return [
        Paper(
            code=component.code,
            name=component.name_vi,
            amount=_amount(component.originals, component.copies),
            when=_when(component.required_when, options)
            if component.required
            else "Không phải hồ sơ nào cũng cần",
            instead=LOOKED_UP.get(component.replaced_by_data, ""),
        )
        for component in procedure.components
    ]


def terms(procedure: Procedure) -> list[str]:
    """How long it takes: the ordinary term first, then those of special cases. Empty when no source gives one."""
    options = {option.code: option for option in procedure.options}
    found = [limit_words(procedure.limit)] if procedure.limit else []
    for case in procedure.limit_when:
        when = _when(case.when, options)
        found.append(f"{limit_words(case.limit)}{_aside(when)}")
    return found


def fees(procedure: Procedure) -> list[str]:
    """What it costs, one line a fee. Empty when no source gives it."""
    if procedure.fees is None:
        return []
    options = {option.code: option for option in procedure.options}
    found = [_fee(fee, options) for fee in procedure.fees] or ["Không thu phí, lệ phí"]
    if procedure.fees_unknown_when:
        when = _when(procedure.fees_unknown_when, options)
        found.append(f"{when}: mức thu do thành phố quy định, hỏi tại quầy")
    return found


def channels(procedure: Procedure) -> list[str]:
    """Ways to hand it in that are open to a citizen."""
    return [CHANNELS[channel] for channel in procedure.channels if channel in CHANNELS]


def limit_words(limit: Limit) -> str:
    """The term in words: `3 ngày làm việc`."""
    return SAME_DAY if limit.unit == "same_day" else f"{limit.amount} {UNITS[limit.unit]}"


def money(vnd: int) -> str:
    """1.250.000 ₫."""
    return f"{vnd:,}".replace(",", ".") + " ₫"


def _fee(fee: Fee, options: Mapping[str, Option]) -> str:
    return f"{money(fee.vnd)}/{FEE_UNITS[fee.per]}{_aside(fee.note_vi or _when(fee.when, options))}"


def _aside(words: str) -> str:
    return f" ({words[:1].lower()}{words[1:]})" if words else ""


def _amount(originals: int, copies: int) -> str:
    told = [f"{originals} bản chính"] if originals else []
    told += [f"{copies} bản sao"] if copies else []
    return ", ".join(told)


def _when(conditions: Sequence[Condition], options: Mapping[str, Option]) -> str:
    told = [_condition(one, options[one.option]) for one in conditions if one.option in options]
    return f"Khi {' và '.join(told)}" if told else ""


def _condition(condition: Condition, option: Option) -> str:
    name = option.name_vi
    if condition.equals is True:
        return name[:1].lower() + name[1:]
    if condition.equals is False:
        return f"không {name[:1].lower()}{name[1:]}"
    values = condition.one_of or (str(condition.equals),)
    return (
        f"{name[:1].lower()}{name[1:]} {' hoặc '.join(option.choices.get(value, value) for value in values)}"
    )
