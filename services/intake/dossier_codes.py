"""Dossier codes as people write them: in any case, with dots, dashes, blanks or none, whole or only their end. Pure."""

import re
import unicodedata

import msgspec

# What stands between the parts: blanks, dots, slashes, and every dash a keyboard or a text program makes.
_BETWEEN = r"[\s./_\-\u2010-\u2015\u2212]*"
_PREFIX = rf"(\d{{3}}){_BETWEEN}(\d{{2}}){_BETWEEN}(\d{{2}}){_BETWEEN}([A-Z]\d{{2}}){_BETWEEN}"
# Without anything between day and number, the number is written out with all its zeros.
_TAIL = rf"(\d{{6}})(?:{_BETWEEN[:-1]}+(\d{{1,7}})|(\d{{4,7}}))"
_CODE = re.compile(f"(?:{_PREFIX})?{_TAIL}", re.ASCII)
TYPED_LENGTH_MAX = 40


class CodeRead(msgspec.Struct, frozen=True, kw_only=True):
    """A code as it was meant; `prefix` is empty when only the end was given."""

    prefix: str
    day: str
    number: int

    @property
    def tail(self) -> str:
        """What follows the agency's prefix: `211130-0001`."""
        return f"{self.day}-{self.number:04d}"

    @property
    def whole(self) -> str:
        """The whole code as it is stored, empty when only the end was given."""
        return f"{self.prefix}-{self.tail}" if self.prefix else ""


def read_code(text: str) -> CodeRead | None:
    """The code `000.00.00.H30-YYMMDD-NNNN` (TT 01/2018/TT-VPCP Đ19) in what somebody typed, or None.

    `000.00.00.h30 211130 1`, `0000000H302111300001` and, only the end, `211130-0001` are all read.
    """
    if len(text) > TYPED_LENGTH_MAX:
        return None
    found = _CODE.fullmatch(unicodedata.normalize("NFKC", text).strip().upper())
    if found is None:
        return None
    *prefix, day, apart, together = found.groups()
    if not ("01" <= day[2:4] <= "12" and "01" <= day[4:6] <= "31"):
        return None
    return CodeRead(
        prefix=".".join(prefix) if prefix[0] else "",
        day=day,
        number=int(apart or together),
    )
