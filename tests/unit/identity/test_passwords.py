"""What may be a password, and that verifying does the same work for everybody."""

import unicodedata
from typing import Any

import pytest

from libs.http.problems import Problem
from services.identity import passwords
from services.identity.passwords import LENGTH_MIN, Passwords, one_time_password, why_not

CHEAP = {"memory_kib": 64, "passes": 1}


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("ngắn quá", passwords.TOO_SHORT),
        ("x" * 11, passwords.TOO_SHORT),
        ("đủ dài và riêng", ""),
        ("MatKhau123456", passwords.IS_OBVIOUS),
        ("aaaabbbbaaaabbbb", passwords.IS_OBVIOUS),
        ("của can-bo-01 nhé", passwords.HAS_LOGIN),
        ("CAN-BO-01 là tôi", passwords.HAS_LOGIN),
        ("mật khẩu cũ của tôi", passwords.IS_OLD),
        ("ấ" * 3 + "bcdefgh" * 19, passwords.TOO_LONG),
        ("🐃🐂🐄🐖🐓🦆🐕🐈🐟🦐🦀🐚", ""),
    ],
)
def test_what_may_be_a_password(password: str, code: str) -> None:
    """Length counts in characters; accents and emoji are welcome, the obvious and the login are not."""
    assert why_not(password, login="can-bo-01", old="mật khẩu cũ của tôi") == code


def test_length_does_not_depend_on_how_a_keyboard_writes_accents() -> None:
    """Eleven letters stay eleven in decomposed form, where they are more code points."""
    eleven = "nguyễnthịmẫ"
    assert len(unicodedata.normalize("NFD", eleven)) > LENGTH_MIN > len(eleven)
    assert why_not(unicodedata.normalize("NFD", eleven), login="x-x") == passwords.TOO_SHORT


def test_every_obvious_password_is_long_enough_to_be_one() -> None:
    """A shorter one in the list would never be asked for, and the list says nothing then."""
    assert [each for each in passwords.OBVIOUS if len(each) < LENGTH_MIN or each != each.casefold()] == []


def test_one_time_passwords_may_be_passwords_and_differ() -> None:
    """79 bits each."""
    made = {one_time_password() for _ in range(100)}
    assert len(made) == 100
    assert {why_not(each, login="can-bo-01") for each in made} == {""}


async def test_the_same_password_in_another_form_is_right() -> None:
    """Typed on a telephone that decomposes accents it is the password that was set on a computer that does not."""
    hashing = Passwords(**CHEAP)
    kept = await hashing.hash("Đường về nhà 1995")
    assert kept.startswith("$argon2id$")
    assert await hashing.verify(kept, unicodedata.normalize("NFD", "Đường về nhà 1995"))
    assert not await hashing.verify(kept, "đường về nhà 1995")
    await hashing.close()


async def test_who_has_no_password_costs_the_same_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """For an unknown login, or an account without a password, a hash of the same parameters is verified in vain."""
    hashing = Passwords(**CHEAP)
    kept = await hashing.hash("Đường về nhà 1995")
    asked: list[str] = []
    real = hashing._hasher

    class Watched:
        def verify(self, given: str, password: str) -> bool:
            asked.append(given)
            return real.verify(given, password)

    monkeypatch.setattr(hashing, "_hasher", Watched())
    assert [await hashing.verify(each, "sai mật khẩu rồi") for each in (kept, "", "$argon2id$rubbish")] == [
        False
    ] * 3
    assert len(asked) == 3
    assert asked[0].split("$")[:4] == asked[1].split("$")[:4]
    await hashing.close()


async def test_too_many_at_once_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood must not fill the memory with waiting passwords."""
    hashing = Passwords(**CHEAP)
    monkeypatch.setattr(hashing, "_waiting", passwords.WAITING_MAX)
    with pytest.raises(Problem) as refused:
        await hashing.hash("Đường về nhà 1995")
    assert refused.value.status == 503
    await hashing.close()


def test_hashes_of_other_parameters_are_known() -> None:
    """After a setting was raised, the next sign-in hashes anew."""
    given: dict[str, Any] = CHEAP
    old = Passwords(**given)._hasher.hash("Đường về nhà 1995")
    assert not Passwords(**given).is_outdated(old)
    assert Passwords(memory_kib=128, passes=1).is_outdated(old)
