"""What is asked of the workers that print, and what they give back."""

from typing import Any

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One paper to print: template, values, what its QR code and its signature say.

    `signer` is the agency whose key signs it, the city's own where that has none; without `sign` nobody does.
    """

    template: str
    values: dict[str, Any]
    verify_url: str = ""
    reason: str = ""
    location: str = ""
    signer: str = ""
    sign: bool = True


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """A finished PDF and its SHA-256."""

    pdf: bytes
    sha256: bytes
