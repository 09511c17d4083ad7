"""Codes of an authenticator application (RFC 6238): six digits, thirty seconds, each accepted once."""

import hmac
from datetime import datetime

import pyotp

ISSUER = "Một Cửa"
STEP_SECONDS = 30
# One step each way: clocks of telephones are a little off (RFC 6238 5.2).
DRIFT_STEPS = 1


def new_secret() -> str:
    """160 random bits in base 32 (RFC 4226 4, R6)."""
    return pyotp.random_base32(32)


def enrolment_uri(secret: str, login: str) -> str:
    """What the QR code holds that an authenticator application reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def accepted_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """The time step the code is of, or None: wrong, too old, too new, or not later than the last one accepted."""
    totp = pyotp.TOTP(secret)
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        # Every step is compared, so that time tells nothing of which one it was.
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()) and step > last_step:
            found = step
    return found
