"""Codes of RFC 6238: which are accepted, and that none is twice."""

from base64 import b32encode, b64decode
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyotp
import pytest

from libs.process.sealing import Sealer, new_sealing_key
from services.identity.one_time_codes import accepted_step, enrolment_uri, new_secret

# RFC 6238, appendix B, for SHA-1; the last six of its eight digits.
RFC_SECRET = b32encode(b"12345678901234567890").decode()
RFC_CODES = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}


def at(seconds: float) -> datetime:
    """A moment of UNIX time."""
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES.items())
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """The vectors of its appendix."""
    assert accepted_step(RFC_SECRET, code, at(seconds), 0) == seconds // 30


def test_one_step_of_drift_either_way() -> None:
    """Thirty seconds early or late are accepted, sixty are not."""
    secret, now = new_secret(), datetime(2026, 11, 23, 3, 0, 15, tzinfo=UTC)
    offered = {
        drift: accepted_step(secret, pyotp.TOTP(secret).at(now + timedelta(seconds=30 * drift)), now, 0)
        for drift in (-2, -1, 0, 1, 2)
    }
    current = int(now.timestamp()) // 30
    assert offered == {-2: None, -1: current - 1, 0: current, 1: current + 1, 2: None}


def test_a_code_is_accepted_once() -> None:
    """Nor is an earlier one after it: whoever looked over a shoulder has seen nothing of use."""
    secret, now = new_secret(), datetime(2026, 11, 23, 3, 0, 15, tzinfo=UTC)
    code, earlier = pyotp.TOTP(secret).at(now), pyotp.TOTP(secret).at(now - timedelta(seconds=30))
    step = accepted_step(secret, code, now, 0)
    assert step is not None
    assert accepted_step(secret, code, now, step) is None
    assert accepted_step(secret, earlier, now, step) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "१२३४५६", "２８７０８２", "287082 "])
def test_what_is_no_code_is_wrong(code: str) -> None:
    """Digits of other scripts and blanks are no error of ours, only wrong."""
    assert accepted_step(RFC_SECRET, code, at(59), 0) is None


def test_the_uri_names_the_city_and_the_login() -> None:
    """What the application shows above the code."""
    uri = enrolment_uri(RFC_SECRET, "can-bo-01")
    assert uri.startswith("otpauth://totp/M%E1%BB%99t%20C%E1%BB%ADa:can-bo-01?")
    assert f"secret={RFC_SECRET}" in uri


def test_a_sealed_secret_opens_for_its_account_and_key_only() -> None:
    """Copied to another row of the table, or read with another key, it is refused rather than wrong."""
    key = new_sealing_key()
    sealer, other = Sealer(b64decode(key)), Sealer(b64decode(new_sealing_key()))
    account = uuid4()
    sealed = sealer.seal(RFC_SECRET, account)
    assert RFC_SECRET.encode() not in sealed
    assert sealer.open(sealed, account) == RFC_SECRET
    assert sealer.seal(RFC_SECRET, account) != sealed
    for wrong, whose in ((sealer, uuid4()), (other, account)):
        with pytest.raises(ValueError, match="not sealed with this key"):
            wrong.open(sealed, whose)
