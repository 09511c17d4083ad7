"""Who may fetch an electronic result: the person it is for, by two things only they have. Pure."""

import hmac

from libs.http.auth import Actor
from libs.http.problems import FieldError, Problem
from services.results.people import PeopleRecord
from services.results.tries import MISMATCH

# Whoever holds the tracking token and knows the digits; no account stands behind it.
CITIZEN = Actor(subject="tracking-token", kind="citizen")
DIGITS = 4


def not_recognised() -> Problem:
    """The same answer for an unknown token and for wrong digits."""
    error = FieldError(
        "last_four", MISMATCH, "Phải là 4 ký tự cuối của số giấy tờ hoặc số điện thoại trong hồ sơ."
    )
    return Problem(403, "not-recognised", "Mã tra cứu hoặc 4 ký tự cuối không đúng", errors=[error])


def recognise(people: PeopleRecord, last_four: str) -> bool:
    """True when `last_four` ends an identity or telephone number of the applicant or the mother. Raises Problem 403.

    Every number is compared, in constant time: how long it took says nothing of which of them was close.
    """
    given = last_four.upper().encode()
    known = [
        ending
        for person in (people.applicant, people.mother)
        if person is not None
        for ending in (_ending(person.identity_number), _ending(person.phone))
        if len(ending) == DIGITS
    ]
    if not sum(hmac.compare_digest(given, ending) for ending in known):
        raise not_recognised()
    return True


def _ending(number: str) -> bytes:
    return "".join(c for c in number if c.isascii() and c.isalnum()).upper()[-DIGITS:].encode()
