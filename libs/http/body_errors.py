"""msgspec's validation errors as fields with Vietnamese text.

msgspec says "Expected `int`, got `str` - at `$.a[0]`", and for some rules repeats the input ("Invalid enum value
'…'"); so only the shape of its sentence is used, never its words.
"""

import re

from libs.http.problems import FieldError

_PLACE = re.compile(r" - at `(?P<place>(?:key in )?\$[^`]*)`$")
_FIELD = re.compile(r"^Object (?P<what>missing required|contains unknown) field `(?P<name>[^`]*)`")
_LENGTH = re.compile(
    r"^Expected `(?P<type>str|array|bytes|object)` of length (?P<sign><=|>=|==) (?P<limit>\d+)"
)
_NUMBER = re.compile(
    r"^Expected `(?:int|float|decimal)` (?P<sign><=|>=|<|>|that's a multiple of) ?(?P<limit>[-\d.e+]+)"
)
_TYPE = re.compile(r"^Expected `(?P<wanted>[a-z0-9_| ]+)`, got `(?P<got>[a-z0-9_]+)`")
# The name of an unknown field is the client's own text: it is repeated only when it looks like a field.
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z_]{0,63}")

_TYPES = {
    "str": "một chuỗi ký tự",
    "int": "một số nguyên",
    "float": "một số",
    "decimal": "một số",
    "bool": "true hoặc false",
    "array": "một danh sách",
    "object": "một đối tượng",
    "null": "null",
}
_SIGNS = {"<=": "không quá", ">=": "ít nhất", "==": "đúng", "<": "nhỏ hơn", ">": "lớn hơn"}
_UNITS = {"str": "ký tự", "bytes": "byte", "array": "phần tử", "object": "mục"}

_FIXED: tuple[tuple[str, str, str], ...] = (
    ("Invalid enum value", "not-in-list", "Giá trị không nằm trong danh mục cho phép"),
    ("Invalid value", "not-in-list", "Giá trị không nằm trong danh mục cho phép"),
    ("Expected `str` matching regex", "pattern", "Giá trị không đúng mẫu quy định"),
    ("Invalid UUID", "uuid", "Mã định danh không đúng dạng UUID"),
    ("Invalid RFC3339 encoded datetime", "date-time", "Ngày giờ không đúng dạng RFC 3339"),
    ("Invalid RFC3339 encoded date", "date-time", "Ngày không hợp lệ"),
    ("Invalid RFC3339", "date-time", "Ngày giờ không đúng dạng RFC 3339"),
    ("Invalid ISO8601", "date-time", "Ngày giờ không đúng dạng ISO 8601"),
    ("Expected `datetime` with a timezone", "time-zone", "Ngày giờ phải ghi rõ múi giờ"),
    ("Expected `time` with a timezone", "time-zone", "Giờ phải ghi rõ múi giờ"),
    ("Invalid base64", "base64", "Dữ liệu base64 không hợp lệ"),
    ("Number out of range", "number-range", "Số nằm ngoài phạm vi cho phép"),
    ("Integer value out of range", "number-range", "Số nằm ngoài phạm vi cho phép"),
    ("Invalid decimal", "number", "Số không hợp lệ"),
)


def field_error(message: str) -> FieldError:
    """The field, code and Vietnamese sentence for one message of msgspec; the value is never repeated."""
    found = _PLACE.search(message)
    place = found["place"] if found else "$"
    reason = message[: found.start()] if found else message
    if in_object := _FIELD.match(reason):
        return _object_error(_path(place), in_object["what"], in_object["name"])
    code, text = _reason(reason)
    return FieldError(_path(place), code, text)


def _object_error(place: str, what: str, name: str) -> FieldError:
    full = f"{place}.{name}" if place else name
    if what == "missing required":
        return FieldError(full, "required", "Thiếu trường bắt buộc")
    return FieldError(
        full if _PLAIN_NAME.fullmatch(name) else place, "unknown-field", "Trường không được phép"
    )


def _path(place: str) -> str:
    """`$.children[0].name` → `children[0].name`; a free key is shown as [...] by msgspec already."""
    return place.removeprefix("key in ").removeprefix("$").removeprefix(".")


def _reason(reason: str) -> tuple[str, str]:
    if length := _LENGTH.match(reason):
        sign, unit = _SIGNS[length["sign"]], _UNITS[length["type"]]
        return "length", f"Độ dài phải {sign} {length['limit']} {unit}"
    if number := _NUMBER.match(reason):
        sign = _SIGNS.get(number["sign"], "là bội số của")
        return "number-range", f"Số phải {sign} {number['limit']}"
    if kind := _TYPE.match(reason):
        wanted = " hoặc ".join(
            _TYPES.get(part.strip(), "giá trị đúng kiểu") for part in kind["wanted"].split("|")
        )
        return "type", f"Giá trị phải là {wanted}"
    for start, code, text in _FIXED:
        if reason.startswith(start):
            return code, text
    return "invalid", "Giá trị không hợp lệ"
