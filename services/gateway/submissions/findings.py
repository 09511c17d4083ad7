"""What intake finds wrong with a birth that is handed in, in whatever format it came."""

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing: the field (of an XML9 file its tag), a code, a Vietnamese sentence that repeats no value.

    `also` are other fields it rests on.
    """

    field: str
    code: str
    message_vi: str
    severity: str = "error"
    also: tuple[str, ...] = ()
