"""Passwords: what may be one (ASVS 6.2), and how they are kept: argon2id, in threads, always the same work."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from libs.http.problems import unavailable

T = TypeVar("T")

LENGTH_MIN, LENGTH_MAX = 12, 128
# Folded: what people type when a password must be twelve long.
OBVIOUS = frozenset(
    {
        "123456789012", "1234567890123", "111111111111", "000000000000", "1234567890ab", "abcdefghijkl",
        "abcd12345678", "abc123456789", "abcabc123123", "aaaaaaaaaaaa", "qwertyuiop12", "qwertyuiop123",
        "qwertyuiop[]", "1q2w3e4r5t6y", "1qaz2wsx3edc", "zaq12wsxcde3", "password1234", "password12345",
        "password123456", "passwordpassword", "p@ssw0rd1234", "p@ssword1234", "matkhau12345", "matkhau123456",
        "matkhaumatkhau", "adminadmin12", "admin1234567", "administrator", "welcome12345", "changeme1234",
        "letmein12345", "iloveyou1234", "vietnam12345", "vietnamvietnam", "motcua123456", "motcuamotcua",
        "ngabay123456", "haugiang1234", "cantho123456", "ubnd12345678", "hcm123456789", "anhyeuem1234",
        "emyeuanh1234", "khongbiet123", "congan123456", "benhvien1234",
    }
)  # fmt: skip
# Without letters that are read for others: one-time passwords are dictated and typed from paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
# Hashing takes memory and a core each; more waiting than this is an attack or an outage, and told to come back.
THREADS, WAITING_MAX = 2, 32

TOO_SHORT, TOO_LONG, IS_OBVIOUS, HAS_LOGIN, IS_OLD = (
    "too-short",
    "too-long",
    "obvious",
    "contains-login",
    "same",
)


def why_not(new: str, *, login: str, old: str = "") -> str:
    """The code of what is wrong with a new password, or "". Length counts characters as a person does (NFC)."""
    password = normalised(new)
    folded = password.casefold()
    if len(password) < LENGTH_MIN:
        return TOO_SHORT
    if len(password) > LENGTH_MAX:
        return TOO_LONG
    if folded in OBVIOUS or len(set(folded)) < 5:
        return IS_OBVIOUS
    if login.casefold() in folded:
        return HAS_LOGIN
    return IS_OLD if old and password == normalised(old) else ""


def normalised(password: str) -> str:
    """One form for one text: keyboards write Vietnamese letters composed or decomposed (RFC 8265 4.2)."""
    return unicodedata.normalize("NFC", password)


def one_time_password() -> str:
    """Sixteen random characters, 79 bits, in groups to be read out; must be changed at the first sign-in."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


class Passwords:
    """Hashes and verifies in threads of its own. Verifying takes as long for an account that has no password."""

    def __init__(self, *, memory_kib: int, passes: int) -> None:
        """`memory_kib` and `passes` over it for each hash (RFC 9106 4: lanes are 1, requests run side by side)."""
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        # Nobody knows its password; whoever has no account or no password is measured against it.
        self._dummy = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """The hash to keep. Raises Problem 503 when too many wait."""
        return await self._run(self._hasher.hash, normalised(password))

    async def verify(self, kept: str, password: str) -> bool:
        """Whether it is the password of hash `kept`; an empty `kept` costs the same work and is never right."""
        return await self._run(self._verify, kept or self._dummy, normalised(password)) and bool(kept)

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    async def close(self) -> None:
        """End the threads; after everything that uses them."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= WAITING_MAX:
            raise unavailable()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1
