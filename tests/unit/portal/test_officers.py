"""Names instead of logins, asked for once a minute."""

import asyncio
from typing import Any

import msgspec

from libs.http.client import Unavailable
from services.portal.officers import LOGINS_MAX, Officers


class Desk:
    """What identity answers, and how often it was asked for how many."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names
        self.away = False
        self.asked: list[int] = []

    async def get(self, service: str, path: str, type_: Any, *, query: dict[str, str]) -> Any:
        """GET /officers."""
        assert (service, path) == ("identity", "/officers")
        if self.away:
            raise Unavailable("identity", "away")
        logins = query["logins"].split(",")
        self.asked.append(len(logins))
        found = [{"login": one, "name": self.names[one]} for one in logins if one in self.names]
        return msgspec.convert({"officers": found}, type_)


class Someone:
    """An officer who looks at a page."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk


def test_a_name_is_asked_for_once_a_minute_and_a_login_stands_in_for_it() -> None:
    """Known names need no question; what nobody knows, or cannot be asked, is shown as it is."""
    at = [0.0]
    officers, desk = Officers(now=lambda: at[0]), Desk({"a": "Lê Thị Tám"})
    person: Any = Someone(desk)

    def names(*logins: str) -> dict[str, str]:
        return dict(asyncio.run(officers.names(person, logins)))

    desk.away = True
    assert names("a") == {"a": "a"}
    desk.away = False
    assert names("a", "", "b", "a") == {"a": "Lê Thị Tám", "b": "b"}
    assert names("b", "a") == {"a": "Lê Thị Tám", "b": "b"}
    assert desk.asked == [2]
    at[0], desk.away = 61.0, True
    assert names("a") == {"a": "Lê Thị Tám"}, "an old name is better than a login"
    desk.away = False
    desk.names["a"] = "Lê Thị Tám Em"
    assert names("a") == {"a": "Lê Thị Tám Em"}
    assert names() == {}


def test_a_page_with_many_officers_asks_in_parts() -> None:
    """identity tells so many at once."""
    desk = Desk({})
    person: Any = Someone(desk)
    asyncio.run(Officers().names(person, [f"can-bo-{number}" for number in range(LOGINS_MAX + 5)]))
    assert desk.asked == [LOGINS_MAX, 5]
